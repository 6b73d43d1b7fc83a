"""Events that have a decision already: one event id has one decision, however often it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from ringfence.detectors import tables
from ringfence.detectors.decisions import Decision, decision_of
from ringfence.errors import Conflict
from ringfence.events import tables as event_tables
from ringfence.events.reading import Event

# Built once: building it anew for every batch would take longer than running it. One event type at
# a time, for SQLite answers a list of pairs by reading the whole log.
_KNOWN = (
    select(event_tables.events.c.content_hash, tables.decisions)
    .join(
        tables.decisions,
        (tables.decisions.c.event_type == event_tables.events.c.event_type)
        & (tables.decisions.c.event_id == event_tables.events.c.event_id),
    )
    .where(
        event_tables.events.c.event_type == bindparam("of_type"),
        event_tables.events.c.event_id.in_(bindparam("ids", expanding=True)),
    )
)


def known_decisions(
    connection: Connection, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], Row[Any]]:
    """The stored decisions, with the hashes of what was sent, about those of the events that have
    one; by event type and id, as the keys are."""
    by_type: dict[str, list[str]] = {}
    for event_type, event_id in keys:
        by_type.setdefault(event_type, []).append(event_id)
    return {
        (row.event_type, row.event_id): row
        for of_type, ids in by_type.items()
        for row in connection.execute(_KNOWN, {"of_type": of_type, "ids": ids})
    }


def repeated(row: Row[Any], event: Event) -> Decision | Conflict:
    """The answer to an event that has a decision: that one, or a conflict if it says otherwise."""
    if row.content_hash != event.content_hash:
        return other_content(event.event_id)
    return decision_of(row, repeated=True)


def other_content(event_id: str) -> Conflict:
    """The answer to an event whose id is that of an event with other content."""
    return Conflict(
        f"event {event_id!r} is already stored with other content",
        field="event_id",
        expected="a new id, or exactly what was sent before",
    )
