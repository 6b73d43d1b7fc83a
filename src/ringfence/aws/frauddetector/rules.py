"""Rules: expressions in DETECTORPL, each version with its outcomes."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from ringfence.aws.frauddetector.arns import arn
from ringfence.aws.frauddetector.operations import Call, Operations
from ringfence.aws.frauddetector.service import FraudDetector
from ringfence.aws.frauddetector.tags import forget_tags, note_tags
from ringfence.aws.wire.errors import ConflictError, ValidationError
from ringfence.aws.wire.paging import page
from ringfence.aws.wire.times import instant
from ringfence.detectors import (
    NotLatest,
    RuleExists,
    StoredRule,
    create_rule,
    delete_rule,
    describe_rule,
    get_detector,
    stored_rule,
    stored_rules,
    update_rule,
)
from ringfence.errors import InvalidInput, NotFound
from ringfence.rules import Rule

operations = Operations()
_LANGUAGE = "DETECTORPL"  # there is no other


@operations.add("CreateRule")
def create_one_rule(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Store a new rule as its version `1`."""
    detector_id = call.members["detectorId"]
    with service.redefine() as connection:
        try:
            rule = create_rule(
                connection, detector_id, _rule(call, call.members["ruleId"], version="1")
            )
        except RuleExists:
            # Clients compare this text.
            raise ValidationError("Failed to save rule since it already exists.") from None
        note_tags(connection, _resource(detector_id, rule), call.members.get("tags"))
    return {"rule": _reference(detector_id, rule)}


@operations.add("UpdateRuleVersion")
def update_rule_version(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Store an edited rule as its next version."""
    edited = call.members["rule"]
    detector_id = edited["detectorId"]
    with service.redefine() as connection:
        try:
            rule = update_rule(
                connection, detector_id, _rule(call, edited["ruleId"], edited["ruleVersion"])
            )
        except NotLatest as error:
            # Clients read the number from the end of the first sentence.
            raise ConflictError(
                f"Rule version {error.version} cannot be updated, whereas the most recent version "
                f"is {error.latest}. Update the most recent version."
            ) from None
        note_tags(connection, _resource(detector_id, rule), call.members.get("tags"))
    return {"rule": _reference(detector_id, rule)}


@operations.add("UpdateRuleMetadata")
def update_rule_metadata(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Describe a rule version anew."""
    rule = call.members["rule"]
    with service.redefine() as connection:
        describe_rule(
            connection,
            rule["detectorId"],
            rule["ruleId"],
            rule["ruleVersion"],
            call.members["description"],
        )
    return {}


@operations.add("GetRules")
def get_rules(service: FraudDetector, call: Call) -> dict[str, Any]:
    """One rule version, or a page of the versions of one rule, or of all rules of a detector.

    Of a rule that does not exist there are no versions, which is no error: clients ask so whether
    to create it.
    """
    detector_id = call.members["detectorId"]
    rule_id, version = call.members.get("ruleId"), call.members.get("ruleVersion")
    if version is not None and rule_id is None:
        raise InvalidInput("is missing", field="ruleId", expected="the rule of the ruleVersion")
    with service.read() as connection:
        get_detector(connection, detector_id)
        if rule_id is not None and version is not None:
            stored = stored_rule(connection, detector_id, rule_id, version)
            return {"ruleDetails": [_document(call, detector_id, stored)]}
        found, more = page(
            stored_rules(connection, detector_id, rule_id),
            call,
            default=100,
            key=lambda stored: f"{stored.rule.rule_id}/{stored.rule.version.zfill(5)}",
        )
    return {"ruleDetails": [_document(call, detector_id, stored) for stored in found], **more}


@operations.add("DeleteRule")
def delete_one_rule(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Delete a rule version that no detector version uses; one that does not exist is no error."""
    rule = call.members["rule"]
    detector_id, rule_id, version = rule["detectorId"], rule["ruleId"], rule["ruleVersion"]
    with suppress(NotFound), service.redefine() as connection:
        delete_rule(connection, detector_id, rule_id, version)
        forget_tags(connection, f"rule/{detector_id}/{rule_id}/{version}")
    return {}


def _rule(call: Call, rule_id: str, version: str) -> Rule:
    return Rule(
        rule_id=rule_id,
        version=version,
        expression=call.members["expression"],
        outcomes=tuple(call.members["outcomes"]),
        description=call.members.get("description", ""),
    )


def _resource(detector_id: str, rule: Rule) -> str:
    return f"rule/{detector_id}/{rule.rule_id}/{rule.version}"


def _reference(detector_id: str, rule: Rule) -> dict[str, Any]:
    return {"detectorId": detector_id, "ruleId": rule.rule_id, "ruleVersion": rule.version}


def _document(call: Call, detector_id: str, stored: StoredRule) -> dict[str, Any]:
    rule = stored.rule
    return {
        **_reference(detector_id, rule),
        "description": rule.description or None,
        "expression": rule.expression,
        "language": _LANGUAGE,
        "outcomes": list(rule.outcomes),
        "lastUpdatedTime": instant(stored.updated_at),
        "createdTime": instant(stored.created_at),
        "arn": arn(call, _resource(detector_id, rule)),
    }
