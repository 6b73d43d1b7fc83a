"""Detector versions: the models and rules that decide together, and which version is active."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from ringfence.aws.frauddetector.arns import arn
from ringfence.aws.frauddetector.operations import Call, Operations
from ringfence.aws.frauddetector.service import FraudDetector
from ringfence.aws.frauddetector.tags import forget_tags, note_tags
from ringfence.aws.wire.times import instant
from ringfence.detectors import (
    DetectorStatus,
    DetectorVersion,
    ModelRef,
    RuleRef,
    change_status,
    clear_before_deletion,
    create_detector_version,
    delete_detector_version,
    describe_detector_version,
    get_detector_version,
    update_detector_version,
)
from ringfence.detectors.deployments import ModelStatus, model_status
from ringfence.errors import InvalidInput, NotFound
from ringfence.models import get_model
from ringfence.models.numbering import normal
from ringfence.rules import ExecutionMode

operations = Operations()


@operations.add("CreateDetectorVersion")
def create_one_version(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Make a draft; its rules are evaluated in the order in which they are given."""
    detector_id = call.members["detectorId"]
    with service.redefine() as connection:
        version = create_detector_version(
            connection,
            detector_id,
            rules=_rules(call),
            models=_models(connection, call) or (),
            external_models=_external_models(call),
            mode=_mode(call) or ExecutionMode.FIRST_MATCHED,
            description=call.members.get("description", ""),
        )
        note_tags(connection, _resource(version), call.members.get("tags"))
    return {
        "detectorId": detector_id,
        "detectorVersionId": version.version,
        "status": version.status,
    }


@operations.add("UpdateDetectorVersion")
def update_one_version(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Change a draft. Model versions, mode and description stay what they are when left out."""
    with service.redefine() as connection:
        update_detector_version(
            connection,
            *_named(call),
            rules=_rules(call),
            external_models=_external_models(call),
            models=_models(connection, call),
            mode=_mode(call),
            description=call.members.get("description"),
        )
    return {}


@operations.add("UpdateDetectorVersionMetadata")
def update_metadata(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Describe a version anew, whatever its status."""
    with service.redefine() as connection:
        describe_detector_version(connection, *_named(call), call.members["description"])
    return {}


@operations.add("UpdateDetectorVersionStatus")
def update_status(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Decide with a version from now on, or with none; the one before becomes INACTIVE."""
    with service.redefine() as connection:
        change_status(connection, *_named(call), DetectorStatus(call.members["status"]))
    return {}


@operations.add("GetDetectorVersion")
def get_one_version(service: FraudDetector, call: Call) -> dict[str, Any]:
    """A version with all that it consists of."""
    with service.read() as connection:
        version = get_detector_version(connection, *_named(call))
        types = {
            ref.model_id: get_model(connection, ref.model_id).model_type for ref in version.models
        }
    detector_id = version.detector_id
    return {
        "detectorId": detector_id,
        "detectorVersionId": version.version,
        "description": version.description or None,
        "externalModelEndpoints": list(version.external_models),
        "modelVersions": [
            {
                "modelId": ref.model_id,
                "modelType": types[ref.model_id],
                "modelVersionNumber": ref.version,
                "arn": arn(
                    call, f"model-version/{types[ref.model_id]}/{ref.model_id}/{ref.version}"
                ),
            }
            for ref in version.models
        ],
        "rules": [
            {"detectorId": detector_id, "ruleId": ref.rule_id, "ruleVersion": ref.version}
            for ref in version.rules
        ],
        "status": version.status,
        "lastUpdatedTime": instant(version.updated_at),
        "createdTime": instant(version.created_at),
        "ruleExecutionMode": version.mode,
        "arn": arn(call, _resource(version)),
    }


@operations.add("DeleteDetectorVersion")
def delete_one_version(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Delete a draft or an inactive version."""
    detector_id, number = _named(call)
    clear_before_deletion(service.database, detector_id, number)
    with service.redefine() as connection:
        delete_detector_version(connection, detector_id, number)
        forget_tags(connection, f"detector-version/{detector_id}/{number}")
    return {}


def _named(call: Call) -> tuple[str, str]:
    return call.members["detectorId"], call.members["detectorVersionId"]


def _resource(version: DetectorVersion) -> str:
    return f"detector-version/{version.detector_id}/{version.version}"


def _mode(call: Call) -> ExecutionMode | None:
    mode = call.members.get("ruleExecutionMode")
    return None if mode is None else ExecutionMode(mode)


def _rules(call: Call) -> list[RuleRef]:
    for rule in call.members["rules"]:
        if rule["detectorId"] != call.members["detectorId"]:
            raise InvalidInput(
                f"rule {rule['ruleId']!r} is one of detector {rule['detectorId']!r}",
                field="rules",
                expected=f"rules of detector {call.members['detectorId']!r}",
            )
    return [RuleRef(rule["ruleId"], rule["ruleVersion"]) for rule in call.members["rules"]]


def _models(connection: Connection, call: Call) -> Sequence[ModelRef] | None:
    """The model versions that are named; None where nothing is said of any. Raises `InvalidInput`
    for one of another type, or that is not ACTIVE."""
    if "modelVersions" not in call.members:
        return None
    return [_model(connection, named) for named in call.members["modelVersions"]]


def _model(connection: Connection, named: dict[str, str]) -> ModelRef:
    model_id, number = named["modelId"], normal(named["modelVersionNumber"])
    try:
        model_type = get_model(connection, model_id).model_type
        status = model_status(connection, model_id, number)
    except NotFound as error:
        raise InvalidInput(error.message, field="modelVersions") from None
    if model_type != named["modelType"]:
        raise InvalidInput(
            f"model {model_id!r} is of type {model_type}, not {named['modelType']}",
            field="modelVersions",
            expected=model_type,
        )
    if status is not ModelStatus.ACTIVE:
        raise InvalidInput(
            f"version {number} of model {model_id!r} is {status}",
            field="modelVersions",
            expected="model versions that are ACTIVE",
        )
    return ModelRef(model_id, number)


def _external_models(call: Call) -> Sequence[str]:
    names: Sequence[str] = call.members.get("externalModelEndpoints", ())
    return names
