"""The functions that a flow invokes: AWS Lambda's shapes, without AWS."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

from ringfence.flows.contact import ContactState
from ringfence.flows.references import scalar
from ringfence.flows.system_attributes import system_attributes

MOST_RESPONSE_BYTES = 32_768
STRING_MAP = "STRING_MAP"
JSON = "JSON"

_CONTACT_DATA = (
    "Channel",
    "ContactId",
    "CustomerEndpoint",
    "CustomerId",
    "Description",
    "InitialContactId",
    "InitiationMethod",
    "InstanceARN",
    "LanguageCode",
    "Name",
    "PreviousContactId",
    "Queue",
    "References",
    "SystemEndpoint",
)


class FunctionFailed(Exception):
    """A function cannot be reached, has failed, or has answered something unusable."""


class Functions(Protocol):
    """What a flow can invoke."""

    async def invoke(
        self, arn: str, event: Mapping[str, Any], timeout_seconds: float
    ) -> Mapping[str, Any]:
        """Invoke the function of that ARN or name and return its answer.

        Raises `FunctionFailed`. The flow stops waiting after `timeout_seconds` by itself.
        """
        ...


def function_event(state: ContactState, parameters: Mapping[str, str]) -> dict[str, Any]:
    """The event that a function gets about a contact, as Amazon Connect writes it, key by key.

    What a contact does not have is null, and its references are an empty object. What was entered
    on the telephone is not in it but where a parameter names it. Source: Amazon Connect's
    administrator guide, "Grant Amazon Connect access to your AWS Lambda functions".
    """
    known = system_attributes(state)
    data = {
        "Attributes": dict(state.attributes),
        **{name: known.get(name) for name in _CONTACT_DATA},
        "MediaStreams": {"Customer": {"Audio": None}},
    }
    return {
        "Name": "ContactFlowEvent",
        "Details": {"ContactData": data, "Parameters": dict(parameters)},
    }


def external_results(answer: object, response_type: str) -> dict[str, Any]:
    """`$.External` of a function's answer.

    A STRING_MAP is flat; its numbers and truth values become strings, as the int that AWS's own
    samples return for `statusCode` must not count as a failure. JSON is kept as it is.
    Raises `FunctionFailed` for any other answer and for more than 32,768 bytes.
    """
    if not isinstance(answer, Mapping) or not all(isinstance(key, str) for key in answer):
        raise FunctionFailed("the answer is not an object")
    try:
        size = len(json.dumps(dict(answer), ensure_ascii=False).encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise FunctionFailed(f"the answer is not JSON: {type(error).__name__}") from error
    if size > MOST_RESPONSE_BYTES:
        raise FunctionFailed(f"the answer has {size} bytes, at most {MOST_RESPONSE_BYTES} count")
    if response_type == JSON:
        return dict(answer)
    results = {}
    for key, value in answer.items():
        if value is None:
            continue
        if (text := scalar(value)) is None:
            raise FunctionFailed(f"{key!r} is not a string; a STRING_MAP is flat")
        results[key] = text
    return results
