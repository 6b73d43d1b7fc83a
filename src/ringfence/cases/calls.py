"""One attempt: place the call, hold the conversation, keep what happened.

An attempt is written down before it is dialled and is never dialled again: after a crash it counts
as interrupted, whatever had happened on the telephone. An answer is on disk, with the card blocked
or the hold lifted, before the flow goes on to say so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, insert, update

from ringfence import cards
from ringfence.cases import tables
from ringfence.cases.contact_flows import stored_flow
from ringfence.cases.functions import CaseFunctions
from ringfence.cases.records import Case, attempts_of, get_case
from ringfence.cases.timeline import EntryKind, note
from ringfence.cases.verdicts import Verdict, record_answer
from ringfence.flows import Contact, Flow, FlowEvent, FlowEventKind, Participant, run
from ringfence.lines import CallEnd, CallEvent, CallEventKind, CallRequest, CallResult, Line
from ringfence.storage import Database, now

INTERRUPTED = "interrupted"
NOT_NEEDED = "not needed"

INSTANCE_ARN = "arn:aws:connect:local:000000000000:instance/ringfence"

_ON_TIMELINE = {
    CallEventKind.RINGING: EntryKind.RINGING,
    CallEventKind.ANSWERED: EntryKind.ANSWERED,
    CallEventKind.SAID: EntryKind.SAID,
    CallEventKind.DIGIT: EntryKind.DIGIT,
}


class Attempts:
    """Places the calls of cases on the lines of this process."""

    def __init__(self, database: Database, lines: Mapping[str, Line], caller_number: str):
        self._database = database
        self._lines = lines
        self._caller_number = caller_number

    async def make(self, case_id: str, number: int) -> str:
        """Make attempt `number` (from 1) of a case and return how it ended.

        The value is a `CallEnd`, `interrupted` when this attempt had been started before, or
        `not needed` when the case has its verdict.
        """
        begun = await asyncio.to_thread(self._begin, case_id, number)
        if isinstance(begun, str):
            return begun
        case, phone_number, language = begun
        line = self._lines.get(case.plan.line)
        if line is None:
            result = CallResult(
                CallEnd.FAILED, None, now(), f"there is no line {case.plan.line!r} here"
            )
        else:
            result = await self._call(line, case, number, phone_number, language)
        await asyncio.to_thread(self._end, case_id, number, result)
        return result.end

    async def _call(
        self, line: Line, case: Case, number: int, phone_number: str, language: str
    ) -> CallResult:
        attempt_id = _attempt_id(case.case_id, number)

        async def report(event: CallEvent) -> None:
            await asyncio.to_thread(self._report, case.case_id, attempt_id, event)

        async def conversation(participant: Participant) -> None:
            await self._converse(case, attempt_id, phone_number, language, participant)

        try:
            return await line.call(
                CallRequest(
                    call_id=attempt_id,
                    to_number=phone_number,
                    from_number=self._caller_number,
                    caller_name=case.attributes.get("Bank", ""),
                    ring_timeout_seconds=case.plan.ring_timeout_seconds,
                    language=language,
                    flow_name=case.flow_name,
                    attributes=case.attributes,
                ),
                conversation,
                report,
            )
        except Exception as error:  # a line must not raise; a case must outlive one that does
            return CallResult(CallEnd.FAILED, None, now(), f"{type(error).__name__}: {error}")

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
            if event.kind is FlowEventKind.INPUT and event.matched:
                verdict = case.plan.verdict_of(event.block_id, event.result)
                if verdict is not None:
                    await asyncio.to_thread(self._answer, case.case_id, verdict)

        await run(
            flow,
            Contact(
                contact_id=contact_id,
                attributes=case.attributes,
                customer_number=phone_number,
                system_number=self._caller_number,
                instance_arn=INSTANCE_ARN,
                language=language,
            ),
            participant,
            CaseFunctions(self._database, case.case_id),
            observe,
            clock=now,
        )

    def _begin(self, case_id: str, number: int) -> str | tuple[Case, str, str]:
        at = now()
        with self._database.write() as connection:
            case = get_case(connection, case_id)
            for attempt in attempts_of(connection, case_id):
                if attempt.number == number:
                    return attempt.end or _interrupt(connection, case_id, number, at)
            if not case.open:
                return NOT_NEEDED
            customer = cards.get_customer(connection, case.customer_id)
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

    def _answer(self, case_id: str, verdict: Verdict) -> None:
        with self._database.write() as connection:
            record_answer(connection, case_id, verdict, by="cardholder", source="phone", at=now())

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

    def _end(self, case_id: str, number: int, result: CallResult) -> None:
        text = result.end.replace("_", " ")
        with self._database.write() as connection:
            connection.execute(
                update(tables.attempts)
                .where(tables.attempts.c.attempt_id == _attempt_id(case_id, number))
                .values(
                    answered_at=result.answered_at,
                    ended_at=result.ended_at,
                    end=result.end,
                    detail=result.detail[:512],
                )
            )
            note(
                connection,
                case_id,
                result.ended_at,
                EntryKind.ENDED,
                f"{text}: {result.detail}" if result.detail else text,
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
