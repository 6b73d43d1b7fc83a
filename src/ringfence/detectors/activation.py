"""Which version of a detector decides: at most one, whichever was activated last.

A version that has decided may be taken out of use and back into it; it never becomes a draft again.
"""

from __future__ import annotations

from sqlalchemy import Connection, update

from ringfence.detectors import tables
from ringfence.detectors.definitions import held_detector
from ringfence.detectors.plans import give_up_unused_plans
from ringfence.detectors.versions import DetectorStatus, get_detector_version
from ringfence.errors import Conflict, InvalidInput
from ringfence.events.revisions import raise_revision
from ringfence.storage import now


def activate_detector_version(connection: Connection, detector_id: str, version: str) -> None:
    """Make a version the one that decides; the one before becomes inactive. Raises `NotFound`.

    A version that ran as a shadow is one no longer.
    Profiles that no version in use needs any more are given up. Profiles that this version lacks
    are built by the servers, which decide by the version before until then.
    """
    detector = held_detector(connection, detector_id)
    get_detector_version(connection, detector_id, version)
    versions = tables.detector_versions
    at = now()
    connection.execute(
        update(versions)
        .where(
            versions.c.detector_id == detector_id,
            versions.c.status == DetectorStatus.ACTIVE,
            versions.c.version != version,
        )
        .values(status=DetectorStatus.INACTIVE, updated_at=at)
    )
    connection.execute(
        update(versions)
        .where(versions.c.detector_id == detector_id, versions.c.version == version)
        .values(status=DetectorStatus.ACTIVE, activated_at=at, updated_at=at)
    )
    shadows = tables.shadows
    connection.execute(
        update(shadows)
        .where(
            shadows.c.detector_id == detector_id,
            shadows.c.version == version,
            shadows.c.stopped_at.is_(None),
        )
        .values(stopped_at=at, stopped_by="activation")
    )
    give_up_unused_plans(connection, detector.event_type)
    raise_revision(connection)


def deactivate_detector_version(connection: Connection, detector_id: str, version: str) -> None:
    """Decide with no version of a detector any more; servers notice within a second.

    Its profiles are kept up to date, so that it can decide again at once. Raises `NotFound`,
    `Conflict` for a version that is not active.
    """
    detector = held_detector(connection, detector_id)
    found = get_detector_version(connection, detector_id, version)
    if found.status is not DetectorStatus.ACTIVE:
        raise Conflict(
            f"version {version!r} of detector {detector_id!r} is {found.status}",
            field="version",
            expected="the version that is ACTIVE",
        )
    versions = tables.detector_versions
    connection.execute(
        update(versions)
        .where(versions.c.detector_id == detector_id, versions.c.version == version)
        .values(status=DetectorStatus.INACTIVE, updated_at=now())
    )
    give_up_unused_plans(connection, detector.event_type)
    raise_revision(connection)


def change_status(
    connection: Connection, detector_id: str, version: str, status: DetectorStatus
) -> None:
    """Activate a version that is not active, or deactivate the one that is.

    Raises `NotFound`, `InvalidInput` for DRAFT, to which nothing goes back, `Conflict` for a status
    that the version has already or cannot have after the one that it has.
    """
    held_detector(connection, detector_id)
    found = get_detector_version(connection, detector_id, version)
    if status is DetectorStatus.DRAFT:
        raise InvalidInput(
            "no version becomes a draft", field="status", expected="ACTIVE or INACTIVE"
        )
    if status is DetectorStatus.INACTIVE:
        deactivate_detector_version(connection, detector_id, version)
    elif found.status is DetectorStatus.ACTIVE:
        raise Conflict(
            f"version {version!r} of detector {detector_id!r} is ACTIVE already", field="status"
        )
    else:
        activate_detector_version(connection, detector_id, version)
