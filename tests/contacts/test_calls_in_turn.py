"""Accepted calls that a line has no room for yet: they wait their turn, and ring once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from call_centres import Centre, during, eventually
from flow_texts import block, flow_text

from ringfence.cards import Vault
from ringfence.contacts.calls import EXPIRED, STALE, STOPPED, TooManyCalls
from ringfence.contacts.contact_centre import ContactCentre
from ringfence.contacts.flows import find_flow, import_flow
from ringfence.contacts.records import StoredContact, get_contact
from ringfence.functions import FunctionRunner
from ringfence.lines import CallEnd, CallRequest, CallResult, Conversation, Limits, Report
from ringfence.settings import Settings
from ringfence.storage import now


@dataclass
class HeldLine:
    """A line whose telephones ring until they are told to stop."""

    limits: Limits = field(default_factory=lambda: Limits(calls_at_once=1))
    name: str = "line"
    numbers: frozenset[str] | None = None
    rung: list[str] = field(default_factory=list)
    ringing: dict[str, asyncio.Event] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)

    async def call(
        self, request: CallRequest, conversation: Conversation, report: Report
    ) -> CallResult:
        self.rung.append(request.call_id)
        self.attributes = dict(request.attributes)
        self.ringing[request.call_id] = asyncio.Event()
        try:
            await self.ringing[request.call_id].wait()
        finally:
            del self.ringing[request.call_id]
        return CallResult(CallEnd.NO_ANSWER, None, now())


@asynccontextmanager
async def opened(
    centre: Centre, folder: Path, line: HeldLine, **settings: Any
) -> AsyncIterator[ContactCentre]:
    vault = Vault(bytes(32))
    functions = FunctionRunner(centre.database, vault)
    wanted = Settings(data_dir=folder, **settings)
    made = ContactCentre(wanted, centre.database, {line.name: line}, functions, vault)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()
        await functions.close()


@pytest.fixture
def wanted(centre: Centre) -> Callable[..., StoredContact]:
    """A contact that an API client asks for, by its id."""
    hello = block("hello", "MessageParticipant", "end", Text="Good day.")
    centre.write(import_flow, "calls", flow_text(hello))
    flow_id = centre.read(find_flow, "calls").flow_id

    def contact(contact_id: str, *, age: timedelta = timedelta(0), **facts: Any) -> StoredContact:
        return StoredContact(
            contact_id=contact_id,
            instance_id=centre.instance_id,
            initial_contact_id=contact_id,
            flow_id=flow_id,
            line="line",
            customer_number="+4930901820",
            system_number="+15550100000",
            initiated_at=now() - age,
            updated_at=now(),
            **facts,
        )

    return contact


def closed(centre: Centre, *contact_ids: str) -> Callable[[], bool]:
    def look() -> bool:
        kept = [centre.read(get_contact, each) for each in contact_ids]
        return all(each.disconnected_at is not None for each in kept)

    return look


def test_an_accepted_call_that_a_full_line_does_not_take_yet_is_dialled_in_its_turn(
    centre: Centre, tmp_path: Path, wanted: Callable[..., StoredContact]
) -> None:
    line = HeldLine()

    async def work() -> None:
        async with opened(centre, tmp_path, line) as made:
            for name in "abc":
                await made.calls.accept(wanted(name))
            for turn in range(3):
                await eventually(lambda rung=turn + 1: len(line.rung) == rung)
                for name in "abc"[turn + 1 :]:
                    kept = centre.read(get_contact, name)
                    assert (kept.dialled_at, kept.disconnected_at) == (None, None)
                assert list(line.ringing) == ["abc"[turn]]
                line.ringing["abc"[turn]].set()
            await eventually(closed(centre, *"abc"))

    during(work())
    assert line.rung == ["a", "b", "c"]


def test_waiting_calls_count_for_how_many_are_accepted_and_a_token_finds_its_own(
    centre: Centre, tmp_path: Path, wanted: Callable[..., StoredContact]
) -> None:
    line = HeldLine()

    async def work() -> None:
        async with opened(centre, tmp_path, line, calls_at_once=2) as made:
            await made.calls.accept(wanted("a"))
            await made.calls.accept(wanted("b", client_token="once"))
            with pytest.raises(TooManyCalls, match="2 calls"):
                await made.calls.accept(wanted("c"))
            again = await made.calls.accept(wanted("d", client_token="once"))
            assert again.contact_id == "b"
            await eventually(lambda: line.rung == ["a"])
            line.ringing["a"].set()
            await eventually(lambda: line.rung == ["a", "b"])
            await made.calls.accept(wanted("e"))
            with pytest.raises(TooManyCalls):
                await made.calls.accept(wanted("f"))

    during(work())


def test_a_call_that_is_stopped_while_it_waits_never_rings(
    centre: Centre, tmp_path: Path, wanted: Callable[..., StoredContact]
) -> None:
    line = HeldLine()

    async def work() -> None:
        async with opened(centre, tmp_path, line) as made:
            for name in "abc":
                await made.calls.accept(wanted(name))
            await eventually(lambda: line.rung == ["a"])
            assert await made.calls.hang_up("b")
            assert not await made.calls.hang_up("b")
            line.ringing["a"].set()
            await eventually(lambda: line.rung == ["a", "c"])
            line.ringing["c"].set()
            await eventually(closed(centre, *"abc"))
            assert made.calls.dispatcher.taken == 0

    during(work())
    assert centre.read(get_contact, "b").disconnect_reason == STOPPED


def test_attributes_that_change_while_a_call_waits_are_those_it_is_held_with(
    centre: Centre, tmp_path: Path, wanted: Callable[..., StoredContact]
) -> None:
    line = HeldLine()

    async def work() -> None:
        async with opened(centre, tmp_path, line) as made:
            await made.calls.accept(wanted("a"))
            await made.calls.accept(wanted("b", attributes={"Amount": "1"}))
            together = await made.calls.update_attributes("b", {"Merchant": "Bakery"})
            await eventually(lambda: line.rung == ["a"])
            line.ringing["a"].set()
            await eventually(lambda: line.rung == ["a", "b"])
            assert line.attributes == together == {"Amount": "1", "Merchant": "Bakery"}

    during(work())


def test_a_call_that_no_line_takes_in_time_expires(
    centre: Centre, tmp_path: Path, wanted: Callable[..., StoredContact]
) -> None:
    line = HeldLine()

    async def work() -> None:
        async with opened(centre, tmp_path, line) as made:
            await made.calls.accept(wanted("a", age=STALE))  # there is room: it is placed
            await eventually(lambda: line.rung == ["a"])
            await made.calls.accept(wanted("b", age=STALE))
            await eventually(closed(centre, "b"))
            assert line.rung == ["a"]

    during(work())
    kept = centre.read(get_contact, "b")
    assert (kept.disconnect_reason, kept.dialled_at) == (EXPIRED, None)
    assert kept.detail == "line line did not take it in time"


def test_what_waited_when_the_server_stopped_is_dialled_by_the_next_one_in_the_same_order(
    centre: Centre, tmp_path: Path, wanted: Callable[..., StoredContact]
) -> None:
    first, second = HeldLine(), HeldLine()

    async def stopped() -> None:
        async with opened(centre, tmp_path, first) as made:
            for name in "abc":
                await made.calls.accept(wanted(name))
            await eventually(lambda: first.rung == ["a"])

    async def next_start() -> None:
        async with opened(centre, tmp_path, second):
            await eventually(lambda: second.rung == ["b"])
            second.ringing["b"].set()
            await eventually(lambda: second.rung == ["b", "c"])
            second.ringing["c"].set()
            await eventually(closed(centre, *"abc"))

    during(stopped())
    during(next_start())
    assert first.rung == ["a"]
    assert second.rung == ["b", "c"]
