"""What a line is told before it dials: the words that it will have to say first."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from call_centres import during
from flow_texts import block, flow_text
from scripted_lines import ScriptedLine

from ringfence.cards import Vault
from ringfence.contacts.contact_centre import ContactCentre
from ringfence.contacts.flows import find_flow, import_flow
from ringfence.contacts.instances import ensure_instance
from ringfence.contacts.phone_numbers import claim_number, update_number
from ringfence.contacts.records import StoredContact
from ringfence.contacts.talks import Watchers
from ringfence.flows import Prompt, load_flow
from ringfence.flows.fixed_words import GAP
from ringfence.functions import FunctionRunner
from ringfence.lines import (
    CallEnd,
    CallRequest,
    CallResult,
    Conversation,
    IncomingCall,
    Reception,
    Report,
)
from ringfence.settings import Settings
from ringfence.storage import Database, now

CUSTOMER = "+4930901820"


@dataclass
class Asked(ScriptedLine):
    """A line that remembers what it was asked for."""

    requests: list[CallRequest] = field(default_factory=list)
    foretold: list[Prompt] = field(default_factory=list)

    async def call(
        self, request: CallRequest, conversation: Conversation, report: Report
    ) -> CallResult:
        self.requests.append(request)
        self.foretold += await request.foretell()
        return await super().call(request, conversation, report)


def called(
    database: Database,
    folder: Path,
    line: Asked,
    text: str,
    *,
    on_machine: str | None = None,
    **settings: str,
) -> CallResult:
    """Call the customer with a flow."""
    watchers = Watchers(on_machine=load_flow(on_machine) if on_machine else None)
    with database.write() as connection:
        instance_id = ensure_instance(connection).instance_id
        import_flow(connection, "calls", text)
        flow_id = find_flow(connection, "calls").flow_id
    contact = StoredContact(
        contact_id="contact-1",
        instance_id=instance_id,
        initial_contact_id="contact-1",
        flow_id=flow_id,
        line=line.name,
        customer_number=CUSTOMER,
        system_number="+15550100000",
        attributes={"Name": "Rojas"},
        initiated_at=now(),
        updated_at=now(),
    )

    async def work() -> CallResult:
        async with open_centre(database, Settings(data_dir=folder, **settings), line) as centre:
            with database.write() as connection:
                centre.calls.open(connection, contact)
            return await centre.calls.place(contact.contact_id, watchers=watchers)

    return during(work())


@asynccontextmanager
async def open_centre(
    database: Database, settings: Settings, line: ScriptedLine
) -> AsyncIterator[ContactCentre]:
    vault = Vault(bytes(32))
    functions = FunctionRunner(database, vault)
    centre = ContactCentre(settings, database, {line.name: line}, functions, vault)
    await centre.start()
    try:
        yield centre
    finally:
        await centre.stop()
        await functions.close()


GREETING = flow_text(
    block("set", "UpdateContactAttributes", "hello", Attributes={"Name": "$.Attributes.Name!"}),  # type: ignore[arg-type]
    block("hello", "MessageParticipant", "bye", Text="Good day $.Attributes.Name"),
    block("bye", "MessageParticipant", "end", Text="Goodbye."),
)


def test_a_line_is_told_the_first_words_and_then_the_fixed_ones(
    database: Database, tmp_path: Path
) -> None:
    line = Asked({CUSTOMER})
    result = called(database, tmp_path, line, GREETING)
    assert result.end is CallEnd.COMPLETED
    [request] = line.requests
    texts = [prompt.text for prompt in line.foretold]
    assert texts == ["Good day Rojas!", "Goodbye.", f"Good day {GAP}"]
    assert request.attributes == {"Name": "Rojas"}
    # The rehearsal has set nothing: the call itself begins with the name as it was.
    assert line.story == [f"calls {CUSTOMER}", "Good day Rojas!", "Goodbye."]


def test_where_all_calls_are_recorded_that_is_told_first(
    database: Database, tmp_path: Path
) -> None:
    line = Asked({CUSTOMER})
    called(database, tmp_path, line, GREETING, recordings="all")
    assert line.foretold[0].text == "This call is recorded."


def test_what_is_left_on_a_machine_is_told_too(database: Database, tmp_path: Path) -> None:
    line = Asked({CUSTOMER})
    message = flow_text(block("leave", "MessageParticipant", "end", Text="Please call us."))
    called(database, tmp_path, line, GREETING, on_machine=message)
    texts = [prompt.text for prompt in line.foretold]
    assert texts[:3] == ["Good day Rojas!", "Goodbye.", "Please call us."]
    assert "Please call us." not in line.story


def test_a_line_knows_the_first_words_of_a_call_that_comes_in(
    database: Database, tmp_path: Path
) -> None:
    with database.write() as connection:
        instance_id = ensure_instance(connection).instance_id
        import_flow(connection, "calls", GREETING)
        number = claim_number(connection, instance_id, "+15550100000", {"line": None})
        update_number(connection, number.number_id, flow_id=find_flow(connection, "calls").flow_id)
    line = ScriptedLine()

    async def work() -> Sequence[Prompt]:
        async with open_centre(database, Settings(data_dir=tmp_path), line) as centre:
            call = IncomingCall(line.name, "1", CUSTOMER, "+15550100000")
            reception = await centre.receiving.receive(call)
            assert isinstance(reception, Reception)
            foretold = await reception.foretell()
            await reception.over(CallResult(CallEnd.UNREACHABLE, None, now()))
            return foretold

    prompts = during(work())
    assert [prompt.text for prompt in prompts][:2] == ["Good day !", "Goodbye."]
