"""Detectors and the versions of their rules: what detector versions are put together from."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from ringfence.detectors import tables
from ringfence.detectors.outcomes import check_description, list_outcomes
from ringfence.errors import Conflict, InvalidInput, NotFound
from ringfence.events.definitions import (
    NAME_PATTERN,
    get_event_type,
    get_lists,
)
from ringfence.events.variables import DataType
from ringfence.models import output_variable
from ringfence.rules import Rule, check
from ringfence.storage import now


class Detector(msgspec.Struct, frozen=True, kw_only=True):
    """A detector decides about events of one type."""

    detector_id: str
    event_type: str
    description: str = ""


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
                created_at=now(),
            )
        )
    elif stored != detector.event_type:
        raise Conflict("the event type of a detector cannot change", field="event_type")
    else:
        connection.execute(
            update(tables.detectors)
            .where(tables.detectors.c.detector_id == detector.detector_id)
            .values(description=detector.description)
        )


def list_detectors(connection: Connection) -> list[Detector]:
    """All detectors by id."""
    rows = connection.execute(select(tables.detectors).order_by(tables.detectors.c.detector_id))
    return [_detector(row) for row in rows]


def get_detector(connection: Connection, detector_id: str) -> Detector:
    """The detector of that id. Raises `NotFound`."""
    row = connection.execute(
        select(tables.detectors).where(tables.detectors.c.detector_id == detector_id)
    ).first()
    if row is None:
        raise NotFound(f"there is no detector {detector_id!r}", field="detector")
    return _detector(row)


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


def put_rule(connection: Connection, detector_id: str, rule: Rule) -> Rule:
    """Store a rule as its next version, or return the latest version when nothing differs.

    The rule is checked against the event type's variables and every model's score. Raises
    `InvalidInput` (a rule error with line and column, or an unknown outcome), `NotFound`.
    """
    detector = held_detector(connection, detector_id)
    check_description(rule.description)
    if not NAME_PATTERN.fullmatch(rule.rule_id):
        raise InvalidInput("not a rule id", field="rule_id", expected="1 to 64 of 0-9 a-z _ -")
    if not rule.outcomes:
        raise InvalidInput("no outcome", field="outcomes", expected="at least one outcome")
    known = list_outcomes(connection)
    for outcome in rule.outcomes:
        if outcome not in known:
            raise InvalidInput(
                f"there is no outcome {outcome!r}",
                field="outcomes",
                expected="one of " + (", ".join(known) or "the outcomes, of which there are none"),
            )
    check(rule.expression, rule_types(connection, detector.event_type), get_lists(connection))
    versions = [
        stored for stored in list_rules(connection, detector_id) if stored.rule_id == rule.rule_id
    ]
    latest = max(versions, key=lambda stored: int(stored.version), default=None)
    if latest and (latest.expression, latest.outcomes) == (rule.expression, rule.outcomes):
        return latest
    stored = Rule(
        rule_id=rule.rule_id,
        version=str(int(latest.version) + 1 if latest else 1),
        expression=rule.expression,
        outcomes=rule.outcomes,
        description=rule.description,
    )
    connection.execute(
        insert(tables.rules).values(
            detector_id=detector_id,
            rule_id=stored.rule_id,
            version=stored.version,
            expression=stored.expression,
            outcomes=stored.outcomes,
            description=stored.description,
            created_at=now(),
        )
    )
    return stored


def list_rules(connection: Connection, detector_id: str) -> list[Rule]:
    """Every version of every rule of a detector."""
    rows = connection.execute(
        select(tables.rules)
        .where(tables.rules.c.detector_id == detector_id)
        .order_by(tables.rules.c.rule_id, tables.rules.c.created_at)
    )
    return [
        Rule(
            rule_id=row.rule_id,
            version=row.version,
            expression=row.expression,
            outcomes=tuple(row.outcomes),
            description=row.description,
        )
        for row in rows
    ]


def rule_types(connection: Connection, event_type: str) -> dict[str, DataType]:
    """What a rule of this event type may name: its variables and the scores of its models."""
    from ringfence.models import list_models
    from ringfence.models.external import list_external_models, variables_of

    types = {v.name: v.data_type for v in get_event_type(connection, event_type).variables}
    for model in list_models(connection):
        if model.event_type == event_type:
            types[output_variable(model.model_id)] = DataType.FLOAT
    external = list_external_models(connection)
    return types | variables_of(one for one in external if one.event_type == event_type)


def _detector(row: Row[tuple[object, ...]]) -> Detector:
    return Detector(
        detector_id=row.detector_id, event_type=row.event_type, description=row.description
    )
