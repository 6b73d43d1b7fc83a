"""Shadows: detector versions that score live events beside the version that decides, and never act.

A shadow is a draft or an inactive version of the same detector. What it says of an event is stored
in the commit of the decision (`scoring`) and compared with it afterwards (`report`). This
module only starts, stops and lists shadows; it knows neither how events are scored nor what comes
of comparing.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, func, insert, literal, select, update

from ringfence.detectors import tables
from ringfence.detectors.definitions import get_detector, held_detector
from ringfence.detectors.external import waited_for
from ringfence.detectors.plans import give_up_unused_plans
from ringfence.detectors.versions import (
    DetectorStatus,
    get_detector_version,
    list_detector_versions,
)
from ringfence.errors import Conflict, NotFound
from ringfence.events.revisions import raise_revision
from ringfence.storage import Database, Instant, now

_TROUBLE_CHARACTERS = 512
_DELETED_AT_ONCE = 5_000


class ShadowState(StrEnum):
    """How a shadow is doing."""

    WARMING_UP = "warming up"  # not loaded yet, or its profiles are being built from history
    SCORING = "scoring"
    TROUBLED = "troubled"  # a server cannot load it
    STOPPED = "stopped"


class Shadow(msgspec.Struct, frozen=True, kw_only=True):
    """A version from when it was started as a shadow until it was stopped.

    `ready_at` is when a server first had it ready to score, `trouble` why one could not load it;
    `stopped_by` is `activation` when the version was made the one that decides.
    """

    detector_id: str
    version: str
    state: ShadowState
    started_at: datetime
    started_by: str
    ready_at: datetime | None
    trouble: str | None
    stopped_at: datetime | None
    stopped_by: str | None


def start_shadow(connection: Connection, detector_id: str, version: str, *, by: str) -> Shadow:
    """Have a version score whatever its detector decides about, from now on, without acting.

    Servers notice within a second. Until one has loaded the version and built the profiles that it
    lacks, the shadow is warming up and scores nothing. Raises `NotFound`, and `Conflict` when the
    version decides already or runs as a shadow already, or when a decision would have to wait for
    an external model of its own.
    """
    held_detector(connection, detector_id)
    found = get_detector_version(connection, detector_id, version)
    if found.status is DetectorStatus.ACTIVE:
        raise Conflict(
            f"version {version!r} of detector {detector_id!r} decides already",
            field="version",
            expected="a draft or an inactive version",
        )
    if _running(connection, detector_id, version) is not None:
        raise Conflict(
            f"version {version!r} of detector {detector_id!r} is a shadow already", field="version"
        )
    shared = {
        name
        for other in list_detector_versions(connection, detector_id)
        if other.status is DetectorStatus.ACTIVE
        for name in other.external_models
    }
    for name in sorted(waited_for(connection, found.external_models) - shared):
        raise Conflict(
            f"decisions would have to wait for external model {name!r}",
            field="version",
            expected="a version with external models that take no time, or that the active version "
            "asks too",
        )
    connection.execute(
        insert(tables.shadows).values(
            detector_id=detector_id, version=version, started_at=now(), started_by=by
        )
    )
    raise_revision(connection)
    return get_shadow(connection, detector_id, version)


def stop_shadow(connection: Connection, detector_id: str, version: str, *, by: str) -> Shadow:
    """Score no further event with a shadow. What it said is kept; see `clear_shadow_decisions`.

    Profiles that no version in use needs any more are given up. Raises `NotFound` for an unknown
    version, and `Conflict` when it does not run as a shadow.
    """
    detector = held_detector(connection, detector_id)
    get_detector_version(connection, detector_id, version)
    running = _running(connection, detector_id, version)
    if running is None:
        raise Conflict(
            f"version {version!r} of detector {detector_id!r} is no shadow", field="version"
        )
    connection.execute(
        update(tables.shadows).where(_is(running)).values(stopped_at=now(), stopped_by=by)
    )
    give_up_unused_plans(connection, detector.event_type)
    raise_revision(connection)
    return get_shadow(connection, detector_id, version)


def list_shadows(
    connection: Connection, detector_id: str | None = None, *, running_only: bool = False
) -> list[Shadow]:
    """Every time that a version ran as a shadow, the latest first; those of one detector, or of
    all. Raises `NotFound` for an unknown detector."""
    query = select(tables.shadows).order_by(tables.shadows.c.started_at.desc())
    if detector_id is not None:
        get_detector(connection, detector_id)
        query = query.where(tables.shadows.c.detector_id == detector_id)
    if running_only:
        query = query.where(tables.shadows.c.stopped_at.is_(None))
    return [_shadow(row) for row in connection.execute(query)]


def get_shadow(connection: Connection, detector_id: str, version: str) -> Shadow:
    """The last time that a version ran as a shadow. Raises `NotFound` when it never did."""
    get_detector_version(connection, detector_id, version)
    row = connection.execute(
        select(tables.shadows)
        .where(tables.shadows.c.detector_id == detector_id, tables.shadows.c.version == version)
        .order_by(tables.shadows.c.started_at.desc())
        .limit(1)
    ).first()
    if row is None:
        raise NotFound(
            f"version {version!r} of detector {detector_id!r} never ran as a shadow",
            field="version",
            expected="a version that was started as a shadow",
        )
    return _shadow(row)


def running_shadows(connection: Connection, detector_id: str) -> list[tuple[str, datetime]]:
    """The versions of a detector that run as its shadows, each with when it was started, the first
    that was started first."""
    shadows = tables.shadows
    rows = connection.execute(
        select(shadows.c.version, shadows.c.started_at)
        .where(shadows.c.detector_id == detector_id, shadows.c.stopped_at.is_(None))
        .order_by(shadows.c.started_at)
    )
    return [(row.version, row.started_at) for row in rows]


def note_readiness(
    connection: Connection, detector_id: str, version: str, trouble: str | None
) -> None:
    """Note of a running shadow that a server has it ready, or why one has not."""
    shadows = tables.shadows
    running = (
        (shadows.c.detector_id == detector_id)
        & (shadows.c.version == version)
        & shadows.c.stopped_at.is_(None)
    )
    changes: dict[str, Any] = {"trouble": trouble and trouble[:_TROUBLE_CHARACTERS]}
    if trouble is None:
        changes["ready_at"] = func.coalesce(shadows.c.ready_at, literal(now(), Instant))
    connection.execute(update(shadows).where(running).values(changes))


def clear_shadow_decisions(database: Database, detector_id: str, version: str) -> int:
    """Delete what a stopped shadow said, in parts, so that nobody waits long; how much it was.

    When the version ran as a shadow stays on record. Raises `NotFound`, and `Conflict` while it
    still runs.
    """
    said = tables.shadow_decisions
    deleted = 0
    while True:
        with database.write() as connection:
            held_detector(connection, detector_id)
            if get_shadow(connection, detector_id, version).stopped_at is None:
                raise Conflict(
                    f"version {version!r} of detector {detector_id!r} still runs as a shadow",
                    field="version",
                    expected="a shadow that was stopped",
                )
            oldest = (
                select(said.c.event_type, said.c.event_id)
                .where(said.c.detector_id == detector_id, said.c.version == version)
                .order_by(said.c.decided_at)
                .limit(_DELETED_AT_ONCE)
            )
            keys = connection.execute(oldest).all()
            for event_type in {key.event_type for key in keys}:
                connection.execute(
                    delete(said).where(
                        said.c.event_type == event_type,
                        said.c.event_id.in_(
                            [key.event_id for key in keys if key.event_type == event_type]
                        ),
                        said.c.detector_id == detector_id,
                        said.c.version == version,
                    )
                )
        deleted += len(keys)
        if len(keys) < _DELETED_AT_ONCE:
            return deleted


def _running(connection: Connection, detector_id: str, version: str) -> Row[Any] | None:
    shadows = tables.shadows
    return connection.execute(
        select(shadows).where(
            shadows.c.detector_id == detector_id,
            shadows.c.version == version,
            shadows.c.stopped_at.is_(None),
        )
    ).first()


def _is(row: Row[Any]) -> Any:
    shadows = tables.shadows.c
    return (
        (shadows.detector_id == row.detector_id)
        & (shadows.version == row.version)
        & (shadows.started_at == row.started_at)
    )


def _shadow(row: Row[Any]) -> Shadow:
    if row.stopped_at is not None:
        state = ShadowState.STOPPED
    elif row.trouble is not None:
        state = ShadowState.TROUBLED
    else:
        state = ShadowState.WARMING_UP if row.ready_at is None else ShadowState.SCORING
    return Shadow(
        detector_id=row.detector_id,
        version=row.version,
        state=state,
        started_at=row.started_at,
        started_by=row.started_by,
        ready_at=row.ready_at,
        trouble=row.trouble,
        stopped_at=row.stopped_at,
        stopped_by=row.stopped_by,
    )
