"""Outcomes: the names of what rules conclude."""

from __future__ import annotations

from typing import Any

from ringfence.aws.frauddetector.named import get_named, put_named
from ringfence.aws.frauddetector.operations import Call, Operations
from ringfence.aws.frauddetector.service import FraudDetector
from ringfence.aws.frauddetector.tags import forget_tags
from ringfence.cases import list_plans
from ringfence.detectors import usage
from ringfence.detectors.outcomes import OUTCOMES
from ringfence.errors import Conflict

operations = Operations()


@operations.add("PutOutcome")
def put_outcome(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Create an outcome, or describe it anew."""
    put_named(service, call, OUTCOMES, "outcome")
    return {}


@operations.add("GetOutcomes")
def get_outcomes(service: FraudDetector, call: Call) -> dict[str, Any]:
    """One outcome, or a page of all."""
    answer = get_named(service, call, OUTCOMES, "outcome", member="outcomes", default=100)
    # Clients read the description of an outcome without looking whether it has one.
    return {
        **answer,
        "outcomes": [
            {**one, "description": one["description"] or ""} for one in answer["outcomes"]
        ],
    }


@operations.add("DeleteOutcome")
def delete_outcome(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Delete an outcome that no rule version concludes and by which nobody is called; one that is
    not there is no error."""
    name = call.members["name"]
    with service.write() as connection:
        for plan in list_plans(connection):
            if name in plan.outcomes:
                raise Conflict(
                    f"outcome {name!r} is used by contact plan {plan.name!r}",
                    field="name",
                    expected="an outcome of no contact plan",
                )
        usage.delete_outcome(connection, name)
        forget_tags(connection, f"outcome/{name}")
    return {}
