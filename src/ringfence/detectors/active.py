"""Which detector version decides about events of a type, as it is published."""

from __future__ import annotations

from sqlalchemy import Connection, select

from ringfence.detectors import tables
from ringfence.detectors.definitions import get_detector
from ringfence.detectors.versions import DetectorStatus
from ringfence.errors import Conflict, InvalidInput, NotFound
from ringfence.events.definitions import get_event_type


class NothingActive(Conflict):
    """No detector version is active where one is asked for."""


class OtherEventType(NotFound):
    """The detector is for another event type."""


def find_active(
    connection: Connection, event_type: str, detector_id: str | None
) -> tuple[str, str]:
    """The id and version of the active detector version for an event type, of the named detector
    or of the only one.

    Raises `NotFound` for an unknown event type or detector, `Conflict` when nothing is active,
    `InvalidInput` when several detectors are and none was named.
    """
    get_event_type(connection, event_type)
    detectors, versions = tables.detectors, tables.detector_versions
    query = (
        select(versions.c.detector_id, versions.c.version)
        .join(detectors, detectors.c.detector_id == versions.c.detector_id)
        .where(detectors.c.event_type == event_type, versions.c.status == DetectorStatus.ACTIVE)
    )
    if detector_id is not None:
        if get_detector(connection, detector_id).event_type != event_type:
            raise OtherEventType(
                f"detector {detector_id!r} is not for event type {event_type!r}", field="detector"
            )
        query = query.where(versions.c.detector_id == detector_id)
    found = connection.execute(query).all()
    if not found:
        raise NothingActive(
            f"no detector version is active for event type {event_type!r}", field="detector"
        )
    if len(found) > 1:
        raise InvalidInput(
            "several detectors are active for this event type",
            field="detector",
            expected="one of " + ", ".join(row.detector_id for row in found),
        )
    return found[0].detector_id, found[0].version


def all_active(connection: Connection) -> list[tuple[str, str]]:
    """The event type and the detector id of every active detector version."""
    detectors, versions = tables.detectors, tables.detector_versions
    rows = connection.execute(
        select(detectors.c.event_type, detectors.c.detector_id)
        .join(versions, versions.c.detector_id == detectors.c.detector_id)
        .where(versions.c.status == DetectorStatus.ACTIVE)
        .order_by(detectors.c.detector_id)
    )
    return [(row.event_type, row.detector_id) for row in rows]


def version_before(connection: Connection, detector_id: str) -> str | None:
    """The version of a detector that was active before the one that is; None if there is none."""
    versions = tables.detector_versions
    found: str | None = connection.execute(
        select(versions.c.version)
        .where(
            versions.c.detector_id == detector_id,
            versions.c.status == DetectorStatus.INACTIVE,
            versions.c.activated_at.is_not(None),
        )
        .order_by(versions.c.activated_at.desc())
        .limit(1)
    ).scalar()
    return found
