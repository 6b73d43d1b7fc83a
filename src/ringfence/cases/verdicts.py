"""The verdict of a case: what it does to the card and to the event, all in one transaction."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, bindparam, or_, select, update

from ringfence import cards
from ringfence.cases import tables
from ringfence.cases.timeline import EntryKind, note
from ringfence.detectors import hold_plans, label_event
from ringfence.errors import InvalidInput, NotFound
from ringfence.events import get_event_type, stored_event


class Verdict(StrEnum):
    """How a case came out."""

    FRAUD = "fraud"
    LEGIT = "legit"
    UNREACHED = "unreached"  # nobody answered any attempt
    UNDECIDED = "undecided"  # somebody answered, and gave no answer to the question


# An answer by a person settles a case for good; these two leave it open to a later answer.
UNSETTLED = (Verdict.UNREACHED, Verdict.UNDECIDED)

# Whether no person has answered yet.
UNANSWERED = or_(tables.cases.c.verdict.is_(None), tables.cases.c.verdict.in_(UNSETTLED))

# Run for each answer, so they are built once.
_OF_CASE = tables.cases.c.case_id == bindparam("of_case")
_EVENT_TYPE = select(tables.cases.c.event_type).where(_OF_CASE)
_CASE = select(tables.cases).where(_OF_CASE)
_SETTLE = update(tables.cases).where(_OF_CASE, UNANSWERED)


def record_answer(
    connection: Connection,
    case_id: str,
    verdict: Verdict,
    *,
    by: str,
    source: str,
    at: datetime,
    reason: str = "",
) -> bool:
    """Record `fraud` or `legit` as a person's answer. Returns whether it was the first.

    The first answer wins, whoever gives it: it acts on the card, closes the case and labels the
    event in this transaction. A later `fraud` still blocks the card, for that can only make
    things safer, and corrects the label, or the next model would learn that this was no fraud; a
    later `legit` changes nothing. `source` becomes the label's source.

    The label goes to the event that opened the case, about which the call asks. Events that
    joined the case later get none: nobody was asked about them.

    Raises `InvalidInput` for any other verdict, which no person gives; `NotFound`.
    """
    if verdict in UNSETTLED:
        raise InvalidInput("not an answer", field="verdict", expected="fraud or legit")
    event_type_name = connection.execute(_EVENT_TYPE, {"of_case": case_id}).scalar()
    if event_type_name is None:
        raise NotFound(f"there is no case {case_id!r}", field="case_id")
    # Before the case and its card are locked, as deciding does, lest each waits for the other.
    hold_plans(connection, [event_type_name])
    first = _settle(connection, case_id, verdict, by=by, at=at, for_analyst=False)
    case = connection.execute(_CASE, {"of_case": case_id}).one()
    because = f"case {case.reference}: {reason or 'the answer of the cardholder'}"
    if first:
        note(connection, case_id, at, EntryKind.VERDICT, f"{verdict} ({by})")
    else:
        note(connection, case_id, at, EntryKind.VERDICT, f"{verdict} ({by}) after {case.verdict}")
    if verdict is Verdict.FRAUD:
        change = cards.block(
            connection, case.card_id, by=by, reason=because, case_id=case_id, at=at
        )
        if change.changed:
            note(connection, case_id, at, EntryKind.CARD, "blocked")
    elif first:
        change = cards.lift_hold(
            connection, case.card_id, case_id, by=by, reason=because, case_id=case_id, at=at
        )
        if change.changed:
            note(connection, case_id, at, EntryKind.CARD, f"hold lifted, now {change.state}")
    event_type = get_event_type(connection, case.event_type)
    label = event_type.fraud_label if verdict is Verdict.FRAUD else event_type.legit_label
    stored = stored_event(connection, case.event_type, case.event_id)
    if label is None:
        if first:
            text = f"event {case.event_id} is not labelled: its type does not say by which label"
            note(connection, case_id, at, EntryKind.LABEL, text)
    elif first or (verdict is Verdict.FRAUD and stored.label != label):
        label_event(connection, case.event_type, case.event_id, label, source=source, at=at)
        note(connection, case_id, at, EntryKind.LABEL, f"event {case.event_id} is {label}")
    return first


def leave_undecided(connection: Connection, case_id: str, because: str, *, at: datetime) -> None:
    """Leave a case to an analyst: what was answered is not to be relied on.

    The card stays held as it is. A case that a person has settled keeps its verdict; the timeline
    says why.
    """
    if _settle(connection, case_id, Verdict.UNDECIDED, by="ringfence", at=at, for_analyst=True):
        note(connection, case_id, at, EntryKind.VERDICT, f"{Verdict.UNDECIDED}: {because}")
        note(connection, case_id, at, EntryKind.ANALYST, "an analyst asks the cardholder")
    else:
        note(connection, case_id, at, EntryKind.DIGIT, because)


def _settle(
    connection: Connection,
    case_id: str,
    verdict: Verdict,
    *,
    by: str,
    at: datetime,
    for_analyst: bool,
) -> bool:
    """Close a case that nobody has answered. Returns whether it was one."""
    settled = connection.execute(
        _SETTLE,
        {
            "of_case": case_id,
            "verdict": verdict,
            "verdict_by": by,
            "verdict_at": at,
            "open": False,
            "closed_at": at,
            "for_analyst": for_analyst,
        },
    )
    return settled.rowcount == 1
