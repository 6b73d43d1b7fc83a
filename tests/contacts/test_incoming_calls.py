from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from call_centres import during, eventually
from flow_texts import block, flow_text
from scripted_lines import FarEnd, ScriptedLine

from ringfence.cards import Vault
from ringfence.contacts.call_recordings import CallRecordings, list_recordings
from ringfence.contacts.calls import STOPPED
from ringfence.contacts.contact_centre import ContactCentre
from ringfence.contacts.flows import find_flow, import_flow
from ringfence.contacts.instances import ensure_instance
from ringfence.contacts.phone_numbers import claim_number, update_number
from ringfence.contacts.records import list_contacts
from ringfence.errors import NotFound, Unavailable
from ringfence.flows import HungUp, InitiationMethod
from ringfence.functions import FunctionRunner
from ringfence.lines import CallEnd, CallResult, Declined, IncomingCall, Receive, Reception
from ringfence.settings import Settings
from ringfence.storage import Database, now

OURS, THEIRS = "+15550100000", "+4930901820"


def sound(seconds: float = 1.0) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(8000)
        writer.writeframes(b"\x11\x22" * int(8000 * seconds))
    return file.getvalue()


@dataclass
class Caller(FarEnd):
    """Somebody who calls: what they hear, and whether their line records it."""

    recorded: list[bool] = field(default_factory=list)
    gone: bool = False

    async def record(self, on: bool) -> bool:
        self.recorded.append(on)
        return True

    async def hang_up(self) -> None:
        self.gone = True


@dataclass
class OpenLine(ScriptedLine):
    """A line that calls can come in on."""

    ask: Receive | None = None

    def receive(self, receive: Receive) -> None:
        self.ask = receive

    async def comes_in(
        self, caller: Caller, *, to: str = OURS, hangs_up: bool = False
    ) -> Reception | Declined:
        assert self.ask is not None
        reception = await self.ask(IncomingCall(self.name, "1", THEIRS, to))
        if isinstance(reception, Declined):
            return reception
        at = now()
        end = CallEnd.COMPLETED
        try:
            await reception.conversation(caller)
        except HungUp:
            end = CallEnd.HUNG_UP
        await reception.over(
            CallResult(end, at, now(), recording=sound() if True in caller.recorded else None)
        )
        return reception


@asynccontextmanager
async def open_centre(
    database: Database, folder: Path, line: OpenLine, **settings: Any
) -> AsyncIterator[ContactCentre]:
    vault = Vault(bytes(32))
    functions = FunctionRunner(database, vault)
    wanted = Settings(data_dir=folder, **settings)
    centre = ContactCentre(wanted, database, {line.name: line}, functions, vault)
    await centre.start()
    try:
        yield centre
    finally:
        await centre.stop()
        await functions.close()


def lead_somewhere(database: Database, *blocks: dict[str, Any]) -> str:
    """Claim our number for a flow; the instance."""
    hello = block("hello", "MessageParticipant", "end", Text="Good day.")
    with database.write() as connection:
        instance_id = ensure_instance(connection).instance_id
        import_flow(connection, "calls", flow_text(*(blocks or (hello,))))
        number = claim_number(connection, instance_id, OURS, {"line": None})
        flow_id = find_flow(connection, "calls").flow_id
        update_number(connection, number.number_id, flow_id=flow_id)
    return instance_id


def test_a_call_to_a_claimed_number_is_held_as_its_flow_says_and_is_on_record(
    database: Database, tmp_path: Path
) -> None:
    instance_id = lead_somewhere(database)
    line = OpenLine()

    async def work() -> None:
        async with open_centre(database, tmp_path, line) as centre:
            await line.comes_in(Caller(line))
            assert centre.calls.dispatcher.taken == 0

    during(work())
    assert line.story == ["Good day."]
    with database.read() as connection:
        (contact,) = list_contacts(connection, instance_id)
    assert contact.initiation_method is InitiationMethod.INBOUND
    assert (contact.customer_number, contact.system_number) == (THEIRS, OURS)
    assert contact.connected_at is not None
    assert contact.disconnect_reason == "CONTACT_FLOW_DISCONNECT"


