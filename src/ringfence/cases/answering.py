"""What a cardholder says of a case: a key in a menu, noted, with what it means.

A key is the verdict when it is an answer, and `*` stops such calls, in every flow.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from ringfence import cards
from ringfence.cards.permissions import ContactChannel, record_permission
from ringfence.cases.plans import OPT_OUT_KEY
from ringfence.cases.records import Case, held_case
from ringfence.cases.timeline import EntryKind, note
from ringfence.cases.verdicts import Verdict, leave_undecided, record_answer
from ringfence.detectors import hold_plans
from ringfence.flows import FlowEvent
from ringfence.storage import now


def hear_key(connection: Connection, case: Case, event: FlowEvent, *, trusted: bool) -> None:
    """Record what the INPUT `event` says of a case. `legit`, and the wish to stop, count of
    `trusted` callers only."""
    verdict = case.plan.verdict_of(event.block_id, event.result) if event.matched else None
    _hear(connection, case, event.result, verdict, event.at, trusted=trusted)


def hear_answer(connection: Connection, case: Case, key: str, at: datetime) -> None:
    """Record the key that a far side which ran the flow tells of."""
    _hear(connection, case, key, case.plan.answers.get(key), at, trusted=True)


def _hear(
    connection: Connection,
    case: Case,
    key: str,
    verdict: Verdict | None,
    at: datetime,
    *,
    trusted: bool,
) -> None:
    # In the order in which a decision locks them, lest each waits for the other.
    hold_plans(connection, [case.event_type])
    held_case(connection, case.case_id)
    note(connection, case.case_id, at, EntryKind.DIGIT, key)
    if not trusted and (verdict is Verdict.LEGIT or key == OPT_OUT_KEY):
        text = f"{key} does not count: who called was not recognised well enough"
        note(connection, case.case_id, at, EntryKind.DIGIT, text)
    elif verdict is not None:
        doubt = doubt_about(connection, case) if verdict is Verdict.LEGIT else None
        if doubt is not None:
            leave_undecided(connection, case.case_id, f"{key} does not count: {doubt}", at=now())
            return
        record_answer(connection, case.case_id, verdict, by="cardholder", source="phone", at=now())
    elif key == OPT_OUT_KEY:
        record_permission(
            connection,
            case.customer_id,
            ContactChannel.VOICE,
            given=False,
            source=f"phone key {key}",
            by="cardholder",
            at=now(),
        )
        text = "the cardholder wishes no more such calls"
        note(connection, case.case_id, at, EntryKind.POLICY, text)


def doubt_about(connection: Connection, case: Case) -> str | None:
    """Why whoever answers on the customer's number may not be the customer; None if nothing."""
    customer = cards.get_customer(connection, case.customer_id)
    changed, verified = customer.phone_changed_at, customer.phone_verified_at
    if changed <= customer.created_at or (verified is not None and verified >= changed):
        return None
    if now() - changed >= timedelta(days=case.plan.trusted_number_days):
        return None
    return f"the number was changed on {changed:%Y-%m-%d %H:%M} UTC and is not verified since"
