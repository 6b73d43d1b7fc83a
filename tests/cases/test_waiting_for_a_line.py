"""Calls that a line has no room for yet: of cases among each other, and beside API clients."""

from __future__ import annotations

import asyncio
from pathlib import Path

from banks import (
    CUSTOMER,
    PHONE,
    OpenBank,
    Telephone,
    add_customer,
    open_bank,
    payment,
    plan,
    set_up,
)
from sqlalchemy import update

from ringfence.cases import EntryKind, Verdict
from ringfence.cases import tables as case_tables
from ringfence.contacts.dispatching import PASSED_BY
from ringfence.contacts.flows import find_flow
from ringfence.contacts.instances import ensure_instance
from ringfence.contacts.records import StoredContact, get_contact
from ringfence.lines import CallEnd, CallRequest, CallResult, Conversation, Limits, Report
from ringfence.storage import Database, now

CARD_NUMBERS = (
    "4000000000000002",
    "4000000000000010",
    "4000000000000028",
    "4000000000000036",
    "4000000000000044",
    "4000000000000051",
)
CASES, CLIENTS = len(CARD_NUMBERS), 3


class _Trunk:
    """A line that nobody answers on, and what was on it at once."""

    name = "trunk"
    numbers = None

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.began: list[str] = []
        self.now = 0
        self.most = 0
        self.open = asyncio.Event()

    async def call(
        self, request: CallRequest, conversation: Conversation, report: Report
    ) -> CallResult:
        self.began.append(request.call_id)
        self.now += 1
        self.most = max(self.most, self.now)
        await self.open.wait()
        await asyncio.sleep(0.01)
        self.now -= 1
        return CallResult(CallEnd.NO_ANSWER, None, now())


def _client_call(database: Database, number: int) -> StoredContact:
    with database.write() as connection:
        instance_id = ensure_instance(connection).instance_id
        flow_id = find_flow(connection, "verify-card-payment").flow_id
    return StoredContact(
        contact_id=f"client-{number}",
        instance_id=instance_id,
        initial_contact_id=f"client-{number}",
        flow_id=flow_id,
        line="trunk",
        customer_number=f"+4930777777{number}",
        system_number="+15550100000",
        initiated_at=now(),
        updated_at=now(),
    )


async def _load(database: Database, folder: Path, trunk: _Trunk) -> list[str]:
    """The calls of cases and clients together, in the order in which they were dialled: those of
    cases by their amounts. All have come before the first was over."""
    set_up(database, plan(line="trunk", attempts=1))
    named = {}
    cards = {
        number: add_customer(database, f"c{number}", f"+493055555{number}", card_number)
        for number, card_number in enumerate(CARD_NUMBERS)
    }

    async def suspect(bank: OpenBank, number: int) -> str:
        amount = 2000.0 + number
        request = payment(f"e{number}", cards[number], amount, customer_id=f"c{number}")
        case_id = (await bank.engine.decide(request)).case_id
        assert case_id is not None
        named[f"{case_id}-1"] = f"case {amount:g}"
        return case_id

    async with open_bank(database, folder, CUSTOMER, {"trunk": trunk}) as bank:
        case_ids = [await suspect(bank, number) for number in cards]
        await bank.until(lambda: bool(trunk.began))
        for number in range(CLIENTS):
            await bank.centre.calls.accept(_client_call(database, number))
        most = trunk.limits.calls_at_once or 0
        waiting = CASES - most
        await bank.until(
            lambda: sum(bool(bank.told(each, EntryKind.WAITING)) for each in case_ids) >= waiting
        )
        trunk.open.set()
        for case_id in case_ids:
            await bank.closed(case_id)

        def over() -> bool:
            with database.read() as connection:
                kept = [get_contact(connection, f"client-{each}") for each in range(CLIENTS)]
            return all(each.disconnected_at is not None for each in kept)

        await bank.until(over)
        assert bank.centre.calls.dispatcher.taken == 0
    return [named.get(each, each) for each in trunk.began]


async def test_both_kinds_together_keep_to_how_many_calls_the_line_takes_at_once(
    database: Database, tmp_path: Path
) -> None:
    trunk = _Trunk(Limits(calls_at_once=2))
    dialled = await _load(database, tmp_path, trunk)
    assert trunk.most == 2
    assert len(dialled) == len(set(dialled)) == CASES + CLIENTS


