"""Whether a case's cardholder may be called at all, and from when on.

What the law and good practice ask for: consent, the wish to stop, limits by event and by day, and
quiet hours by the clock of the number and of the address.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, select

from ringfence import cards
from ringfence.cards.permissions import ContactChannel, why_not_contact
from ringfence.cards.phones import time_zones_of
from ringfence.cases import tables
from ringfence.cases.case_texts import text_of_case
from ringfence.cases.follow_ups import (
    INTERRUPTED,
    LINE_FAULTS,
    Made,
    NextAttempt,
    NoAttempt,
    next_attempt,
    way_of,
)
from ringfence.cases.records import Attempt, Case, attempts_of

_DAY = timedelta(days=1)
# A prefix that more zones share says nothing: such a number can be anywhere in its country.
_MOST_ZONES = 4


def follow_up(case: Case, made: Sequence[Attempt]) -> NextAttempt | NoAttempt:
    """What follows the attempts that were made for a case, by its plan."""
    plan = case.plan
    return next_attempt(
        [Made(each.line, way_of(each.end or INTERRUPTED, each.answered_by)) for each in made],
        lines=plan.all_lines,
        attempts=plan.attempts,
        spacing_seconds=plan.spacing_seconds,
        after=plan.after,
    )


def may_text_from(
    connection: Connection, case: Case, customer: cards.Customer, at: datetime
) -> datetime | NoAttempt:
    """When from `at` on the cardholder may be asked by SMS."""
    plan = case.plan
    refused = why_not_contact(connection, customer, ContactChannel.SMS, plan.consent)
    refused = refused or _too_many(connection, case, at)
    if refused is not None:
        return NoAttempt(refused)
    return plan.next_allowed(at, *zones_of(customer), amount=amount_of(case))


def may_call_from(
    connection: Connection, case: Case, customer: cards.Customer, earliest: datetime, at: datetime
) -> datetime | NoAttempt:
    """When from `earliest` on the cardholder may next be called about this case, as of `at`."""
    plan = case.plan
    refused = why_not_contact(connection, customer, ContactChannel.VOICE, plan.consent)
    if refused is not None:
        return NoAttempt(refused)
    refused = _too_many(connection, case, at)
    if refused is not None:
        return NoAttempt(refused)
    made = _started(connection, case.customer_id, at - _DAY)
    if len(made) >= plan.attempts_per_day:
        earliest = max(earliest, made[-plan.attempts_per_day] + _DAY)
    return plan.next_allowed(earliest, *zones_of(customer), amount=amount_of(case))


def zones_of(customer: cards.Customer) -> tuple[str, ...]:
    """The time zones that the cardholder may be in: their own first, then those of the number."""
    zones = time_zones_of(customer.phone_number)
    return tuple(dict.fromkeys((customer.time_zone, *(zones if len(zones) <= _MOST_ZONES else ()))))


def amount_of(case: Case) -> float | None:
    """The amount that a case is about, in its payment's currency; None where it is not known."""
    try:
        return float(case.attributes.get("Amount", ""))
    except ValueError:
        return None


def _too_many(connection: Connection, case: Case, at: datetime) -> str | None:
    """Why nothing more may reach the cardholder about a case, where its limit is reached."""
    plan = case.plan
    since = at - timedelta(days=plan.messages_days)
    reached = sum(
        attempt.answered_at is not None and attempt.answered_at > since
        for attempt in attempts_of(connection, case.case_id)
    )
    text = text_of_case(connection, case.case_id)
    reached += text is not None and text.sent_at > since
    if reached < plan.messages:
        return None
    return f"{reached} calls and messages about it have arrived in {plan.messages_days:g} days"


# Asked before each call, so it is built once.
_STARTED = (
    select(tables.attempts.c.started_at, tables.attempts.c.end)
    .join(tables.cases, tables.cases.c.case_id == tables.attempts.c.case_id)
    .where(
        tables.cases.c.customer_id == bindparam("of_customer"),
        tables.attempts.c.started_at > bindparam("since"),
    )
    .order_by(tables.attempts.c.started_at)
)


def _started(connection: Connection, customer_id: str, since: datetime) -> list[datetime]:
    rows = connection.execute(_STARTED, {"of_customer": customer_id, "since": since})
    return [row.started_at for row in rows if row.end not in LINE_FAULTS]
