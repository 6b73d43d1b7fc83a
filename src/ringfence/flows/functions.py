"""The functions that a flow invokes: AWS Lambda's shapes, without AWS."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from ringfence.flows.references import scalar

if TYPE_CHECKING:
    from ringfence.flows.call import Call

MOST_RESPONSE_BYTES = 32_768
STRING_MAP = "STRING_MAP"
JSON = "JSON"


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


def function_event(call: Call, parameters: Mapping[str, str]) -> dict[str, Any]:
    """The event a function gets from an outbound call: Amazon Connect's, key by key."""
    contact = call.contact
    return {
        "Name": "ContactFlowEvent",
        "Details": {
            "ContactData": {
                "Attributes": dict(call.attributes),
                "Channel": "VOICE",
                "ContactId": contact.contact_id,
                "CustomerEndpoint": _endpoint(contact.customer_number),
                "CustomerId": None,
                "Description": None,
                "InitialContactId": contact.contact_id,
                "InitiationMethod": "API",
                "InstanceARN": contact.instance_arn,
                "LanguageCode": contact.language,
                "MediaStreams": {"Customer": {"Audio": None}},
                "Name": None,
                "PreviousContactId": contact.contact_id,
                "Queue": None,
                "References": {},
                "SystemEndpoint": _endpoint(contact.system_number),
            },
            "Parameters": dict(parameters),
        },
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


def _endpoint(number: str) -> dict[str, str]:
    return {"Address": number, "Type": "TELEPHONE_NUMBER"}
