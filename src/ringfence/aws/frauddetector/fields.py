"""What Fraud Detector calls the fields that our rooms name in their errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ringfence.aws.wire.shapes import operation_model
from ringfence.errors import RingfenceError

# All that operations call the same thing.
_MEMBERS: Mapping[str, Sequence[str]] = {
    "default": ("defaultValue",),
    "detector": ("detectorId", "detectorName", "rule.detectorId"),
    "detector_version": ("detectorVersionId", "detectorVersion"),
    "entities.entity_id": ("entities.entityId",),
    "entities.entity_type": ("entities.entityType",),
    "detector_id": ("detectorId", "detectorName", "rule.detectorId"),
    "entity_types": ("entityTypes",),
    "event_id": ("eventId",),
    "event_timestamp": ("eventTimestamp",),
    "event_type": ("eventTypeName",),
    "external_models": ("externalModelEndpoints",),
    "job_id": ("jobId",),
    "model_id": ("modelId",),
    "model_type": ("modelType",),
    "models": ("modelVersions",),
    "rule_id": ("ruleId", "rule.ruleId"),
    "rule_version": ("ruleVersion", "rule.ruleVersion"),
    "variable_type": ("variableType",),
    "variables": ("eventVariables",),
    "version": ("modelVersionNumber", "detectorVersionId", "detectorVersion"),
}


def name_member(error: RingfenceError, operation: str) -> None:
    """Let an error name the member of the operation's request, which is what its reader has
    written."""
    names = _MEMBERS.get(error.field or "")
    if names is None:
        return
    model = operation_model("frauddetector", operation)
    members = {} if model is None or model.input_shape is None else model.input_shape.members
    given = (name for name in names if name.partition(".")[0] in members)
    error.field = next(given, error.field)
