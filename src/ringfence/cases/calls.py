"""One attempt: place the call, hold the conversation, keep what happened.

An attempt is written down before it is dialled and is never dialled again: after a crash it counts
as interrupted, whatever had happened on the telephone. An answer is on disk, with the card blocked
or the hold lifted, before the flow goes on to say so. Keys are kept only where they answer a menu:
elsewhere they may be a secret.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert

from ringfence import cards
from ringfence.cases import tables
from ringfence.cases.answering import hear_answer, hear_key
from ringfence.cases.call_reports import CallReports
from ringfence.cases.follow_ups import INTERRUPTED, MACHINES, SETTLED, NoAttempt
from ringfence.cases.functions import CaseFunctions
from ringfence.cases.machines import flow_for_machine
from ringfence.cases.plans import OPT_OUT_KEY
from ringfence.cases.policy import amount_of, follow_up, may_call_from
from ringfence.cases.records import (
    Case,
    attempts_of,
    change_attempt,
    get_case,
    held_case,
    settled_cases,
)
from ringfence.cases.timeline import EntryKind, note
from ringfence.contacts.calls import Calls
from ringfence.contacts.dispatching import Slot, Urgency
from ringfence.contacts.flows import find_flow
from ringfence.contacts.instances import ensure_instance
from ringfence.contacts.records import CallWishes, StoredContact
from ringfence.contacts.talks import Watchers
from ringfence.flows import Flow, FlowEvent, FlowEventKind
from ringfence.lines import CallEnd, CallEvent, CallEventKind, CallResult
from ringfence.storage import Database, now

NOT_NEEDED = "not needed"
POSTPONED = "postponed"
NOT_PERMITTED = "not permitted"

# Run for each attempt, so it is built once.
_BEGIN = insert(tables.attempts)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """An attempt that waits for its slot."""

    case: Case
    line: str


@dataclass(frozen=True, slots=True)
class _Begun:
    """An attempt that is on record. `on_machine` is what an answering machine hears."""

    case: Case
    contact: StoredContact
    on_machine: Flow | None


class Attempts:
    """Places the calls of cases on the lines of this process, the most urgent first."""

    def __init__(self, database: Database, calls: Calls, caller_number: str):
        self._database = database
        self._calls = calls
        self._caller_number = caller_number
        self._reports = CallReports(database)
        self._ringing: dict[str, asyncio.Task[CallResult]] = {}
        self._waiting: dict[str, Slot] = {}

    async def make(self, case_id: str, number: int) -> str:
        """Make attempt `number` (from 1) of a case and return how it ended.

        The value is what `Attempt.end` says, `interrupted` also when this attempt had been
        started before. When nothing was dialled it is `not needed` (the case has its verdict),
        `postponed` (quiet hours have begun, say) or `not permitted` (the cardholder must not be
        called). It waits for a slot first, and looks at all of that again when it has one.
        """
        wanted = await asyncio.to_thread(self._look, case_id, number)
        if isinstance(wanted, str):
            return wanted
        with self._calls.dispatcher.slot(wanted.line, _urgency(wanted.case)) as slot:
            self._waiting[case_id] = slot
            try:
                if not slot.decided:
                    await asyncio.to_thread(self._note_waiting, case_id, number, wanted.line)
                if not await slot.granted():
                    return NOT_NEEDED
            finally:
                del self._waiting[case_id]
            begun = await asyncio.to_thread(self._begin, case_id, number, wanted.line)
            if isinstance(begun, str):
                return begun
            slot.dialled = True
            result = await self._call(begun)
            await asyncio.to_thread(self._end, begun, result)
            return SETTLED if result is None else result.end

    async def end_settled(self) -> None:
        """Let no telephone ring on for a case that has got its verdict from somebody else.

        A conversation that has begun goes on: what the cardholder answers may still block the
        card. Nor does a call wait for its slot any longer.
        """
        ringing, waiting = dict(self._ringing), dict(self._waiting)
        if not ringing and not waiting:
            return
        for case_id in await asyncio.to_thread(self._settled, [*ringing, *waiting]):
            if case_id in ringing and self._ringing.get(case_id) is ringing[case_id]:
                ringing[case_id].cancel()
            if case_id in waiting:
                waiting[case_id].withdraw()

    def close(self) -> None:
        """Finish what calls have reported, when none is in progress any more."""
        self._reports.close()

    async def _call(self, begun: _Begun) -> CallResult | None:
        """The call's result; None when `end_settled` has ended it."""
        case, attempt_id = begun.case, begun.contact.contact_id

        async def report(event: CallEvent) -> None:
            if event.kind is CallEventKind.ANSWERED:
                self._ringing.pop(case.case_id, None)
            await self._reports.add(case.case_id, attempt_id, event)

        async def observe(event: FlowEvent) -> None:
            if event.kind is FlowEventKind.INPUT:
                await asyncio.to_thread(self._key, case, event)

        built_ins = CaseFunctions(self._database, case.case_id).built_ins()
        watchers = Watchers(observe, report, built_ins, on_machine=begun.on_machine)
        # A task of its own, so that it can be ended without ending the workflow that awaits it.
        call = asyncio.ensure_future(
            self._calls.place(attempt_id, dialled=begun.contact, watchers=watchers)
        )
        self._ringing[case.case_id] = call
        try:
            return await call
        except asyncio.CancelledError:
            this = asyncio.current_task()
            if this is not None and this.cancelling():
                raise
            return None
        finally:
            self._ringing.pop(case.case_id, None)

    def _look(self, case_id: str, number: int) -> str | _Wanted:
        with self._database.read() as connection:
            case = get_case(connection, case_id)
            made = attempts_of(connection, case_id)
        for attempt in made:
            if attempt.number == number:
                return attempt.end or self._interrupt(case_id, number)
        following = follow_up(case, made)
        if not case.open or isinstance(following, NoAttempt):
            return NOT_NEEDED
        return _Wanted(case, following.line)

    def _interrupt(self, case_id: str, number: int) -> str:
        at = now()
        with self._database.write() as connection:
            attempt_id = _attempt_id(case_id, number)
            change_attempt(connection, attempt_id, ended_at=at, end=INTERRUPTED)
            text = f"attempt {number} was cut off by a restart of the server"
            note(connection, case_id, at, EntryKind.INTERRUPTED, text)
        return INTERRUPTED

    def _note_waiting(self, case_id: str, number: int, line: str) -> None:
        with self._database.write() as connection:
            text = f"attempt {number} waits until line {line} takes it"
            note(connection, case_id, now(), EntryKind.WAITING, text)

    def _begin(self, case_id: str, number: int, line: str) -> str | _Begun:
        with self._database.write() as connection:
            case = held_case(connection, case_id)
            at = now()
            if not case.open:
                return NOT_NEEDED
            customer = cards.get_customer(connection, case.customer_id)
            allowed = may_call_from(connection, case, customer, at, at)
            if isinstance(allowed, NoAttempt):
                return NOT_PERMITTED
            if allowed > at:
                return POSTPONED  # the server was down while the time for this call passed
            connection.execute(
                _BEGIN,
                {
                    "attempt_id": _attempt_id(case_id, number),
                    "case_id": case_id,
                    "number": number,
                    "line": line,
                    "started_at": at,
                },
            )
            note(
                connection,
                case_id,
                at,
                EntryKind.DIALLED,
                f"attempt {number} of {case.plan.attempts} on line {line}, to the "
                f"number ending in {customer.phone_number[-3:]}",
            )
            contact = self._open_contact(connection, case, number, line, customer, at)
            return _Begun(case, contact, flow_for_machine(connection, case))

    def _open_contact(
        self,
        connection: Connection,
        case: Case,
        number: int,
        line: str,
        customer: cards.Customer,
        at: datetime,
    ) -> StoredContact:
        contact_id = _attempt_id(case.case_id, number)
        instance_id = ensure_instance(connection).instance_id
        flow = find_flow(connection, case.flow_name, instance_id=instance_id)
        return self._calls.open(
            connection,
            StoredContact(
                contact_id=contact_id,
                instance_id=instance_id,
                initial_contact_id=contact_id,
                flow_id=flow.flow_id,
                flow_version=case.flow_version,
                line=line,
                customer_number=customer.phone_number,
                system_number=case.plan.caller_number(customer.phone_number) or self._caller_number,
                customer_id=case.customer_id,
                language=customer.language,
                attributes=case.attributes,
                request=CallWishes(
                    ring_timeout_seconds=case.plan.ring_timeout_seconds,
                    caller_name=case.attributes.get("Bank", ""),
                    detect_machine=case.plan.detect_machine,
                    attempt=True,
                ),
                initiated_at=at,
                dialled_at=at,
                updated_at=at,
            ),
        )

    def _settled(self, case_ids: list[str]) -> list[str]:
        with self._database.read() as connection:
            return settled_cases(connection, case_ids)

    def _key(self, case: Case, event: FlowEvent) -> None:
        with self._database.write() as connection:
            hear_key(connection, case, event, trusted=True)

    def _end(self, begun: _Begun, result: CallResult | None) -> None:
        """Write down how an attempt ended; without a result somebody else settled the case."""
        case, at = begun.case, now()
        if result is None:
            result = CallResult(CallEnd.COMPLETED, None, at, "somebody settled the case")
            end: str = SETTLED
        else:
            end = result.end
        who = result.answered_by
        text = end.replace("_", " ")
        if who in MACHINES:
            text += ", by an answering machine"
        key = result.attributes.get(case.plan.answer_attribute, "")
        answers = {*case.plan.answers, OPT_OUT_KEY} if who not in MACHINES else set()
        with self._database.write() as connection:
            change_attempt(
                connection,
                begun.contact.contact_id,
                answered_at=result.answered_at,
                ended_at=result.ended_at,
                end=end,
                detail=result.detail[:512],
                answered_by=who,
            )
            note(
                connection,
                case.case_id,
                result.ended_at,
                EntryKind.ENDED,
                f"{text}: {result.detail}" if result.detail else text,
            )
            if key in answers:
                hear_answer(connection, case, key, result.ended_at)


def _urgency(case: Case) -> Urgency:
    return Urgency(case.plan.priority, amount_of(case) or 0.0, case.opened_at)


def _attempt_id(case_id: str, number: int) -> str:
    return f"{case_id}-{number}"
