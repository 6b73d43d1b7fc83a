"""Taking events out of the log.

What was said of an event outlives it as a prediction, unless that is to be deleted too. The event
that a case is about stays as long as the case, which is the record of what a cardholder was told
and answered.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, bindparam, delete, func, select

from ringfence.detectors import tables
from ringfence.detectors.decisions import decision_of
from ringfence.detectors.plans import hold_plans, note_deletion
from ringfence.detectors.predictions import as_prediction, insert_predictions
from ringfence.errors import Conflict
from ringfence.events import tables as event_tables
from ringfence.events.log import stored_events


class Forgotten(msgspec.Struct, frozen=True):
    """How many events were deleted, and how many stay because a case is about them."""

    deleted: int
    kept: int


def forget_event(
    connection: Connection, event_type: str, event_id: str, *, with_predictions: bool
) -> bool:
    """Delete an event, and what was said of it if `with_predictions`; whether there was one.

    Raises `Conflict` for an event that a case is about.
    """
    forgotten = forget_events(connection, event_type, [event_id], with_predictions=with_predictions)
    if forgotten.kept:
        raise Conflict(
            f"a case is about event {event_id!r}, and cases are kept",
            field="event_id",
            expected="an event that no cardholder was called about",
        )
    return bool(forgotten.deleted)


def forget_events(
    connection: Connection,
    event_type: str,
    event_ids: Collection[str],
    *,
    with_predictions: bool = False,
) -> Forgotten:
    """Delete those of the events, some thousands at most, that are in the log and that no case is
    about. The profiles that are kept are built anew by the servers."""
    hold_plans(connection, [event_type])
    events = stored_events(connection, event_type, event_ids)
    decisions = {
        row.event_id: decision_of(row)
        for row in connection.execute(_DECISIONS, {"of_type": event_type, "ids": list(events)})
    }
    in_cases = {event_id for event_id, found in decisions.items() if found.case_id is not None}
    gone = [event_id for event_id in events if event_id not in in_cases]
    if with_predictions:
        asked_about = [event_id for event_id in event_ids if event_id not in in_cases]
        predictions = tables.predictions.c
        connection.execute(
            delete(tables.predictions).where(
                predictions.event_type == event_type, predictions.event_id.in_(asked_about)
            )
        )
    else:
        said = [(decisions[i], events[i]) for i in gone if i in decisions]
        if said:
            insert_predictions(connection, [as_prediction(*of_event) for of_event in said])
    if gone:
        for table in (tables.shadow_decisions, tables.decisions, event_tables.events):
            connection.execute(
                delete(table).where(table.c.event_type == event_type, table.c.event_id.in_(gone))
            )
        note_deletion(connection, event_type)
    return Forgotten(len(gone), len(in_cases))


def ids_received(
    connection: Connection, event_type: str, until: datetime, *, after: str, limit: int
) -> Sequence[str]:
    """The ids, in their order and beyond `after`, of events that were in the log at that moment."""
    events = event_tables.events.c
    return (
        connection.execute(
            select(events.event_id)
            .where(
                events.event_type == event_type,
                events.event_id > after,
                events.received_at <= until,
            )
            .order_by(events.event_id)
            .limit(limit)
        )
        .scalars()
        .all()
    )


def count_received(connection: Connection, event_type: str, until: datetime) -> int:
    """How many events of a type were in the log at that moment."""
    events = event_tables.events.c
    return connection.execute(
        select(func.count())
        .select_from(event_tables.events)
        .where(events.event_type == event_type, events.received_at <= until)
    ).scalar_one()


_DECISIONS = select(tables.decisions).where(
    tables.decisions.c.event_type == bindparam("of_type"),
    tables.decisions.c.event_id.in_(bindparam("ids", expanding=True)),
)