async def test_the_most_valuable_case_goes_first_and_clients_are_not_passed_by_for_ever(
    database: Database, tmp_path: Path
) -> None:
    dialled = await _load(database, tmp_path, _Trunk(Limits(calls_at_once=1)))
    waited = [each for each in dialled[1:] if each.startswith("case")]
    assert waited == sorted(waited, reverse=True)
    clients = [each for each in dialled if each.startswith("client")]
    assert clients == sorted(clients)
    assert dialled.index("client-0") == 1 + PASSED_BY


async def test_the_most_valuable_suspicion_is_called_first_and_the_others_say_that_they_wait(
    database: Database, tmp_path: Path
) -> None:
    telephone = Telephone("talks", "2", "2")
    telephone.limits = Limits(calls_at_once=1)
    card_id = set_up(database)
    others = {
        add_customer(database, f"c{n}", f"+493055555{n}", number): amount
        for n, number, amount in ((2, "5555555555554444", 2000.0), (3, "4000056655665556", 9000.0))
    }
    async with open_bank(database, tmp_path, card_id, {"browser": telephone}) as bank:
        first = await bank.suspect()
        await bank.until(lambda: bool(bank.told(first, EntryKind.SAID)))
        waiting = []
        for n, (card, amount) in enumerate(others.items(), 2):
            request = payment(f"e{n}", card, amount, customer_id=f"c{n}")
            decision = await bank.engine.decide(request)
            assert decision.case_id is not None
            waiting.append(decision.case_id)
        for case_id in waiting:
            await bank.until(lambda each=case_id: bool(bank.told(each, EntryKind.WAITING)))
            assert bank.told(case_id, EntryKind.WAITING) == [
                "attempt 1 waits until line browser takes it"
            ]
            assert bank.attempts(case_id) == []
        telephone.press("2")
        for case_id in waiting:
            await bank.closed(case_id)
        assert [request.to_number[-1] for request in telephone.dialled] == ["6", "3", "2"]


async def test_a_case_that_is_settled_while_it_waits_for_a_line_is_not_called(
    database: Database, tmp_path: Path
) -> None:
    telephone = Telephone("talks", "2")
    telephone.limits = Limits(calls_at_once=1)
    card_id = set_up(database)
    other = add_customer(database, "c2", "+4930555552", "5555555555554444")
    async with open_bank(database, tmp_path, card_id, {"browser": telephone}) as bank:
        first = await bank.suspect()
        await bank.until(lambda: bool(bank.told(first, EntryKind.SAID)))
        decision = await bank.engine.decide(payment("e2", other, customer_id="c2"))
        case_id = decision.case_id
        assert case_id is not None
        await bank.until(lambda: bool(bank.told(case_id, EntryKind.WAITING)))
        with database.write() as connection:
            connection.execute(
                update(case_tables.cases)
                .where(case_tables.cases.c.case_id == case_id)
                .values(open=False, verdict="legit", verdict_by="anna", verdict_at=now())
            )
        await bank.until(lambda: not bank.desk._attempts._waiting)
        telephone.press("2")
        await bank.closed(first)
        assert len(telephone.dialled) == 1


async def test_a_call_that_waited_for_a_line_when_the_server_stopped_is_placed_once(
    database: Database, tmp_path: Path
) -> None:
    busy = Telephone("talks")
    busy.limits = Limits(calls_at_once=1)
    card_id = set_up(database)
    other = add_customer(database, "c2", "+4930555552", "5555555555554444")
    async with open_bank(database, tmp_path, card_id, {"browser": busy}) as bank:
        first = await bank.suspect()
        await bank.until(lambda: bool(bank.told(first, EntryKind.SAID)))
        case_id = (await bank.engine.decide(payment("e2", other, customer_id="c2"))).case_id
        assert case_id is not None
        await bank.until(lambda: bool(bank.told(case_id, EntryKind.WAITING)))
    assert bank.attempts(case_id) == []
    free = Telephone("2", "2")
    async with open_bank(database, tmp_path, card_id, {"browser": free}) as bank:
        assert (await bank.closed(case_id)).verdict is Verdict.FRAUD
        assert bank.ends(case_id) == [CallEnd.COMPLETED]
        assert (await bank.closed(first)).verdict is Verdict.FRAUD
        assert sorted(request.to_number for request in free.dialled) == [PHONE, "+4930555552"]
