"""The event log: every event that was acknowledged, with the label it got."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, bindparam, select, update

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


class EventLabel(msgspec.Struct, frozen=True):
    """What an event turned out to be, when that became known, and who knew."""

    label: str
    at: datetime
    source: str


_READ_AT_ONCE = 2_000
# A database takes so many parameters at once: SQLite 32,766, PostgreSQL 65,535.
_ASKED_AT_ONCE = 10_000
_COLUMNS = ("event_type", "event_id", "at", "received_at", "entities", "variables", "content_hash")
_EVENTS = RowInsert(tables.events, *_COLUMNS)
_LABELLED = RowInsert(tables.events, *_COLUMNS, "label", "label_at", "label_source")
# Built once: building it anew for every batch would take longer than running it.
_BY_ID = select(tables.events).where(
    tables.events.c.event_type == bindparam("of_type"),
    tables.events.c.event_id.in_(bindparam("ids", expanding=True)),
)
_EVENT_ID = (
    tables.events.c.event_type == bindparam("of_type"),
    tables.events.c.event_id == bindparam("of_id"),
)
_EVENT = select(tables.events).where(*_EVENT_ID)
_LABEL = update(tables.events).where(*_EVENT_ID)
_HASHES = _BY_ID.with_only_columns(tables.events.c.event_id, tables.events.c.content_hash)


def append_events(connection: Connection, events: Sequence[Event], received_at: datetime) -> None:
    """Store new events. Their ids must not be in the log yet."""
    if events:
        _EVENTS.insert(connection, [_row(event, received_at) for event in events])


def append_labelled_events(
    connection: Connection,
    events: Sequence[tuple[Event, EventLabel | None]],
    received_at: datetime,
) -> None:
    """Store new events with the labels that are known of them. Their ids must not be in the log
    yet."""
    if events:
        _LABELLED.insert(
            connection,
            [
                (*_row(event, received_at), None, None, None)
                if label is None
                else (*_row(event, received_at), label.label, label.at, label.source)
                for event, label in events
            ],
        )


def content_hashes(
    connection: Connection, event_type: str, event_ids: Collection[str]
) -> dict[str, bytes]:
    """Those of the events that are in the log, by id, with the hashes of what was sent."""
    return {
        row.event_id: bytes(row.content_hash)
        for row in _in_parts(connection, _HASHES, event_type, event_ids)
    }


def stored_events(
    connection: Connection, event_type: str, event_ids: Collection[str]
) -> Mapping[str, StoredEvent]:
    """Those of the events that are in the log, by id."""
    return {
        row.event_id: _stored(row) for row in _in_parts(connection, _BY_ID, event_type, event_ids)
    }


def stored_event(connection: Connection, event_type: str, event_id: str) -> StoredEvent:
    """The event of that id. Raises `NotFound`."""
    row = connection.execute(_EVENT, {"of_type": event_type, "of_id": event_id}).first()
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
        _LABEL,
        {
            "of_type": event_type,
            "of_id": event_id,
            "label": label,
            "label_at": at or now(),
            "label_source": source,
        },
    )
    if done.rowcount == 0:
        raise NotFound(f"there is no event {event_id!r} of type {event_type!r}", field="event_id")


def label_stored_events(
    connection: Connection, event_type: str, labels: Mapping[str, EventLabel]
) -> None:
    """Give events of the log, by id, the labels that have become known. Their ids must be in the
    log."""
    if labels:
        connection.execute(
            update(tables.events)
            .where(
                tables.events.c.event_type == bindparam("of_type"),
                tables.events.c.event_id == bindparam("of_id"),
            )
            .values(
                label=bindparam("new_label"),
                label_at=bindparam("new_at"),
                label_source=bindparam("new_source"),
            ),
            [
                {
                    "of_type": event_type,
                    "of_id": event_id,
                    "new_label": given.label,
                    "new_at": given.at,
                    "new_source": given.source,
                }
                for event_id, given in labels.items()
            ],
        )


def _in_parts(
    connection: Connection, query: Select[Any], event_type: str, event_ids: Collection[str]
) -> Iterator[Row[Any]]:
    left = iter(event_ids)
    while some := list(islice(left, _ASKED_AT_ONCE)):
        yield from connection.execute(query, {"of_type": event_type, "ids": some})


def _row(event: Event, received_at: datetime) -> tuple[Any, ...]:
    return (
        event.event_type,
        event.event_id,
        event.at,
        received_at,
        event.entities,
        event.variables,
        event.content_hash,
    )


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
