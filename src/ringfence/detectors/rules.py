"""The rules of a detector and their versions: what detector versions are put together from.

A rule version never changes but for its description; an edited rule is its next version. What the
language means is known to the room `rules`.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import msgspec
from sqlalchemy import Connection, Row, func, insert, select, update

from ringfence.detectors import tables
from ringfence.detectors.definitions import Detector, get_detector, held_detector
from ringfence.detectors.outcomes import check_description, list_outcomes
from ringfence.errors import Conflict, InvalidInput, NotFound
from ringfence.events.definitions import get_event_type
from ringfence.events.lists import get_lists
from ringfence.events.names import NAME_PATTERN
from ringfence.events.variables import DataType
from ringfence.models import output_variable
from ringfence.rules import Rule, check, references
from ringfence.storage import now

MAX_LISTS = 30
"""How many lists the rules of a detector may name, as in Amazon Fraud Detector."""
MAX_NUMBER = 99_999
"""Versions are numbers of at most five digits."""


class StoredRule(msgspec.Struct, frozen=True):
    """A rule version, when it was made and when its description last changed."""

    rule: Rule
    created_at: datetime
    updated_at: datetime


class RuleExists(Conflict):
    """A rule of that id exists, of whatever version."""


class NotLatest(Conflict):
    """What was to be edited is not the latest version of the rule, which is `latest`."""

    def __init__(self, rule_id: str, version: str, latest: str):
        super().__init__(
            f"version {version!r} of rule {rule_id!r} is not its latest",
            field="rule_version",
            expected=latest,
        )
        self.version = version
        self.latest = latest


def create_rule(connection: Connection, detector_id: str, rule: Rule) -> Rule:
    """Store a new rule as its version `1`.

    The rule is checked against the event type's variables and its models' scores. Raises
    `RuleExists`, `InvalidInput` (a rule error with line and column, or an unknown outcome),
    `NotFound` for the detector.
    """
    detector = held_detector(connection, detector_id)
    if _latest(connection, detector_id, rule.rule_id) is not None:
        raise RuleExists(f"rule {rule.rule_id!r} exists already", field="rule_id")
    _check(connection, detector, rule)
    return _insert(connection, detector_id, rule, 1)


def update_rule(connection: Connection, detector_id: str, rule: Rule) -> Rule:
    """Store a rule as its next version; `rule.version` names the one that was edited.

    Raises `NotFound` for the detector and the rule, `NotLatest` when there is a newer version than
    the one that was edited, `InvalidInput` like `create_rule`.
    """
    detector = held_detector(connection, detector_id)
    latest = _latest(connection, detector_id, rule.rule_id)
    if latest is None:
        raise _no_rule(detector_id, rule.rule_id)
    if latest.version != rule.version:
        raise NotLatest(rule.rule_id, rule.version, latest.version)
    _check(connection, detector, rule)
    return _insert(connection, detector_id, rule, int(latest.version) + 1)


def put_rule(connection: Connection, detector_id: str, rule: Rule) -> Rule:
    """Store a rule as its next version, or return the latest version when nothing differs.

    Raises `InvalidInput` like `create_rule`, `NotFound`.
    """
    detector = held_detector(connection, detector_id)
    _check(connection, detector, rule)
    latest = _latest(connection, detector_id, rule.rule_id)
    if latest and (latest.expression, latest.outcomes) == (rule.expression, rule.outcomes):
        return latest
    return _insert(connection, detector_id, rule, int(latest.version) + 1 if latest else 1)


def describe_rule(
    connection: Connection, detector_id: str, rule_id: str, version: str, description: str
) -> None:
    """Change what is said of a rule version. Raises `InvalidInput`, `NotFound`."""
    check_description(description)
    stored_rule(connection, detector_id, rule_id, version)
    rules = tables.rules
    connection.execute(
        update(rules)
        .where(
            rules.c.detector_id == detector_id,
            rules.c.rule_id == rule_id,
            rules.c.version == version,
        )
        .values(description=description, updated_at=now())
    )


def list_rules(connection: Connection, detector_id: str) -> list[Rule]:
    """Every version of every rule of a detector, by id, the oldest version first."""
    return [stored.rule for stored in stored_rules(connection, detector_id)]


def rules_at(connection: Connection, detector_id: str, at: datetime) -> list[Rule]:
    """The rule versions that there were at a moment and still are: for who looks at an old
    decision, whose rules may have been deleted and their numbers taken by others since."""
    return [
        stored.rule for stored in stored_rules(connection, detector_id) if stored.created_at <= at
    ]


def stored_rules(
    connection: Connection, detector_id: str, rule_id: str | None = None
) -> list[StoredRule]:
    """Every version of every rule of a detector, or of one rule, with their times; none for a
    detector or a rule that is not known."""
    rules = tables.rules
    query = select(rules).where(rules.c.detector_id == detector_id)
    if rule_id is not None:
        query = query.where(rules.c.rule_id == rule_id)
    # Versions are numbers in texts: the shorter one is the lower.
    ordered = query.order_by(rules.c.rule_id, func.length(rules.c.version), rules.c.version)
    return [_stored(row) for row in connection.execute(ordered)]


def stored_rule(connection: Connection, detector_id: str, rule_id: str, version: str) -> StoredRule:
    """One rule version. Raises `NotFound`."""
    get_detector(connection, detector_id)
    for stored in stored_rules(connection, detector_id, rule_id):
        if stored.rule.version == version:
            return stored
    raise _no_rule(detector_id, rule_id, version)


def rule_types(connection: Connection, event_type: str) -> dict[str, DataType]:
    """What a rule of this event type may name: its variables and the scores of its models."""
    from ringfence.models import list_models
    from ringfence.models.external import list_external_models, variables_of

    types = {v.name: v.data_type for v in get_event_type(connection, event_type).variables}
    for model in list_models(connection):
        if model.event_type == event_type:
            types[output_variable(model.model_id)] = DataType.FLOAT
    external = list_external_models(connection)
    # One whose body the client sends is for events of any type.
    return types | variables_of(one for one in external if one.event_type in ("", event_type))


def _check(connection: Connection, detector: Detector, rule: Rule) -> None:
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
    named = references(rule.expression).lists
    if named:
        _check_lists(connection, detector.detector_id, rule.rule_id, named)


def _check_lists(
    connection: Connection, detector_id: str, rule_id: str, named: Collection[str]
) -> None:
    """Count the lists that the latest version of each rule names."""
    latest = {rule.rule_id: rule.expression for rule in list_rules(connection, detector_id)}
    latest.pop(rule_id, None)
    lists = set(named)
    for expression in latest.values():
        if "@" in expression:
            lists |= references(expression).lists
    if len(lists) > MAX_LISTS:
        raise InvalidInput(
            "the rules of this detector use too many lists",
            field="expression",
            expected=f"at most {MAX_LISTS} lists in all",
        )


def _latest(connection: Connection, detector_id: str, rule_id: str) -> Rule | None:
    versions = stored_rules(connection, detector_id, rule_id)
    return versions[-1].rule if versions else None


def _insert(connection: Connection, detector_id: str, rule: Rule, number: int) -> Rule:
    if number > MAX_NUMBER:
        raise Conflict(f"rule {rule.rule_id!r} has had {MAX_NUMBER} versions", field="rule_id")
    stored = msgspec.structs.replace(rule, version=str(number))
    at = now()
    connection.execute(
        insert(tables.rules).values(
            detector_id=detector_id,
            rule_id=stored.rule_id,
            version=stored.version,
            expression=stored.expression,
            outcomes=stored.outcomes,
            description=stored.description,
            created_at=at,
            updated_at=at,
        )
    )
    return stored


def _no_rule(detector_id: str, rule_id: str, version: str | None = None) -> NotFound:
    which = "" if version is None else f" version {version!r}"
    return NotFound(f"detector {detector_id!r} has no rule {rule_id!r}{which}", field="rule_id")


def _stored(row: Row[tuple[object, ...]]) -> StoredRule:
    return StoredRule(
        Rule(
            rule_id=row.rule_id,
            version=row.version,
            expression=row.expression,
            outcomes=tuple(row.outcomes),
            description=row.description,
        ),
        row.created_at,
        row.updated_at or row.created_at,
    )
