"""Contact flows of tests, written in Amazon Connect's Flow language."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def block(
    identifier: str,
    kind: str,
    following: str,
    keys: Mapping[str, str] | None = None,
    **parameters: str,
) -> dict[str, Any]:
    """A block that goes on to `following`; a menu goes on by `keys`, and else there too."""
    errors = ("NoMatchingError", "NoMatchingCondition", "InputTimeLimitExceeded")
    return {
        "Identifier": identifier,
        "Type": kind,
        "Parameters": parameters,
        "Transitions": {
            "NextAction": following,
            "Errors": [
                {"NextAction": following, "ErrorType": error}
                for error in errors[: 1 if keys is None else 3]
            ],
            "Conditions": [
                {"NextAction": target, "Condition": {"Operator": "Equals", "Operands": [key]}}
                for key, target in (keys or {}).items()
            ],
        },
    }


def flow_text(*blocks: dict[str, Any], **more: object) -> str:
    """A flow that begins with the first of these blocks; `end` hangs up."""
    end = {
        "Identifier": "end",
        "Type": "DisconnectParticipant",
        "Parameters": {},
        "Transitions": {},
    }
    start = blocks[0]["Identifier"]
    document = {"Version": "2019-10-30", "StartAction": start, "Actions": [*blocks, end]}
    return json.dumps(document | more)


def hands_over(text: str, queue: str, **more: object) -> str:
    """A flow that speaks, and hands the caller to a queue."""
    return flow_text(
        block("hello", "MessageParticipant", "to", Text=text),
        block("to", "UpdateContactTargetQueue", "end", QueueId=queue),
        **more,
    )
