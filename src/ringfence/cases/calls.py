"""One attempt: place the call, hold the conversation, keep what happened.

An attempt is written down before it is dialled and is never dialled again: after a crash it counts
as interrupted, whatever had happened on the telephone. An answer is on disk, with the card blocked
or the hold lifted, before the flow goes on to say so. Keys are kept only where they answer a menu:
elsewhere they may be a secret.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, insert, update

from ringfence import cards
from ringfence.cases import tables
from ringfence.cases.functions import CaseFunctions
from ringfence.cases.records import Case, attempts_of, held_case, settled_cases
from ringfence.cases.timeline import EntryKind, note
from ringfence.cases.verdicts import record_answer
from ringfence.contacts.flows import stored_flow
from ringfence.detectors import hold_plans
from ringfence.flows import Contact, ContactState, Flow, FlowEvent, FlowEventKind, Participant, run
from ringfence.lines import CallEnd, CallEvent, CallEventKind, CallRequest, CallResult, Line
from ringfence.storage import Database, now

INTERRUPTED = "interrupted"
SETTLED = "settled"
NOT_NEEDED = "not needed"
POSTPONED = "postponed"

INSTANCE_ARN = "arn:aws:connect:local:000000000000:instance/ringfence"

_ON_TIMELINE = {
    CallEventKind.RINGING: EntryKind.RINGING,
    CallEventKind.ANSWERED: EntryKind.ANSWERED,
    CallEventKind.SAID: EntryKind.SAID,
}


class Attempts:
    """Places the calls of cases on the lines of this process."""

    def __init__(self, database: Database, lines: Mapping[str, Line], caller_number: str):
        self._database = database
        self._lines = lines
        self._caller_number = caller_number
        self._ringing: dict[str, asyncio.Task[CallResult]] = {}

    async def make(self, case_id: str, number: int) -> str:
        """Make attempt `number` (from 1) of a case and return how it ended.

        The value is what `Attempt.end` says, `interrupted` also when this attempt had been
        started before; `not needed` when the case has its verdict, and `postponed` in quiet
        hours, when nothing was dialled.
        """
        begun = await asyncio.to_thread(self._begin, case_id, number)
        if isinstance(begun, str):
            return begun
        case, phone_number, language = begun
        line = self._lines.get(case.plan.line)
        result: CallResult | None
        if line is None:
            result = CallResult(
                CallEnd.FAILED, None, now(), f"there is no line {case.plan.line!r} here"
            )
        else:
            result = await self._call(line, case, number, phone_number, language)
        if result is None:
            await asyncio.to_thread(
                self._end, case_id, number, SETTLED, None, now(), "somebody settled the case"
            )
            return SETTLED
        await asyncio.to_thread(
            self._end,
            case_id,
            number,
            result.end,
            result.answered_at,
            result.ended_at,
            result.detail,
        )
        return result.end

    async def end_settled(self) -> None:
        """Let no telephone ring on for a case that has got its verdict from somebody else.

        A conversation that has begun goes on: what the cardholder answers may still block the
        card.
        """
        ringing = dict(self._ringing)
        if not ringing:
            return
        for case_id in await asyncio.to_thread(self._settled, list(ringing)):
            if self._ringing.get(case_id) is ringing[case_id]:
                ringing[case_id].cancel()

    async def _call(
        self, line: Line, case: Case, number: int, phone_number: str, language: str
    ) -> CallResult | None:
        """The call's result; None when `end_settled` has ended it."""
        attempt_id = _attempt_id(case.case_id, number)

        async def report(event: CallEvent) -> None:
            if event.kind is CallEventKind.ANSWERED:
                self._ringing.pop(case.case_id, None)
            await asyncio.to_thread(self._report, case.case_id, attempt_id, event)

        async def conversation(participant: Participant) -> None:
            await self._converse(case, attempt_id, phone_number, language, participant)

        request = CallRequest(
            call_id=attempt_id,
            to_number=phone_number,
            from_number=self._caller_number,
            caller_name=case.attributes.get("Bank", ""),
            ring_timeout_seconds=case.plan.ring_timeout_seconds,
            language=language,
            flow_name=case.flow_name,
            attributes=case.attributes,
        )
        # A task of its own, so that it can be ended without ending the workflow that awaits it.
        call = asyncio.ensure_future(line.call(request, conversation, report))
        self._ringing[case.case_id] = call
        try:
            return await call
        except asyncio.CancelledError:
            this = asyncio.current_task()
            if this is not None and this.cancelling():
                raise
            return None
        except Exception as error:  # a line must not raise; a case must outlive one that does
            return CallResult(CallEnd.FAILED, None, now(), f"{type(error).__name__}: {error}")
        finally:
            self._ringing.pop(case.case_id, None)

    async def _converse(
        self,
        case: Case,
        contact_id: str,
        phone_number: str,
        language: str,
        participant: Participant,
    ) -> None:
        flow = await asyncio.to_thread(self._flow, case)

        async def observe(event: FlowEvent) -> None:
            if event.kind is FlowEventKind.INPUT:
                await asyncio.to_thread(self._key, case, event)

        await run(
            flow,
            ContactState.of(
                Contact(
                    contact_id=contact_id,
                    attributes=case.attributes,
                    customer_number=phone_number,
                    system_number=self._caller_number,
                    instance_arn=INSTANCE_ARN,
                    language=language,
                )
            ),
            participant,
            CaseFunctions(self._database, case.case_id),
            observe,
            clock=now,
        )

    def _begin(self, case_id: str, number: int) -> str | tuple[Case, str, str]:
        with self._database.write() as connection:
            case = held_case(connection, case_id)
            at = now()
            for attempt in attempts_of(connection, case_id):
                if attempt.number == number:
                    return attempt.end or _interrupt(connection, case_id, number, at)
            if not case.open:
                return NOT_NEEDED
            customer = cards.get_customer(connection, case.customer_id)
            if case.plan.next_allowed(at, customer.time_zone) > at:
                return POSTPONED  # the server was down while the time for this call passed
            connection.execute(
                insert(tables.attempts).values(
                    attempt_id=_attempt_id(case_id, number),
                    case_id=case_id,
                    number=number,
                    line=case.plan.line,
                    started_at=at,
                )
            )
            note(
                connection,
                case_id,
                at,
                EntryKind.DIALLED,
                f"attempt {number} of {case.plan.attempts} on line {case.plan.line}, to the "
                f"number ending in {customer.phone_number[-3:]}",
            )
            return case, customer.phone_number, customer.language

    def _flow(self, case: Case) -> Flow:
        with self._database.read() as connection:
            return stored_flow(connection, case.flow_name, case.flow_version)

    def _settled(self, case_ids: list[str]) -> list[str]:
        with self._database.read() as connection:
            return settled_cases(connection, case_ids)

    def _key(self, case: Case, event: FlowEvent) -> None:
        """A key in a menu: note it, and the verdict when it is an answer."""
        verdict = case.plan.verdict_of(event.block_id, event.result) if event.matched else None
        with self._database.write() as connection:
            # In the order in which a decision locks them, lest each waits for the other.
            hold_plans(connection, [case.event_type])
            held_case(connection, case.case_id)
            note(connection, case.case_id, event.at, EntryKind.DIGIT, event.result)
            if verdict is not None:
                record_answer(
                    connection, case.case_id, verdict, by="cardholder", source="phone", at=now()
                )

    def _report(self, case_id: str, attempt_id: str, event: CallEvent) -> None:
        kind = _ON_TIMELINE.get(event.kind)
        if kind is None:
            return
        with self._database.write() as connection:
            note(connection, case_id, event.at, kind, event.text)
            if kind is EntryKind.ANSWERED:
                connection.execute(
                    update(tables.attempts)
                    .where(tables.attempts.c.attempt_id == attempt_id)
                    .values(answered_at=event.at)
                )

    def _end(
        self,
        case_id: str,
        number: int,
        end: str,
        answered_at: datetime | None,
        ended_at: datetime,
        detail: str,
    ) -> None:
        text = end.replace("_", " ")
        with self._database.write() as connection:
            connection.execute(
                update(tables.attempts)
                .where(tables.attempts.c.attempt_id == _attempt_id(case_id, number))
                .values(
                    answered_at=answered_at,
                    ended_at=ended_at,
                    end=end,
                    detail=detail[:512],
                )
            )
            note(
                connection,
                case_id,
                ended_at,
                EntryKind.ENDED,
                f"{text}: {detail}" if detail else text,
            )


def _interrupt(connection: Connection, case_id: str, number: int, at: datetime) -> str:
    connection.execute(
        update(tables.attempts)
        .where(tables.attempts.c.attempt_id == _attempt_id(case_id, number))
        .values(ended_at=at, end=INTERRUPTED)
    )
    note(
        connection,
        case_id,
        at,
        EntryKind.INTERRUPTED,
        f"attempt {number} was cut off by a restart of the server",
    )
    return INTERRUPTED


def _attempt_id(case_id: str, number: int) -> str:
    return f"{case_id}-{number}"
