"""A call for trying out a flow on a line: it says everything, and acts on nothing."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from ringfence.cases.functions import TestCallFunctions
from ringfence.flows import Contact, ContactState, Flow, FlowEvent, Participant, run
from ringfence.lines import CallEvent, CallRequest, CallResult, Line
from ringfence.storage import now

INSTANCE_ARN = "arn:aws:connect:us-east-1:000000000000:instance/test-calls"

# What the shipped flows say when nothing else is given.
EXAMPLE_ATTRIBUTES = {
    "Salutation": "Mrs",
    "Name": "Example",
    "Customer": "test-call",
    "CardNo": "8788",
    "Bank": "your bank",
    "Reference": "T3ST",
    "ReferenceSpelled": "T, 3, S, T",
    "Amount": "41.55",
    "Currency": "EUR",
    "AmountSpoken": "EUR 41.55",
    "Merchant": "Corner Bakery",
}


class TestCall(msgspec.Struct, frozen=True, kw_only=True):
    """A test call that is over."""

    call_id: str
    result: CallResult
    events: tuple[CallEvent, ...]


async def place_test_call(
    line: Line,
    flow: Flow,
    to_number: str,
    *,
    from_number: str,
    caller_name: str,
    attributes: Mapping[str, str],
    language: str = "en-US",
    ring_timeout_seconds: float = 30.0,
    heard: Callable[[CallEvent], Awaitable[None]] | None = None,
) -> TestCall:
    """Ring `to_number` and run `flow`; returns when the call is over."""
    call_id = f"test_{secrets.token_hex(8)}"
    events: list[CallEvent] = []
    spoken = {**EXAMPLE_ATTRIBUTES, **attributes}

    async def report(event: CallEvent) -> None:
        events.append(event)
        if heard is not None:
            await heard(event)

    async def observe(_event: FlowEvent) -> None:
        """A test call leaves no verdict."""

    async def conversation(participant: Participant) -> None:
        await run(
            flow,
            ContactState.of(
                Contact(
                    contact_id=call_id,
                    attributes=spoken,
                    customer_number=to_number,
                    system_number=from_number,
                    instance_arn=INSTANCE_ARN,
                    language=language,
                )
            ),
            participant,
            TestCallFunctions(),
            observe,
            clock=now,
        )

    result = await line.call(
        CallRequest(
            call_id=call_id,
            to_number=to_number,
            from_number=from_number,
            caller_name=caller_name,
            ring_timeout_seconds=ring_timeout_seconds,
            language=language,
            flow_name=flow.name,
            attributes=spoken,
        ),
        conversation,
        report,
    )
    return TestCall(call_id=call_id, result=result, events=tuple(events))
