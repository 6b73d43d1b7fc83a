"""Amazon Resource Names of Fraud Detector's resources."""

from __future__ import annotations

from ringfence.aws.wire.operations import Call
from ringfence.errors import NotFound


def arn(call: Call, resource: str) -> str:
    """The ARN of a resource such as `label/fraud`, in the region that the client speaks to."""
    return f"arn:aws:frauddetector:{call.region}:{call.account}:{resource}"


def resource_of(name: str) -> str:
    """The part of an ARN that names the resource. Raises `NotFound` for an ARN of none."""
    resource = name.split(":", 5)[-1]
    if "/" not in resource:
        raise NotFound(f"there is no resource {name}", field="resourceARN")
    return resource
