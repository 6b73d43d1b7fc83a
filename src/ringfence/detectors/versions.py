"""Detector versions: the exact models and rules that decide together.

A draft may change; once a version has been active it never does. Which one decides is chosen in
`activation`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, and_, func, insert, select, update

from ringfence.detectors import tables
from ringfence.detectors.definitions import Detector, held_detector
from ringfence.detectors.external import check_external
from ringfence.detectors.outcomes import check_description
from ringfence.detectors.rules import MAX_NUMBER, list_rules
from ringfence.errors import Conflict, InvalidInput, NotFound
from ringfence.events.definitions import get_event_type
from ringfence.events.revisions import raise_revision
from ringfence.models import output_variable
from ringfence.rules import ExecutionMode, references
from ringfence.storage import now

MAX_MODELS = 10
"""How many models a version may have, external ones included, as in Amazon Fraud Detector."""


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
    """Models and rules, in the order in which the rules are evaluated; external models by name.

    `defined_at` is when models, rules or mode last changed, `updated_at` when anything did.
    """

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
    defined_at: datetime
    updated_at: datetime

    @property
    def model_names(self) -> tuple[str, ...]:
        """Its models with their versions, then its external models."""
        return (*(f"{ref.model_id} {ref.version}" for ref in self.models), *self.external_models)


class VersionGone(NotFound):
    """What decided back then is not there any more: the version was deleted, or is a draft that
    has been changed since."""


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
    """A new draft: `1`, `2`, and so on; a number is given once, even if its version is deleted.

    Raises `NotFound` for the detector, `InvalidInput` for a rule or model that does not exist or
    does not fit: a model of another event type, a rule that needs a score that no model gives.
    """
    detector = held_detector(connection, detector_id)
    check_description(description)
    _check(connection, detector, rules, models, external_models)
    version = _next_number(connection, detector_id)
    at = now()
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
            created_at=at,
            updated_at=at,
            redefined_at=at,
        )
    )
    return get_detector_version(connection, detector_id, version)


def update_detector_version(
    connection: Connection,
    detector_id: str,
    version: str,
    *,
    rules: Sequence[RuleRef],
    external_models: Sequence[str],
    models: Sequence[ModelRef] | None = None,
    mode: ExecutionMode | None = None,
    description: str | None = None,
) -> DetectorVersion:
    """Change a draft; what is None stays as it is.

    Raises `NotFound`, `InvalidInput` like `create_detector_version`, `Conflict` for a version that
    is no draft, or that runs as a shadow: what it says must be what it is compared as.
    """
    detector = held_detector(connection, detector_id)
    found = get_detector_version(connection, detector_id, version)
    if found.status is not DetectorStatus.DRAFT:
        raise Conflict(
            f"version {version!r} of detector {detector_id!r} is {found.status}",
            field="version",
            expected="a version that is DRAFT",
        )
    refuse_shadow(connection, detector_id, version)
    models = found.models if models is None else tuple(models)
    description = found.description if description is None else description
    check_description(description)
    _check(connection, detector, rules, models, external_models)
    at = now()
    connection.execute(
        update(tables.detector_versions)
        .where(_is(detector_id, version))
        .values(
            rules=tuple(rules),
            models=models,
            external_models=tuple(external_models) or None,
            mode=mode or found.mode,
            description=description,
            updated_at=at,
            redefined_at=at,
        )
    )
    raise_revision(connection)
    return get_detector_version(connection, detector_id, version)


def describe_detector_version(
    connection: Connection, detector_id: str, version: str, description: str
) -> None:
    """Change what is said of a version, whatever its status. Raises `InvalidInput`, `NotFound`."""
    check_description(description)
    get_detector_version(connection, detector_id, version)
    connection.execute(
        update(tables.detector_versions)
        .where(_is(detector_id, version))
        .values(description=description, updated_at=now())
    )


def list_detector_versions(connection: Connection, detector_id: str) -> list[DetectorVersion]:
    """All versions of a detector, oldest first."""
    versions = tables.detector_versions
    rows = connection.execute(
        select(versions)
        .where(versions.c.detector_id == detector_id)
        # Numbers in texts: the shorter one is the lower.
        .order_by(func.length(versions.c.version), versions.c.version)
    )
    return [_version(row) for row in rows]


def get_detector_version(connection: Connection, detector_id: str, version: str) -> DetectorVersion:
    """One version. Raises `NotFound`."""
    row = connection.execute(
        select(tables.detector_versions).where(_is(detector_id, version))
    ).first()
    if row is None:
        raise NotFound(f"detector {detector_id!r} has no version {version!r}", field="version")
    return _version(row)


def version_that_decided(
    connection: Connection, detector_id: str, version: str, at: datetime
) -> DetectorVersion:
    """The version that made a decision at that moment. Raises `VersionGone` when it was deleted,
    even if another one has got its number since, or was a draft and has been changed."""
    try:
        found = get_detector_version(connection, detector_id, version)
    except NotFound:
        found = None
    if found is None or found.created_at > at:
        raise VersionGone(
            f"version {version!r} of detector {detector_id!r}, which decided, has been deleted",
            field="detector_version",
        )
    if found.defined_at > at:
        raise VersionGone(
            f"version {version!r} of detector {detector_id!r}, which decided as a draft, has been "
            "changed since",
            field="detector_version",
        )
    return found


def refuse_shadow(connection: Connection, detector_id: str, version: str) -> None:
    """Raise `Conflict` for a version that runs as a shadow."""
    shadows = tables.shadows
    running = connection.execute(
        select(shadows.c.version).where(
            shadows.c.detector_id == detector_id,
            shadows.c.version == version,
            shadows.c.stopped_at.is_(None),
        )
    ).first()
    if running is not None:
        raise Conflict(
            f"version {version!r} of detector {detector_id!r} runs as a shadow",
            field="version",
            expected="a version that does not; stop the shadow first",
        )


def _next_number(connection: Connection, detector_id: str) -> str:
    detectors, versions = tables.detectors, tables.detector_versions
    of_detector = detectors.c.detector_id == detector_id
    given = connection.execute(select(detectors.c.last_version).where(of_detector)).scalar() or 0
    stored = connection.execute(
        select(versions.c.version).where(versions.c.detector_id == detector_id)
    ).scalars()
    number = max([given, *map(int, stored)]) + 1
    if number > MAX_NUMBER:
        raise Conflict(f"detector {detector_id!r} has had {MAX_NUMBER} versions", field="detector")
    connection.execute(update(detectors).where(of_detector).values(last_version=number))
    return str(number)


def _check(
    connection: Connection,
    detector: Detector,
    rules: Sequence[RuleRef],
    models: Sequence[ModelRef],
    external_models: Sequence[str],
) -> None:
    if not rules:
        raise InvalidInput("no rule", field="rules", expected="at least one rule")
    if len(set(rules)) != len(rules):
        raise InvalidInput("a rule is named twice", field="rules")
    if len(models) + len(external_models) > MAX_MODELS:
        raise InvalidInput(
            "too many models",
            field="models",
            expected=f"at most {MAX_MODELS}, external ones included",
        )
    _check_models(connection, detector, models)
    given = check_external(connection, external_models, detector.event_type)
    _check_rules(connection, detector, rules, models, given)


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
        defined_at=row.redefined_at or row.created_at,
        updated_at=row.updated_at or row.activated_at or row.created_at,
    )


def _is(detector_id: str, version: str) -> ColumnElement[bool]:
    versions = tables.detector_versions
    return and_(versions.c.detector_id == detector_id, versions.c.version == version)
