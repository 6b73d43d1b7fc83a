"""Running a flow: block after block, through other flows and modules, until the call is over."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ringfence.flows.block import ANY_ERROR, Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.conditions import Condition
from ringfence.flows.contact import ContactState
from ringfence.flows.events import EndReason, FlowEventKind, Observe
from ringfence.flows.flow import Flow
from ringfence.flows.functions import Functions
from ringfence.flows.instance import Instance
from ringfence.flows.participant import HungUp, Participant
from ringfence.flows.unbound import Unbound

MOST_STEPS_ALONE = 1000  # against a flow that goes round for ever without the far end
MOST_STEPS = 20_000  # against one that goes round with a far end that never hangs up
DEEPEST_MODULE = 5  # Amazon Connect's limit


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def roll_percent() -> int:
    """A random whole number from 1 to 100."""
    return secrets.randbelow(100) + 1


async def run(
    flow: Flow,
    state: ContactState,
    participant: Participant,
    functions: Functions,
    observe: Observe,
    *,
    instance: Instance | None = None,
    clock: Callable[[], datetime] = utc_now,
    roll: Callable[[], int] = roll_percent,
) -> EndReason:
    """Hold the conversation that `flow` describes; return why it is over.

    `observe` is awaited for every event before the flow goes on; the last one is ENDED. What it
    raises ends the flow. Without an `instance`, nothing is bound that the flow names. `clock` gives
    aware UTC times, `roll` a number from 1 to 100 for blocks that distribute calls. The flow hangs
    up itself where it says so or knows no way on; after 1,000 blocks without the far end it does
    too. Raises `HungUp`, after the ENDED event, when the far end hung up.
    """
    around = instance or Unbound()
    call = Call(flow, state, participant, functions, around, observe, clock, roll)
    try:
        walk = Walk(call)
        try:
            reason, detail = await walk.to_the_end()
        except HungUp:
            await call.ended(walk.block, EndReason.CUSTOMER_DISCONNECT)
            raise
        if reason not in (EndReason.FLOW_ENDED, EndReason.DEQUEUED):
            await participant.hang_up()
        await call.ended(walk.block, reason, detail)
        return reason
    finally:
        call.abandon()


@dataclass(slots=True)
class _Caller:
    """Where a flow module was called from, and what its flow knew."""

    flow: Flow
    block: Block
    flow_attributes: dict[str, str] = field(default_factory=dict)
    loops: dict[str, int] = field(default_factory=dict)


class Walk:
    """The way of one call through its blocks. `block` is where it stands."""

    def __init__(self, call: Call):
        self.call = call
        self.block = call.flow.blocks[call.flow.start]
        self._callers: list[_Caller] = []

    async def to_the_end(self) -> tuple[EndReason, str]:
        """Why it ended, and a word for an operator. Does not hang up. Raises `HungUp`."""
        call = self.call
        for _ in range(MOST_STEPS):
            call.steps_alone += 1
            if call.steps_alone > MOST_STEPS_ALONE:
                break
            ended = await self._step()
            if ended is not None:
                return ended
        return (
            EndReason.CONTACT_FLOW_DISCONNECT,
            f"the flow goes round without an end: {MOST_STEPS_ALONE} blocks without the far end, "
            f"or {MOST_STEPS} in all",
        )

    async def _step(self) -> tuple[EndReason, str] | None:
        """Run the block; None when there is one to go on with."""
        call, block = self.call, self.block
        outcome = await block.action.run(call, block)
        if outcome.module is not None and len(self._callers) >= DEEPEST_MODULE:
            detail = f"flow modules are nested deeper than {DEEPEST_MODULE}"
            outcome = Outcome(error=ANY_ERROR, parameters=outcome.parameters, detail=detail)
        condition = self._matching(outcome)
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
            return outcome.ends, outcome.detail
        if outcome.flow is not None:
            self._callers.clear()
            self._enter(outcome.flow)
            return None
        if outcome.module is not None:
            self._callers.append(_Caller(call.flow, block, call.flow_attributes, call.loops))
            external = call.external
            self._enter(outcome.module)
            call.external = external
            return None
        if outcome.returns:
            if not self._callers:
                return EndReason.FLOW_ENDED, ""
            self._leave_module()
            condition = self._matching(outcome)
        return self._follow(outcome, condition)

    def _matching(self, outcome: Outcome) -> Condition | None:
        if outcome.error is not None:
            return None
        return self.block.transitions.matching(outcome.value, self.call.data())

    def _enter(self, flow: Flow) -> None:
        self.call.enter(flow)
        self.block = flow.blocks[flow.start]

    def _leave_module(self) -> None:
        caller = self._callers.pop()
        self.call.flow = caller.flow
        self.call.flow_attributes = caller.flow_attributes
        self.call.loops = caller.loops
        self.block = caller.block

    def _follow(
        self, outcome: Outcome, condition: Condition | None
    ) -> tuple[EndReason, str] | None:
        next_id = self.block.after(outcome, condition)
        if next_id is None:
            what = outcome.error or outcome.result or "what happened"
            return EndReason.CONTACT_FLOW_DISCONNECT, f"no branch for {what}"
        self.block = self.call.flow.blocks[next_id]
        return None
