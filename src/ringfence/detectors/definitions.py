"""Detectors: which events are decided about. What decides is in `versions`, by rules of `rules`."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from ringfence.detectors import tables
from ringfence.detectors.outcomes import check_description
from ringfence.errors import Conflict, InvalidInput, NotFound
from ringfence.events.definitions import get_event_type
from ringfence.events.names import NAME_PATTERN
from ringfence.storage import now


class Detector(msgspec.Struct, frozen=True, kw_only=True):
    """A detector decides about events of one type."""

    detector_id: str
    event_type: str
    description: str = ""


class StoredDetector(msgspec.Struct, frozen=True):
    """A detector, when it was made and when it last changed."""

    detector: Detector
    created_at: datetime
    updated_at: datetime


def put_detector(connection: Connection, detector: Detector) -> None:
    """Create a detector, or change its description.

    Raises `InvalidInput`, `NotFound` for an unknown event type, `Conflict` when it would change.
    """
    check_description(detector.description)
    if not NAME_PATTERN.fullmatch(detector.detector_id):
        raise InvalidInput(
            "not a detector id", field="detector_id", expected="1 to 64 of 0-9 a-z _ -"
        )
    get_event_type(connection, detector.event_type)
    at = now()
    stored = connection.execute(
        select(tables.detectors.c.event_type).where(
            tables.detectors.c.detector_id == detector.detector_id
        )
    ).scalar()
    if stored is None:
        connection.execute(
            insert(tables.detectors).values(
                detector_id=detector.detector_id,
                event_type=detector.event_type,
                description=detector.description,
                created_at=at,
                updated_at=at,
            )
        )
    elif stored != detector.event_type:
        raise Conflict("the event type of a detector cannot change", field="event_type")
    else:
        connection.execute(
            update(tables.detectors)
            .where(tables.detectors.c.detector_id == detector.detector_id)
            .values(description=detector.description, updated_at=at)
        )


def list_detectors(connection: Connection) -> list[Detector]:
    """All detectors by id."""
    return [stored.detector for stored in stored_detectors(connection)]


def stored_detectors(connection: Connection) -> list[StoredDetector]:
    """All detectors by id, with their times."""
    rows = connection.execute(select(tables.detectors).order_by(tables.detectors.c.detector_id))
    return [_stored(row) for row in rows]


def get_detector(connection: Connection, detector_id: str) -> Detector:
    """The detector of that id. Raises `NotFound`."""
    return stored_detector(connection, detector_id).detector


def stored_detector(connection: Connection, detector_id: str) -> StoredDetector:
    """The detector of that id, with its times. Raises `NotFound`."""
    row = connection.execute(
        select(tables.detectors).where(tables.detectors.c.detector_id == detector_id)
    ).first()
    if row is None:
        raise NotFound(f"there is no detector {detector_id!r}", field="detector")
    return _stored(row)


def held_detector(connection: Connection, detector_id: str) -> Detector:
    """The detector of that id, held until the transaction ends, so that two processes neither take
    the same version number nor make two versions active. Raises `NotFound`."""
    detectors = tables.detectors  # SQLite has one writer anyway
    connection.execute(
        select(detectors.c.detector_id)
        .where(detectors.c.detector_id == detector_id)
        .with_for_update()
    )
    return get_detector(connection, detector_id)


def _stored(row: Row[tuple[object, ...]]) -> StoredDetector:
    return StoredDetector(
        Detector(
            detector_id=row.detector_id, event_type=row.event_type, description=row.description
        ),
        row.created_at,
        row.updated_at or row.created_at,
    )
