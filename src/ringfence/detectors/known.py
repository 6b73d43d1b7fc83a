"""Events that are in the log already: one event id has one decision, however often it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from ringfence.detectors import tables
from ringfence.detectors.decisions import Decision, decision_of
from ringfence.detectors.requests import Request
from ringfence.errors import Conflict
from ringfence.events import tables as event_tables
from ringfence.events.reading import Event


class KnownEvent(Conflict):
    """The event is in the log, and there is no decision that answers the request: it was sent with
    other content, only for the record, or decided about by another detector version."""


# Built once: building it anew for every batch would take longer than running it. One event type at
# a time, for SQLite answers a list of pairs by reading the whole log.
_KNOWN = (
    select(
        event_tables.events.c.event_type.label("of_event_type"),
        event_tables.events.c.event_id.label("of_event_id"),
        event_tables.events.c.content_hash,
        tables.decisions,
    )
    .outerjoin(
        tables.decisions,
        (tables.decisions.c.event_type == event_tables.events.c.event_type)
        & (tables.decisions.c.event_id == event_tables.events.c.event_id),
    )
    .where(
        event_tables.events.c.event_type == bindparam("of_type"),
        event_tables.events.c.event_id.in_(bindparam("ids", expanding=True)),
    )
)


def known_events(
    connection: Connection, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], Row[Any]]:
    """Those of the events that are in the log, with the hashes of what was sent and the decisions
    about them, if there are any; by event type and id, as the keys are."""
    by_type: dict[str, list[str]] = {}
    for event_type, event_id in keys:
        by_type.setdefault(event_type, []).append(event_id)
    return {
        (row.of_event_type, row.of_event_id): row
        for of_type, ids in by_type.items()
        for row in connection.execute(_KNOWN, {"of_type": of_type, "ids": ids})
    }


def repeated(row: Row[Any], event: Event, request: Request) -> Decision | KnownEvent:
    """The answer to an event that is in the log: its decision, or why that is no answer."""
    if row.content_hash != event.content_hash:
        return other_content(event.event_id)
    if row.decided_at is None:
        return KnownEvent(
            f"event {event.event_id!r} is stored, and was not to be decided about",
            field="event_id",
            expected="the id of a new event, or of one that was sent for a decision",
        )
    return answer_again(decision_of(row, repeated=True), request)


def answer_again(decision: Decision, request: Request) -> Decision | KnownEvent:
    """A decision that there is already as the answer to a request, if it was made by the version
    that was asked for."""
    if request.detector_version is None or (
        (request.detector_id, request.detector_version)
        == (decision.detector_id, decision.detector_version)
    ):
        return decision
    return KnownEvent(
        f"event {decision.event_id!r} was decided about by version {decision.detector_version} of "
        f"detector {decision.detector_id!r}",
        field="event_id",
        expected="a new id, or the detector version that decided",
    )


def other_content(event_id: str) -> KnownEvent:
    """The answer to an event whose id is that of an event with other content."""
    return KnownEvent(
        f"event {event_id!r} is already stored with other content",
        field="event_id",
        expected="a new id, or exactly what was sent before",
    )