@pytest.mark.parametrize("claimed", [False, True])
def test_a_number_that_leads_nowhere_is_unreachable_and_leaves_no_contact(
    claimed: bool, database: Database, tmp_path: Path
) -> None:
    with database.write() as connection:
        instance_id = ensure_instance(connection).instance_id
        if claimed:
            claim_number(connection, instance_id, OURS, {"line": None})
    line = OpenLine()

    async def work() -> None:
        async with open_centre(database, tmp_path, line):
            assert await line.comes_in(Caller(line)) == Declined(CallEnd.UNREACHABLE)

    during(work())
    with database.read() as connection:
        assert list_contacts(connection, instance_id) == []


def test_calls_beyond_the_limit_are_told_that_it_is_busy(
    database: Database, tmp_path: Path
) -> None:
    lead_somewhere(database)
    line = OpenLine()

    async def work() -> None:
        async with open_centre(database, tmp_path, line, calls_at_once=1):
            assert line.ask is not None
            first = await line.ask(IncomingCall("line", "1", THEIRS, OURS))
            assert isinstance(first, Reception)
            assert await line.comes_in(Caller(line)) == Declined(CallEnd.BUSY)
            await first.over(CallResult(CallEnd.UNREACHABLE, None, now()))
            assert isinstance(await line.comes_in(Caller(line)), Reception)

    during(work())


def test_a_caller_who_hangs_up_or_a_crash_leaves_no_open_contact(
    database: Database, tmp_path: Path
) -> None:
    instance_id = lead_somewhere(database)
    line = OpenLine()

    async def crash() -> None:
        async with open_centre(database, tmp_path, line):
            assert line.ask is not None
            await line.ask(IncomingCall("line", "1", THEIRS, OURS))

    async def next_start() -> None:
        async with open_centre(database, tmp_path, line):
            pass

    during(crash())
    with database.read() as connection:
        assert list_contacts(connection, instance_id)[0].disconnected_at is None
    during(next_start())
    with database.read() as connection:
        (contact,) = list_contacts(connection, instance_id)
    assert contact.disconnect_reason == "TELECOM_PROBLEM"
    assert "restart" in contact.detail


def recorded(
    database: Database, folder: Path, flow_asks: bool = False, **settings: Any
) -> tuple[OpenLine, Caller]:
    asks = block("record", "UpdateContactRecordingBehavior", "hello")
    asks["Parameters"] = {"RecordingBehavior": {"IVRRecordingBehavior": "Enabled"}}
    hello = block("hello", "MessageParticipant", "end", Text="Good day.")
    lead_somewhere(database, *((asks, hello) if flow_asks else (hello,)))
    line = OpenLine()
    caller = Caller(line)

    async def work() -> None:
        async with open_centre(database, folder, line, **settings):
            await line.comes_in(caller)

    during(work())
    return line, caller


def test_nothing_is_recorded_unless_it_is_switched_on_whatever_the_flow_asks_for(
    database: Database, tmp_path: Path
) -> None:
    line, caller = recorded(database, tmp_path, flow_asks=True)
    assert (line.story, caller.recorded) == (["Good day."], [])
    assert not (tmp_path / "recordings").exists()


@pytest.mark.parametrize(
    ("setting", "flow_asks", "is_recorded"),
    [("all", False, True), ("flows", True, True), ("flows", False, False)],
)
def test_a_recorded_call_begins_with_saying_so(
    setting: str, flow_asks: bool, is_recorded: bool, database: Database, tmp_path: Path
) -> None:
    line, caller = recorded(database, tmp_path, flow_asks, recordings=setting)
    told = ["This call is recorded."] if is_recorded else []
    assert line.story == [*told, "Good day."]
    assert (True in caller.recorded) == is_recorded
    with database.read() as connection:
        assert len(list_recordings(connection)) == is_recorded


