"""Invoke: run a function and wait for it, or have it run, or see whether it could be."""

from __future__ import annotations

from typing import Any

import msgspec

from ringfence.aws.lambda_.naming import named, not_found, qualified_arn
from ringfence.aws.lambda_.service import Lambda
from ringfence.aws.wire.errors import AwsError
from ringfence.aws.wire.operations import Call, Operations
from ringfence.errors import NotFound

LATEST = "$LATEST"
MOST_BYTES = 6 * 1024 * 1024  # AWS Lambda's
MOST_BYTES_OF_AN_EVENT = 1024 * 1024

operations = Operations()


@operations.add("Invoke")
async def invoke(host: Lambda, call: Call) -> dict[str, Any]:
    """One invocation. That the function failed is an answer: FunctionError says so.

    An invocation of the type Event is not waited for; what comes of it is in the function's log,
    and it is not tried again. Raises ResourceNotFoundException, InvalidRequestContentException for
    what is not JSON, RequestTooLargeException.
    """
    name, kind = named(call), call.members.get("InvocationType", "RequestResponse")
    payload: bytes = call.members.get("Payload") or b"{}"
    _require_json(payload, MOST_BYTES_OF_AN_EVENT if kind == "Event" else MOST_BYTES)
    arn = qualified_arn(call, name)
    try:
        if kind == "DryRun":
            await host.runner.registered(name)
            return {"StatusCode": 204}
        if kind == "Event":
            await host.runner.begin(arn, payload)
            return {"StatusCode": 202}
        answer = await host.runner.run(arn, payload)
    except NotFound:
        raise not_found(call, name) from None
    return {
        "StatusCode": 200,
        "ExecutedVersion": LATEST,
        "FunctionError": "Unhandled" if answer.error is not None else None,
        "LogResult": answer.log_result if call.members.get("LogType") == "Tail" else None,
        "Payload": answer.payload,
    }


def _require_json(payload: bytes, most: int) -> None:
    if len(payload) > most:
        raise AwsError(
            "RequestTooLargeException",
            f"{len(payload)} byte payload is too large for the {most} byte limit",
            413,
        )
    try:
        msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise AwsError(
            "InvalidRequestContentException",
            f"Could not parse request body into json: {type(error).__name__}",
        ) from None
