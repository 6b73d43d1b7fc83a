"""Detector versions: the exact models and rules that decide together.

A version never changes once it has been active. One version of a detector is active at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec
from sqlalchemy import Connection, Row, func, insert, select, update

from ringfence.detectors import tables
from ringfence.detectors.definitions import Detector, held_detector, list_rules
from ringfence.detectors.external import check_external
from ringfence.detectors.outcomes import check_description
from ringfence.detectors.plans import give_up_unused_plans
from ringfence.errors import InvalidInput, NotFound
from ringfence.events.definitions import get_event_type, raise_revision
from ringfence.models import output_variable
from ringfence.rules import ExecutionMode, references
from ringfence.storage import now


class DetectorStatus(StrEnum):
    """The life of a detector version."""

    DRAFT = "DRAFT"
    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"


class ModelRef(msgspec.Struct, frozen=True):
    """One model version."""

    model_id: str
    version: str


class RuleRef(msgspec.Struct, frozen=True):
    """One rule version."""

    rule_id: str
    version: str


class DetectorVersion(msgspec.Struct, frozen=True, kw_only=True):
    """Models and rules, in the order in which the rules are evaluated; external models by name."""

    detector_id: str
    version: str
    status: DetectorStatus
    rules: tuple[RuleRef, ...]
    models: tuple[ModelRef, ...]
    external_models: tuple[str, ...] = ()
    mode: ExecutionMode
    description: str
    created_at: datetime
    activated_at: datetime | None

    @property
    def model_names(self) -> tuple[str, ...]:
        """Its models with their versions, then its external models."""
        return (*(f"{ref.model_id} {ref.version}" for ref in self.models), *self.external_models)


def create_detector_version(
    connection: Connection,
    detector_id: str,
    *,
    rules: Sequence[RuleRef],
    models: Sequence[ModelRef],
    external_models: Sequence[str] = (),
    mode: ExecutionMode = ExecutionMode.FIRST_MATCHED,
    description: str = "",
) -> DetectorVersion:
    """A new draft: `1`, `2`, and so on.

    Raises `NotFound` for the detector, `InvalidInput` for a rule or model that does not exist or
    does not fit: a model of another event type, a rule that needs a score that no model gives.
    """
    detector = held_detector(connection, detector_id)
    check_description(description)
    if not rules:
        raise InvalidInput("no rule", field="rules", expected="at least one rule")
    if len(set(rules)) != len(rules):
        raise InvalidInput("a rule is named twice", field="rules")
    _check_models(connection, detector, models)
    given = check_external(connection, external_models, detector.event_type)
    _check_rules(connection, detector, rules, models, given)
    count = connection.execute(
        select(func.count())
        .select_from(tables.detector_versions)
        .where(tables.detector_versions.c.detector_id == detector_id)
    ).scalar_one()
    version = str(count + 1)
    connection.execute(
        insert(tables.detector_versions).values(
            detector_id=detector_id,
            version=version,
            status=DetectorStatus.DRAFT,
            rules=tuple(rules),
            models=tuple(models),
            external_models=tuple(external_models) or None,
            mode=mode,
            description=description,
            created_at=now(),
        )
    )
    return get_detector_version(connection, detector_id, version)


def activate_detector_version(connection: Connection, detector_id: str, version: str) -> None:
    """Make a version the one that decides; the one before becomes inactive. Raises `NotFound`.

    A version that ran as a shadow is one no longer.
    Profiles that no version in use needs any more are given up. Profiles that this version lacks
    are built by the servers, which decide by the version before until then.
    """
    detector = held_detector(connection, detector_id)
    get_detector_version(connection, detector_id, version)
    versions = tables.detector_versions
    connection.execute(
        update(versions)
        .where(
            versions.c.detector_id == detector_id,
            versions.c.status == DetectorStatus.ACTIVE,
            versions.c.version != version,
        )
        .values(status=DetectorStatus.INACTIVE)
    )
    connection.execute(
        update(versions)
        .where(versions.c.detector_id == detector_id, versions.c.version == version)
        .values(status=DetectorStatus.ACTIVE, activated_at=now())
    )
    shadows = tables.shadows
    connection.execute(
        update(shadows)
        .where(
            shadows.c.detector_id == detector_id,
            shadows.c.version == version,
            shadows.c.stopped_at.is_(None),
        )
        .values(stopped_at=now(), stopped_by="activation")
    )
    give_up_unused_plans(connection, detector.event_type)
    raise_revision(connection)


def list_detector_versions(connection: Connection, detector_id: str) -> list[DetectorVersion]:
    """All versions of a detector, oldest first."""
    rows = connection.execute(
        select(tables.detector_versions)
        .where(tables.detector_versions.c.detector_id == detector_id)
        .order_by(tables.detector_versions.c.created_at)
    )
    return [_version(row) for row in rows]


def get_detector_version(connection: Connection, detector_id: str, version: str) -> DetectorVersion:
    """One version. Raises `NotFound`."""
    row = connection.execute(
        select(tables.detector_versions).where(
            tables.detector_versions.c.detector_id == detector_id,
            tables.detector_versions.c.version == version,
        )
    ).first()
    if row is None:
        raise NotFound(f"detector {detector_id!r} has no version {version!r}", field="version")
    return _version(row)


def _check_models(connection: Connection, detector: Detector, models: Sequence[ModelRef]) -> None:
    from ringfence.models import get_model, get_version

    if len({ref.model_id for ref in models}) != len(models):
        raise InvalidInput("a model is named twice", field="models", expected="one version of each")
    for ref in models:
        try:
            get_version(connection, ref.model_id, ref.version)
        except NotFound as error:
            raise InvalidInput(error.message, field="models") from None
        if get_model(connection, ref.model_id).event_type != detector.event_type:
            raise InvalidInput(
                f"model {ref.model_id!r} is for another event type",
                field="models",
                expected=f"models of event type {detector.event_type!r}",
            )


def _check_rules(
    connection: Connection,
    detector: Detector,
    rules: Sequence[RuleRef],
    models: Sequence[ModelRef],
    external: Collection[str],
) -> None:
    stored = {
        RuleRef(rule.rule_id, rule.version): rule
        for rule in list_rules(connection, detector.detector_id)
    }
    event_type = get_event_type(connection, detector.event_type)
    given = {variable.name for variable in event_type.variables}
    given |= {output_variable(ref.model_id) for ref in models} | set(external)
    for ref in rules:
        if ref not in stored:
            raise InvalidInput(
                f"there is no rule {ref.rule_id!r} version {ref.version!r}", field="rules"
            )
        missing = references(stored[ref].expression).variables - given
        if missing:
            raise InvalidInput(
                f"rule {ref.rule_id!r} needs {', '.join(sorted(missing))}",
                field="models",
                expected="the model that gives this score",
            )


def _version(row: Row[tuple[object, ...]]) -> DetectorVersion:
    return DetectorVersion(
        detector_id=row.detector_id,
        version=row.version,
        status=DetectorStatus(row.status),
        rules=msgspec.convert(row.rules, tuple[RuleRef, ...]),
        models=msgspec.convert(row.models, tuple[ModelRef, ...]),
        external_models=tuple(row.external_models or ()),
        mode=ExecutionMode(row.mode),
        description=row.description,
        created_at=row.created_at,
        activated_at=row.activated_at,
    )
