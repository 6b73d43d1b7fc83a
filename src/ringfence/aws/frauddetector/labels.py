"""Labels: the words for what an event turned out to be."""

from __future__ import annotations

from typing import Any

from ringfence.aws.frauddetector.named import get_named, put_named
from ringfence.aws.frauddetector.operations import Call, Operations
from ringfence.aws.frauddetector.service import FraudDetector
from ringfence.aws.frauddetector.tags import forget_tags
from ringfence.events import usage
from ringfence.events.names import LABELS

operations = Operations()


@operations.add("PutLabel")
def put_label(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Create a label, or describe it anew."""
    put_named(service, call, LABELS, "label")
    return {}


@operations.add("GetLabels")
def get_labels(service: FraudDetector, call: Call) -> dict[str, Any]:
    """One label, or a page of all."""
    return get_named(service, call, LABELS, "label", member="labels", default=50)


@operations.add("DeleteLabel")
def delete_label(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Delete a label that no event type and no event has; one that is not there is no error."""
    name = call.members["name"]
    with service.write() as connection:
        usage.delete_label(connection, name)
        forget_tags(connection, f"label/{name}")
    return {}