def test_it_is_announced_in_the_callers_language_and_the_banks_words(
    database: Database, tmp_path: Path
) -> None:
    own = {"de": "Wir zeichnen auf."}
    line, _ = recorded(
        database,
        tmp_path,
        recordings="all",
        customer_language="de-AT",
        recordings_announcement=own,
    )
    assert line.story[0] == "Wir zeichnen auf."


def kept(database: Database, folder: Path) -> CallRecordings:
    return CallRecordings(database, Vault(bytes(32)), folder / "recordings", keep_days=90)


def sealed_files(folder: Path) -> list[Path]:
    return sorted((folder / "recordings").iterdir())


def test_a_recording_is_unreadable_on_disk_and_heard_by_who_may(
    database: Database, tmp_path: Path
) -> None:
    recorded(database, tmp_path, recordings="all")
    (file,) = sealed_files(tmp_path)
    assert b"RIFF" not in file.read_bytes()
    assert b"\x11\x22" * 8 not in file.read_bytes()
    assert file.stat().st_mode & 0o077 == 0
    recordings = kept(database, tmp_path)
    with database.read() as connection:
        (one,) = list_recordings(connection)
    assert one.seconds == 1.0
    assert recordings.read(one.contact_id, by="ana") == sound()
    other = file.with_name("another-contact.sealed")
    file.rename(other)
    with pytest.raises(NotFound):
        recordings.read(one.contact_id, by="ana")
    other.rename(file)
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(Unavailable):
        recordings.read(one.contact_id, by="ana")


def test_a_recording_is_deleted_when_its_time_is_over_and_stays_on_record_as_such(
    database: Database, tmp_path: Path
) -> None:
    recorded(database, tmp_path, recordings="all", recordings_days=0.00001)  # a second
    recordings = kept(database, tmp_path)
    during(eventually(lambda: recordings.sweep() == 1))
    with database.read() as connection:
        (one,) = list_recordings(connection)
    assert one.deleted_by == "retention"
    with pytest.raises(NotFound, match="deleted"):
        recordings.read(one.contact_id, by="ana")


def test_a_recording_can_be_deleted_before_its_time(database: Database, tmp_path: Path) -> None:
    recorded(database, tmp_path, recordings="all")
    recordings = kept(database, tmp_path)
    with database.read() as connection:
        (one,) = list_recordings(connection)
    assert recordings.delete(one.contact_id, by="ana").deleted_by == "ana"
    assert recordings.delete(one.contact_id, by="bob").deleted_by == "ana"
    assert sealed_files(tmp_path) == []


@pytest.mark.parametrize("name", ["../vault", "", "a/b", ".hidden", "x" * 65])
def test_no_other_file_is_read_as_a_recording(
    name: str, database: Database, tmp_path: Path
) -> None:
    with pytest.raises(NotFound):
        kept(database, tmp_path).read(name, by="ana")


def test_a_contact_that_is_stopped_ends_a_call_that_came_in(
    database: Database, tmp_path: Path
) -> None:
    queued = block("menu", "GetParticipantInput", "end", Text="One?")
    queued["Parameters"] = {"Text": "One?", "StoreInput": "False", "InputTimeLimitSeconds": "60"}
    queued["Transitions"]["Errors"].append(
        {"NextAction": "end", "ErrorType": "InputTimeLimitExceeded"}
    )
    instance_id = lead_somewhere(database, queued)
    line = OpenLine()

    class Waiting(Caller):
        async def reply(self, timeout_seconds: float) -> None:
            await asyncio.sleep(60)

        async def digit(self, timeout_seconds: float) -> None:
            await asyncio.sleep(60)

    caller = Waiting(line)

    async def work() -> None:
        async with open_centre(database, tmp_path, line) as centre:
            call = asyncio.ensure_future(line.comes_in(caller))
            await eventually(lambda: "One?" in line.story)
            (contact_id,) = centre.calls.talks.running
            assert await centre.calls.hang_up(contact_id)
            await call

    during(work())
    assert caller.gone
    with database.read() as connection:
        (contact,) = list_contacts(connection, instance_id)
    assert contact.disconnect_reason == STOPPED
