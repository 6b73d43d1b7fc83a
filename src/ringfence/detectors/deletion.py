"""Taking rules, detector versions and detectors away, once nothing needs them.

Decisions stay: what names a version that is gone can still be read, and says so when it cannot be
explained any more (`versions.version_that_decided`).
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, delete, func, select

from ringfence.detectors import tables
from ringfence.detectors.definitions import held_detector
from ringfence.detectors.plans import give_up_unused_plans
from ringfence.detectors.rules import stored_rule
from ringfence.detectors.shadows.running import clear_shadow_decisions
from ringfence.detectors.versions import (
    DetectorStatus,
    RuleRef,
    get_detector_version,
    list_detector_versions,
    refuse_shadow,
)
from ringfence.errors import Conflict
from ringfence.events.revisions import raise_revision
from ringfence.storage import Database


def delete_rule(connection: Connection, detector_id: str, rule_id: str, version: str) -> None:
    """Take a rule version away. Raises `NotFound`, `Conflict` while a detector version, of whatever
    status, uses it."""
    held_detector(connection, detector_id)
    stored_rule(connection, detector_id, rule_id, version)
    for user in list_detector_versions(connection, detector_id):
        if RuleRef(rule_id, version) in user.rules:
            raise Conflict(
                f"version {user.version} of detector {detector_id!r} uses rule {rule_id!r} "
                f"version {version}",
                field="rule",
                expected="a rule version that no detector version uses",
            )
    rules = tables.rules
    connection.execute(
        delete(rules).where(
            rules.c.detector_id == detector_id,
            rules.c.rule_id == rule_id,
            rules.c.version == version,
        )
    )


def delete_detector_version(connection: Connection, detector_id: str, version: str) -> None:
    """Take a draft or an inactive version away, with what is known of it as a shadow.

    For a version that was a shadow for long, call `clear_before_deletion` first. Raises `NotFound`,
    `Conflict` for the version that decides, and for one that runs as a shadow.
    """
    detector = held_detector(connection, detector_id)
    _refuse_in_use(connection, detector_id, version)
    for table in (tables.shadow_decisions, tables.shadows, tables.detector_versions):
        connection.execute(
            delete(table).where(table.c.detector_id == detector_id, table.c.version == version)
        )
    give_up_unused_plans(connection, detector.event_type)
    raise_revision(connection)


def clear_before_deletion(database: Database, detector_id: str, version: str) -> None:
    """Delete what a version said as a shadow, in parts, so that nobody waits long. Raises like
    `delete_detector_version`, before anything is deleted."""
    shadows = tables.shadows
    with database.read() as connection:
        _refuse_in_use(connection, detector_id, version)
        has_been_one = connection.execute(
            select(shadows.c.version)
            .where(shadows.c.detector_id == detector_id, shadows.c.version == version)
            .limit(1)
        ).first()
    if has_been_one:
        clear_shadow_decisions(database, detector_id, version)


def delete_detector(connection: Connection, detector_id: str) -> None:
    """Take a detector away. Raises `NotFound`, `Conflict` while it has versions or rules."""
    held_detector(connection, detector_id)
    versions, rules = tables.detector_versions, tables.rules
    for count, of_what in (
        (_count(connection, versions.c.detector_id == detector_id), "version"),
        (_count(connection, rules.c.detector_id == detector_id), "rule version"),
    ):
        if count:
            raise Conflict(
                f"detector {detector_id!r} has {count} {of_what}{'' if count == 1 else 's'}",
                field="detector",
                expected="a detector of which all versions and rules have been deleted",
            )
    detectors = tables.detectors
    connection.execute(delete(detectors).where(detectors.c.detector_id == detector_id))
    raise_revision(connection)


def _refuse_in_use(connection: Connection, detector_id: str, version: str) -> None:
    found = get_detector_version(connection, detector_id, version)
    if found.status is DetectorStatus.ACTIVE:
        raise Conflict(
            "You cannot delete detector versions that are in ACTIVE status",
            expected="a version that is DRAFT or INACTIVE",
        )
    refuse_shadow(connection, detector_id, version)


def _count(connection: Connection, those: ColumnElement[bool]) -> int:
    return connection.execute(select(func.count()).where(those)).scalar_one()
