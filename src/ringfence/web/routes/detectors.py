"""Outcomes, detectors, rules and detector versions."""

from __future__ import annotations

import msgspec

from ringfence.access import Scope
from ringfence.detectors import (
    Detector,
    DetectorVersion,
    ModelRef,
    RuleRef,
    activate_detector_version,
    clear_before_deletion,
    create_detector_version,
    deactivate_detector_version,
    delete_detector_version,
    get_detector_version,
    list_detector_versions,
    list_detectors,
    list_outcomes,
    list_rules,
    put_detector,
    put_outcome,
    put_rule,
)
from ringfence.rules import ExecutionMode, Rule
from ringfence.web.api import Call, Operations
from ringfence.web.services import Services

operations = Operations("detectors")


class OutcomeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an outcome means."""

    description: str = ""


class DetectorBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A detector decides about events of one type."""

    event_type: str
    description: str = ""


class RuleBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule in DETECTORPL."""

    expression: str
    outcomes: tuple[str, ...]
    description: str = ""


class VersionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rules in the order in which they are evaluated, and the models they use; external models by
    name."""

    rules: tuple[RuleRef, ...]
    models: tuple[ModelRef, ...] = ()
    external_models: tuple[str, ...] = ()
    mode: ExecutionMode = ExecutionMode.FIRST_MATCHED
    description: str = ""


@operations.add("GET", "/v1/outcomes", scope=Scope.RULES_READ, reply=dict[str, str])
def get_outcomes(services: Services, call: Call) -> dict[str, str]:
    """All outcomes with their descriptions."""
    with services.database.read() as connection:
        return list_outcomes(connection)


@operations.add("PUT", "/v1/outcomes/{name}", scope=Scope.RULES_WRITE, body=OutcomeBody, status=204)
def put_one_outcome(services: Services, call: Call) -> None:
    """Create an outcome, or change its description."""
    with services.redefine() as connection:
        put_outcome(connection, call.path["name"], call.body.description)


@operations.add("GET", "/v1/detectors", scope=Scope.RULES_READ, reply=list[Detector])
def get_detectors(services: Services, call: Call) -> list[Detector]:
    """All detectors."""
    with services.database.read() as connection:
        return list_detectors(connection)


@operations.add(
    "PUT",
    "/v1/detectors/{detector_id}",
    scope=Scope.RULES_WRITE,
    body=DetectorBody,
    reply=Detector,
)
def put_one_detector(services: Services, call: Call) -> Detector:
    """Create a detector, or change its description."""
    detector = Detector(
        detector_id=call.path["detector_id"],
        event_type=call.body.event_type,
        description=call.body.description,
    )
    with services.redefine() as connection:
        put_detector(connection, detector)
    return detector


@operations.add(
    "GET", "/v1/detectors/{detector_id}/rules", scope=Scope.RULES_READ, reply=list[Rule]
)
def get_rules(services: Services, call: Call) -> list[Rule]:
    """Every version of every rule of a detector."""
    with services.database.read() as connection:
        return list_rules(connection, call.path["detector_id"])


@operations.add(
    "PUT",
    "/v1/detectors/{detector_id}/rules/{rule_id}",
    scope=Scope.RULES_WRITE,
    body=RuleBody,
    reply=Rule,
)
def put_one_rule(services: Services, call: Call) -> Rule:
    """Store a rule as its next version; an unchanged rule keeps its version."""
    rule = Rule(
        rule_id=call.path["rule_id"],
        version="1",
        expression=call.body.expression,
        outcomes=call.body.outcomes,
        description=call.body.description,
    )
    with services.redefine() as connection:
        return put_rule(connection, call.path["detector_id"], rule)


@operations.add(
    "GET",
    "/v1/detectors/{detector_id}/versions",
    scope=Scope.RULES_READ,
    reply=list[DetectorVersion],
)
def get_detector_versions(services: Services, call: Call) -> list[DetectorVersion]:
    """All versions of a detector, oldest first."""
    with services.database.read() as connection:
        return list_detector_versions(connection, call.path["detector_id"])


@operations.add(
    "POST",
    "/v1/detectors/{detector_id}/versions",
    scope=Scope.RULES_WRITE,
    body=VersionBody,
    reply=DetectorVersion,
    status=201,
)
def post_detector_version(services: Services, call: Call) -> DetectorVersion:
    """Make a draft of rules and models."""
    with services.redefine() as connection:
        return create_detector_version(
            connection,
            call.path["detector_id"],
            rules=call.body.rules,
            models=call.body.models,
            external_models=call.body.external_models,
            mode=call.body.mode,
            description=call.body.description,
        )


@operations.add(
    "POST",
    "/v1/detectors/{detector_id}/versions/{version}/activate",
    scope=Scope.RULES_WRITE,
    reply=DetectorVersion,
)
def post_activation(services: Services, call: Call) -> DetectorVersion:
    """Decide with this version from now on."""
    detector_id, version = call.path["detector_id"], call.path["version"]
    with services.redefine() as connection:
        activate_detector_version(connection, detector_id, version)
        return get_detector_version(connection, detector_id, version)


@operations.add(
    "POST",
    "/v1/detectors/{detector_id}/versions/{version}/deactivate",
    scope=Scope.RULES_WRITE,
    reply=DetectorVersion,
)
def post_deactivation(services: Services, call: Call) -> DetectorVersion:
    """Decide with no version of the detector any more, until one is activated."""
    detector_id, version = call.path["detector_id"], call.path["version"]
    with services.redefine() as connection:
        deactivate_detector_version(connection, detector_id, version)
        return get_detector_version(connection, detector_id, version)


@operations.add(
    "DELETE",
    "/v1/detectors/{detector_id}/versions/{version}",
    scope=Scope.RULES_WRITE,
    status=204,
)
def delete_one_detector_version(services: Services, call: Call) -> None:
    """Take a draft or an inactive version away; decisions that it made stay."""
    detector_id, version = call.path["detector_id"], call.path["version"]
    clear_before_deletion(services.database, detector_id, version)
    with services.redefine() as connection:
        delete_detector_version(connection, detector_id, version)
