"""Running a flow: block after block, until it ends or the far end hangs up."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime

from ringfence.flows.call import Call, Contact
from ringfence.flows.events import EndReason, FlowEventKind, Observe
from ringfence.flows.flow import Flow
from ringfence.flows.functions import Functions
from ringfence.flows.participant import HungUp, Participant

MOST_STEPS = 1000  # against a flow that goes round for ever without asking anything


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def roll_percent() -> int:
    """A random whole number from 1 to 100."""
    return secrets.randbelow(100) + 1


async def run(
    flow: Flow,
    contact: Contact,
    participant: Participant,
    functions: Functions,
    observe: Observe,
    *,
    clock: Callable[[], datetime] = utc_now,
    roll: Callable[[], int] = roll_percent,
) -> None:
    """Hold the conversation that `flow` describes; return when it is over.

    `observe` is awaited for every event before the flow goes on; the last one is ENDED. What it
    raises ends the flow. `clock` gives aware UTC times, `roll` a number from 1 to 100 for blocks
    that distribute calls. The flow hangs up itself where it says so or knows no way on; after
    1,000 blocks it does too.
    Raises `HungUp`, after the ENDED event, when the far end hung up.
    """
    call = Call(flow.name, contact, participant, functions, observe, clock, roll)
    try:
        await _walk(flow, call)
    finally:
        call.abandon()


async def _walk(flow: Flow, call: Call) -> None:
    block = flow.blocks[flow.start]
    for _ in range(MOST_STEPS):
        try:
            outcome = await block.action.run(call, block)
        except HungUp:
            await call.ended(block, EndReason.CUSTOMER_DISCONNECT)
            raise
        condition = None
        if outcome.error is None:
            condition = block.transitions.matching(outcome.value, call.data())
        if outcome.key is not None:
            # The answer is on record before anything follows from it.
            await call.report(
                FlowEventKind.INPUT, block, result=outcome.key, matched=condition is not None
            )
        await call.report(
            FlowEventKind.BLOCK,
            block,
            parameters=outcome.parameters,
            result=outcome.result,
            matched=condition is not None,
            external_results=outcome.external_results,
            detail=outcome.detail,
        )
        if outcome.ends is not None:
            await call.ended(block, outcome.ends)
            return
        next_id = block.after(outcome, condition)
        if next_id is None:
            await call.participant.hang_up()
            await call.ended(
                block,
                EndReason.CONTACT_FLOW_DISCONNECT,
                f"no branch for {outcome.error or outcome.result or 'what happened'}",
            )
            return
        block = flow.blocks[next_id]
    await call.participant.hang_up()
    await call.ended(
        block, EndReason.CONTACT_FLOW_DISCONNECT, f"the flow did not end within {MOST_STEPS} blocks"
    )
