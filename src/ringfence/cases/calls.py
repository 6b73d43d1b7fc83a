"""One attempt: place the call, hold the conversation, keep what happened.

An attempt is written down before it is dialled and is never dialled again: after a crash it counts
as interrupted, whatever had happened on the telephone. An answer is on disk, with the card blocked
or the hold lifted, before the flow goes on to say so. Keys are kept only where they answer a menu:
elsewhere they may be a secret.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

from sqlalchemy import Connection, insert, update

from ringfence import cards
from ringfence.cases import tables
from ringfence.cases.answering import hear_key
from ringfence.cases.functions import CaseFunctions
from ringfence.cases.records import Case, attempts_of, held_case, settled_cases
from ringfence.cases.timeline import EntryKind, note
from ringfence.contacts.calls import Calls
from ringfence.contacts.flows import find_flow, stored_flow
from ringfence.contacts.instances import ensure_instance
from ringfence.contacts.records import CallWishes, StoredContact
from ringfence.contacts.talks import Watchers
from ringfence.flows import Flow, FlowEvent, FlowEventKind
from ringfence.lines import CallEvent, CallEventKind, CallResult
from ringfence.storage import Database, now

INTERRUPTED = "interrupted"
SETTLED = "settled"
NOT_NEEDED = "not needed"
POSTPONED = "postponed"

_ON_TIMELINE = {
    CallEventKind.RINGING: EntryKind.RINGING,
    CallEventKind.ANSWERED: EntryKind.ANSWERED,
    CallEventKind.SAID: EntryKind.SAID,
}


class Attempts:
    """Places the calls of cases on the lines of this process."""

    def __init__(self, database: Database, calls: Calls, caller_number: str):
        self._database = database
        self._calls = calls
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
        case = begun
        result = await self._call(case, number)
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

    async def _call(self, case: Case, number: int) -> CallResult | None:
        """The call's result; None when `end_settled` has ended it."""
        attempt_id = _attempt_id(case.case_id, number)

        async def report(event: CallEvent) -> None:
            if event.kind is CallEventKind.ANSWERED:
                self._ringing.pop(case.case_id, None)
            await asyncio.to_thread(self._report, case.case_id, attempt_id, event)

        async def observe(event: FlowEvent) -> None:
            if event.kind is FlowEventKind.INPUT:
                await asyncio.to_thread(self._key, case, event)

        flow = await asyncio.to_thread(self._flow, case)
        built_ins = CaseFunctions(self._database, case.case_id).built_ins()
        # A task of its own, so that it can be ended without ending the workflow that awaits it.
        call = asyncio.ensure_future(
            self._calls.place(attempt_id, flow=flow, watchers=Watchers(observe, report, built_ins))
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

    def _begin(self, case_id: str, number: int) -> str | Case:
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
            self._open_contact(connection, case, number, customer, at)
            return case

    def _open_contact(
        self,
        connection: Connection,
        case: Case,
        number: int,
        customer: cards.Customer,
        at: datetime,
    ) -> None:
        contact_id = _attempt_id(case.case_id, number)
        instance = ensure_instance(connection)
        self._calls.open(
            connection,
            StoredContact(
                contact_id=contact_id,
                instance_id=instance.instance_id,
                initial_contact_id=contact_id,
                flow_id=find_flow(connection, case.flow_name).flow_id,
                flow_version=case.flow_version,
                line=case.plan.line,
                customer_number=customer.phone_number,
                system_number=self._caller_number,
                customer_id=case.customer_id,
                language=customer.language,
                attributes=case.attributes,
                request=CallWishes(
                    ring_timeout_seconds=case.plan.ring_timeout_seconds,
                    caller_name=case.attributes.get("Bank", ""),
                    attempt=True,
                ),
                initiated_at=at,
                updated_at=at,
            ),
        )

    def _flow(self, case: Case) -> Flow:
        with self._database.read() as connection:
            return stored_flow(connection, case.flow_name, case.flow_version)

    def _settled(self, case_ids: list[str]) -> list[str]:
        with self._database.read() as connection:
            return settled_cases(connection, case_ids)

    def _key(self, case: Case, event: FlowEvent) -> None:
        with self._database.write() as connection:
            hear_key(connection, case, event, trusted=True)

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
