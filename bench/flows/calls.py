"""Calls that are held side by side: each its own contact, all with the shipped flow."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any

from ringfence.flows import (
    AnsweredBy,
    Contact,
    ContactState,
    Destination,
    Flow,
    FlowEvent,
    FlowEventKind,
    Prompt,
    Recording,
    Reply,
    load_flow,
    run,
    shipped_flows,
)
from ringfence.flows.laboratory.scenario import Scenario
from ringfence.flows.laboratory.virtual_time import virtual_clock

_SPOKEN_SECONDS = 20.0
_THINKS_SECONDS = 1.0
# One confirms the payment, the next has the question repeated before they deny it.
_ANSWERS = ("1", "392")


def shipped_flow() -> Flow:
    """The flow of all calls."""
    return load_flow(shipped_flows()["verify-card-payment"])


class Caller:
    """A far end that costs next to nothing: it hears prompts out and presses its keys."""

    answered_by = AnsweredBy.HUMAN

    def __init__(self, keys: str):
        self._keys = deque(keys)

    async def say(self, prompt: Prompt, *, interruptible: bool) -> None:
        """Listen."""
        await asyncio.sleep(_SPOKEN_SECONDS)

    async def play(self, recording: Recording, *, interruptible: bool) -> None:
        """Listen."""
        await asyncio.sleep(_SPOKEN_SECONDS)

    async def digit(self, timeout_seconds: float) -> str | None:
        """Press the next key, or let the time pass."""
        await asyncio.sleep(_THINKS_SECONDS if self._keys else timeout_seconds)
        return self._keys.popleft() if self._keys else None

    async def reply(self, timeout_seconds: float) -> Reply | None:
        """The same."""
        key = await self.digit(timeout_seconds)
        return None if key is None else Reply(key=key)

    def clear_digits(self) -> None:
        """There are none yet."""

    async def pause(self, seconds: float) -> None:
        """Listen to nothing."""
        await asyncio.sleep(seconds)

    async def connect(self, destination: Destination) -> None:
        """The shipped flow puts nobody through."""
        raise NotImplementedError

    async def hang_up(self) -> None:
        """It is over."""


class Bank:
    """A function that answers at once."""

    async def invoke(
        self, arn: str, event: Mapping[str, Any], timeout_seconds: float
    ) -> Mapping[str, Any]:
        """Block the card."""
        return {"statusCode": 200, "body": "blocked"}


class Calls:
    """Any number of calls with one flow. `blocks` counts the blocks that have run."""

    def __init__(self, flow: Flow):
        self.flow = flow
        self.blocks = 0

    async def observe(self, event: FlowEvent) -> None:
        """Count."""
        self.blocks += event.kind is FlowEventKind.BLOCK

    def start(self, number: int) -> asyncio.Task[Any]:
        """Answer one call."""
        talk = run(
            self.flow,
            ContactState.of(contact(number)),
            Caller(_ANSWERS[number % len(_ANSWERS)]),
            Bank(),
            self.observe,
            clock=virtual_clock(Scenario().starts_at),
        )
        return asyncio.create_task(talk)


def contact(number: int) -> Contact:
    """A contact with the attributes that a case gives it."""
    return Contact(
        contact_id=f"contact-{number}",
        attributes={
            "Bank": "Example Bank",
            "Salutation": "Ms",
            "Name": f"Rojas {number}",
            "CardNo": "4071",
            "AmountSpoken": "4155 euros",
            "Merchant": "Schmidt & Sons",
            "Customer": f"customer-{number}",
            "Reference": "KD7PX",
        },
        customer_number="+15550100001",
        system_number="+15550100000",
        instance_arn="arn:aws:connect:us-east-1:000000000000:instance/bench",
    )
