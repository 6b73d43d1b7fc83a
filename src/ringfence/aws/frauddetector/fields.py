"""What Fraud Detector calls the fields that our rooms name in their errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ringfence.errors import RingfenceError

_MEMBERS = {
    "default": "defaultValue",
    "detector": "detectorId",
    "detector_version": "detectorVersionId",
    "entities.entity_id": "entities.entityId",
    "entities.entity_type": "entities.entityType",
    "detector_id": "detectorId",
    "entity_types": "entityTypes",
    "event_id": "eventId",
    "event_timestamp": "eventTimestamp",
    "event_type": "eventTypeName",
    "external_models": "externalModelEndpoints",
    "models": "modelVersions",
    "rule_id": "ruleId",
    "rule_version": "ruleVersion",
    "variable_type": "variableType",
    "variables": "eventVariables",
}


@contextmanager
def members_named() -> Iterator[None]:
    """Let errors name the members of the request, which is what their reader has written."""
    try:
        yield
    except RingfenceError as error:
        if error.field in _MEMBERS:
            error.field = _MEMBERS[error.field]
        raise
