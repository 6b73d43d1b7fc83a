"""A key in a menu of a case's call: noted, and the verdict when it is an answer."""

from __future__ import annotations

from sqlalchemy import Connection

from ringfence.cases.records import Case, held_case
from ringfence.cases.timeline import EntryKind, note
from ringfence.cases.verdicts import Verdict, record_answer
from ringfence.detectors import hold_plans
from ringfence.flows import FlowEvent
from ringfence.storage import now


def hear_key(connection: Connection, case: Case, event: FlowEvent, *, trusted: bool) -> None:
    """Record what the INPUT `event` says of a case. `legit` counts of `trusted` callers only."""
    verdict = case.plan.verdict_of(event.block_id, event.result) if event.matched else None
    # In the order in which a decision locks them, lest each waits for the other.
    hold_plans(connection, [case.event_type])
    held_case(connection, case.case_id)
    note(connection, case.case_id, event.at, EntryKind.DIGIT, event.result)
    if verdict is Verdict.LEGIT and not trusted:
        text = f"{event.result} does not count: who called was not recognised well enough"
        note(connection, case.case_id, event.at, EntryKind.DIGIT, text)
    elif verdict is not None:
        record_answer(connection, case.case_id, verdict, by="cardholder", source="phone", at=now())
