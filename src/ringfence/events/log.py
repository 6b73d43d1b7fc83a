"""The event log: every event that was acknowledged, with the label it got."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select, update

from ringfence.errors import NotFound
from ringfence.events import tables
from ringfence.events.reading import Entity, Event
from ringfence.storage import RowInsert, now


class StoredEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event of the log."""

    event_type: str
    event_id: str
    at: datetime
    received_at: datetime
    entities: tuple[Entity, ...]
    variables: dict[str, str | int | float | bool | None]
    label: str | None
    label_at: datetime | None
    label_source: str | None


_READ_AT_ONCE = 2_000
_EVENTS = RowInsert(
    tables.events,
    "event_type",
    "event_id",
    "at",
    "received_at",
    "entities",
    "variables",
    "content_hash",
)


def append_events(connection: Connection, events: Sequence[Event], received_at: datetime) -> None:
    """Store new events. Their ids must not be in the log yet."""
    if events:
        _EVENTS.insert(
            connection,
            [
                (
                    event.event_type,
                    event.event_id,
                    event.at,
                    received_at,
                    event.entities,
                    event.variables,
                    event.content_hash,
                )
                for event in events
            ],
        )


def stored_event(connection: Connection, event_type: str, event_id: str) -> StoredEvent:
    """The event of that id. Raises `NotFound`."""
    row = connection.execute(
        select(tables.events).where(
            tables.events.c.event_type == event_type, tables.events.c.event_id == event_id
        )
    ).first()
    if row is None:
        raise NotFound(f"there is no event {event_id!r} of type {event_type!r}", field="event_id")
    return _stored(row)


def read_log(
    connection: Connection,
    event_type: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    labelled_only: bool = False,
) -> Iterator[StoredEvent]:
    """The events of a type in order of time, from `since` on and before `until`; read as they are
    asked for, so that a log of any size fits."""
    events = tables.events
    query = select(events).where(events.c.event_type == event_type)
    if since is not None:
        query = query.where(events.c.at >= since)
    if until is not None:
        query = query.where(events.c.at < until)
    if labelled_only:
        query = query.where(events.c.label.is_not(None))
    query = query.order_by(events.c.at, events.c.event_id)
    for row in connection.execute(query, execution_options={"yield_per": _READ_AT_ONCE}):
        yield _stored(row)


def label_event(
    connection: Connection,
    event_type: str,
    event_id: str,
    label: str | None,
    *,
    source: str,
    at: datetime | None = None,
) -> None:
    """Give an event its label; `source` says who knew (`phone`, `analyst`, `import`).

    Raises `NotFound`.
    """
    done = connection.execute(
        update(tables.events)
        .where(tables.events.c.event_type == event_type, tables.events.c.event_id == event_id)
        .values(label=label, label_at=at or now(), label_source=source)
    )
    if done.rowcount == 0:
        raise NotFound(f"there is no event {event_id!r} of type {event_type!r}", field="event_id")


def _stored(row: Row[Any]) -> StoredEvent:
    return StoredEvent(
        event_type=row.event_type,
        event_id=row.event_id,
        at=row.at,
        received_at=row.received_at,
        entities=msgspec.convert(row.entities, tuple[Entity, ...]),
        variables=row.variables,
        label=row.label,
        label_at=row.label_at,
        label_source=row.label_source,
    )
