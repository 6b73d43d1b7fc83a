"""Cases as others see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, func, select, update

from ringfence.cases import tables
from ringfence.cases.plans import ContactPlan
from ringfence.cases.verdicts import UNANSWERED, Verdict
from ringfence.errors import NotFound
from ringfence.events import EventType


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One suspicion about one card, from outcome to verdict.

    `reference` is what the call speaks and the bank can look up. `for_analyst` says that a person
    should look at it.
    """

    case_id: str
    reference: str
    event_type: str
    event_id: str
    customer_id: str
    card_id: str
    outcomes: tuple[str, ...]
    plan: ContactPlan
    flow_name: str
    flow_version: int
    attributes: dict[str, str]
    open: bool
    for_analyst: bool
    verdict: Verdict | None
    verdict_by: str | None
    verdict_at: datetime | None
    opened_at: datetime
    closed_at: datetime | None


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One call.

    `end` is how it ended: a `CallEnd`, `interrupted` when a crash cut it off, `settled` when it
    still rang while somebody else settled the case. `answered_by` is who picked up
    (`AnsweredBy`), as far as the line could tell.
    """

    attempt_id: str
    case_id: str
    number: int
    line: str
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    end: str | None
    detail: str
    answered_by: str | None = None


# Run many times in each case, so they are built once.
_CASE = select(tables.cases).where(tables.cases.c.case_id == bindparam("of_case"))
_HELD_CASE = _CASE.with_for_update()
_ATTEMPTS = (
    select(tables.attempts)
    .where(tables.attempts.c.case_id == bindparam("of_case"))
    .order_by(tables.attempts.c.number)
)
_CHANGE_ATTEMPT = update(tables.attempts).where(
    tables.attempts.c.attempt_id == bindparam("of_attempt")
)


def get_case(connection: Connection, case_id: str) -> Case:
    """The case of that id, or the newest with that reference. Raises `NotFound`."""
    row = connection.execute(_CASE, {"of_case": case_id}).first()
    if row is None:
        table = tables.cases
        row = connection.execute(
            select(table)
            .where(table.c.reference == case_id.upper())
            .order_by(table.c.opened_at.desc())
            .limit(1)
        ).first()
    if row is None:
        raise NotFound(f"there is no case {case_id!r}", field="case_id")
    return _case(row)


def held_case(connection: Connection, case_id: str) -> Case:
    """The case of that id, which nobody else changes until the transaction ends.

    So a verdict that comes meanwhile, on whatever server, comes before or after what follows from
    reading the case, and never in between. Raises `NotFound`.
    """
    row = connection.execute(_HELD_CASE, {"of_case": case_id}).first()
    if row is None:
        raise NotFound(f"there is no case {case_id!r}", field="case_id")
    return _case(row)


def settled_cases(connection: Connection, case_ids: Sequence[str]) -> list[str]:
    """Which of these cases are no longer open."""
    table = tables.cases
    return list(
        connection.execute(
            select(table.c.case_id).where(table.c.case_id.in_(case_ids), table.c.open.is_(False))
        ).scalars()
    )


class AnswerableCase(msgspec.Struct, frozen=True):
    """What a case that nobody has answered yet is recognised by."""

    case_id: str
    reference: str
    customer_id: str


def answerable_cases(connection: Connection, *, since: datetime) -> list[AnswerableCase]:
    """The cases opened after `since` that no person has answered: also those that our calls gave
    up, for the first answer counts whenever it comes."""
    table = tables.cases
    rows = connection.execute(
        select(table.c.case_id, table.c.reference, table.c.customer_id).where(
            table.c.opened_at > since, UNANSWERED
        )
    )
    return [AnswerableCase(**row._mapping) for row in rows]


def list_cases(
    connection: Connection,
    *,
    open_only: bool = False,
    for_analyst: bool = False,
    card_id: str | None = None,
    limit: int = 50,
) -> list[Case]:
    """Cases, newest first."""
    query = select(tables.cases).order_by(tables.cases.c.opened_at.desc()).limit(limit)
    if open_only:
        query = query.where(tables.cases.c.open)
    if for_analyst:
        query = query.where(tables.cases.c.for_analyst)
    if card_id is not None:
        query = query.where(tables.cases.c.card_id == card_id)
    return [_case(row) for row in connection.execute(query)]


def attempts_of(connection: Connection, case_id: str) -> Sequence[Attempt]:
    """All attempts of a case, in order."""
    rows = connection.execute(_ATTEMPTS, {"of_case": case_id})
    return [Attempt(**row._mapping) for row in rows]


def change_attempt(connection: Connection, attempt_id: str, **values: object) -> None:
    """Note on an attempt what has become of its call: columns and their values."""
    connection.execute(_CHANGE_ATTEMPT, {"of_attempt": attempt_id, **values})


def counts_of_cases(connection: Connection) -> dict[str, int]:
    """How many cases have each verdict, and how many are `open`."""
    table = tables.cases
    rows = connection.execute(
        select(table.c.open, table.c.verdict, func.count()).group_by(table.c.open, table.c.verdict)
    )
    counts = {"open": 0, **{verdict.value: 0 for verdict in Verdict}}
    for is_open, verdict, count in rows:
        counts["open" if is_open else verdict] += count
    return counts


def counts_of_attempts(connection: Connection) -> dict[str, int]:
    """How many attempts ended in each way; `under way` have not."""
    table = tables.attempts
    rows = connection.execute(select(table.c.end, func.count()).group_by(table.c.end))
    return {end or "under way": count for end, count in rows}


def payment_of(event_type: EventType, variables: Mapping[str, Any]) -> dict[str, str]:
    """What a call says about a payment: `Amount`, `Currency`, `AmountSpoken`, `Merchant`."""

    def text(name: str | None) -> str:
        value = variables.get(name) if name else None
        return "" if value is None else str(value)

    amount = text(event_type.amount_variable)
    currency = text(event_type.currency_variable).upper()
    try:
        number = float(amount)
        amount = f"{number:.2f}".removesuffix(".00")
        spoken = f"{currency} {number:.2f}".strip()
    except ValueError:
        spoken = ""
    return {
        "Amount": amount,
        "Currency": currency,
        "AmountSpoken": spoken,
        "Merchant": text(event_type.merchant_variable),
    }


def _case(row: Row[Any]) -> Case:
    return Case(
        case_id=row.case_id,
        reference=row.reference,
        event_type=row.event_type,
        event_id=row.event_id,
        customer_id=row.customer_id,
        card_id=row.card_id,
        outcomes=tuple(row.outcomes),
        plan=msgspec.convert(row.plan, ContactPlan),
        flow_name=row.flow_name,
        flow_version=row.flow_version,
        attributes=row.attributes,
        open=row.open,
        for_analyst=row.for_analyst,
        verdict=Verdict(row.verdict) if row.verdict else None,
        verdict_by=row.verdict_by,
        verdict_at=row.verdict_at,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
    )
