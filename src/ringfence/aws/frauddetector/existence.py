"""Whether there is what an ARN names: the one place that knows every kind of resource."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import Connection

from ringfence.aws.frauddetector.outputs import find_variable
from ringfence.aws.jobs.job import JobKind
from ringfence.aws.jobs.records import get_job
from ringfence.detectors import get_detector, get_detector_version
from ringfence.detectors.outcomes import OUTCOMES
from ringfence.detectors.rules import stored_rule
from ringfence.errors import InvalidInput, NotFound
from ringfence.events import get_event_type
from ringfence.events.lists import get_list_facts
from ringfence.events.names import ENTITY_TYPES, LABELS
from ringfence.models import get_model
from ringfence.models.external.registry import get_external_model
from ringfence.models.trainings import get_training

# Each is called with the parts of the name, and raises `NotFound`.
_FINDERS: Mapping[str, Callable[..., object]] = {
    "batch-import": lambda c, job: get_job(c, JobKind.BATCH_IMPORT, job),
    "batch-prediction": lambda c, job: get_job(c, JobKind.BATCH_PREDICTION, job),
    "detector": get_detector,
    "detector-version": get_detector_version,
    "entity-type": ENTITY_TYPES.get,
    "event-type": get_event_type,
    "external-model": get_external_model,
    "label": LABELS.get,
    "list": get_list_facts,
    "model": lambda c, _, model: get_model(c, model),
    "model-version": lambda c, _, model, version: get_training(c, model, version),
    "outcome": OUTCOMES.get,
    "rule": stored_rule,
    "variable": find_variable,
}
_PARTS = {"detector-version": 2, "model": 2, "model-version": 3, "rule": 3}


def require(connection: Connection, resource: str) -> None:
    """Raise `NotFound` unless there is the resource, such as `label/fraud`."""
    kind, *parts = resource.split("/")
    if kind not in _FINDERS or len(parts) != _PARTS.get(kind, 1):
        raise NotFound(f"there is no resource {resource!r}", field="resourceARN")
    try:
        _FINDERS[kind](connection, *parts)
    except InvalidInput as error:  # no name that a resource could have
        raise NotFound(error.message, field="resourceARN") from None
