"""What detectors, rules and models use of event types, lists and outcomes, and deleting what they
do not use."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, select

from ringfence.detectors import tables
from ringfence.detectors.definitions import list_detectors
from ringfence.detectors.outcomes import OUTCOMES
from ringfence.detectors.plans import give_up_unused_plans
from ringfence.errors import Conflict
from ringfence.events import lists, usage
from ringfence.models import list_models
from ringfence.models.external import list_external_models
from ringfence.rules import RuleInvalid, references


def delete_event_type(connection: Connection, name: str) -> None:
    """Delete an event type, if there is one of that name. Raises `Conflict` while a detector or a
    model is for it, or an event of it is stored.

    Its profiles are given up; `plans.clear_given_up_plans` then deletes what is kept of them.
    """
    users = [
        *(("detector", of.detector_id, of.event_type) for of in list_detectors(connection)),
        *(("model", of.model_id, of.event_type) for of in list_models(connection)),
        *(("external model", of.name, of.event_type) for of in list_external_models(connection)),
    ]
    for kind, used_by, event_type in users:
        if event_type == name:
            raise Conflict(
                f"event type {name!r} is used by {kind} {used_by!r}",
                field="name",
                expected="an event type of no detector and no model",
            )
    usage.delete_event_type(connection, name)
    give_up_unused_plans(connection, name)


def delete_outcome(connection: Connection, name: str) -> None:
    """Delete an outcome, if there is one of that name. Raises `Conflict` while a rule version
    concludes it."""
    rules = tables.rules.c
    for row in connection.execute(
        select(rules.detector_id, rules.rule_id, rules.version, rules.outcomes)
    ):
        if name in msgspec.convert(row.outcomes, tuple[str, ...]):
            raise _used("outcome", name, row.detector_id, row.rule_id, row.version)
    OUTCOMES.remove(connection, name)


def delete_list(connection: Connection, name: str) -> None:
    """Delete a list, if there is one of that name. Raises `Conflict` while a rule version names
    it."""
    rules = tables.rules.c
    for row in connection.execute(
        select(rules.detector_id, rules.rule_id, rules.version, rules.expression).where(
            rules.expression.contains(f"@{name}", autoescape=True)
        )
    ):
        if name in _lists(row.expression):
            raise _used("list", name, row.detector_id, row.rule_id, row.version)
    lists.delete_list(connection, name)


def _lists(expression: str) -> frozenset[str]:
    try:
        return references(expression).lists
    except RuleInvalid:  # one that an older release took
        return frozenset()


def _used(kind: str, name: str, detector_id: str, rule_id: str, version: str) -> Conflict:
    return Conflict(
        f"{kind} {name!r} is used by version {version} of rule {rule_id!r} of detector "
        f"{detector_id!r}",
        field="name",
        expected=f"{'an' if kind == 'outcome' else 'a'} {kind} of no rule",
    )
