"""Watching a flow block by block: which way each block came out, and what happened in it.

Flows are watched from inside their blocks, so that the flows of modules and queues, which run
within another block, are seen too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace

from ringfence.flows.block import ANY_ERROR, Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.flow import Flow
from ringfence.flows.laboratory.branches import Branch, branch_taken
from ringfence.flows.running import DEEPEST_MODULE


@dataclass(frozen=True, slots=True)
class Note:
    """Something that happened in a block: `what` (said, key, function ...), told in `text`."""

    at_seconds: float
    what: str
    text: str
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class Step:
    """One run of one block. `branch` is the way it came out, None where the flow ended in it."""

    number: int
    at_seconds: float
    flow: str
    block: Block
    depth: int = 0
    notes: list[Note] = field(default_factory=list)
    result: str = ""
    detail: str = ""
    branch: Branch | None = None
    stuck: str = ""  # what there was no branch for
    forced: bool = False  # it came out as a fault of the scenario wants it

    def note(self, what: str, text: str, data: Mapping[str, object] | None = None) -> None:
        """Keep what happened, at the time of the loop."""
        self.notes.append(Note(asyncio.get_running_loop().time(), what, text, data or {}))


# Asked before a block runs: an error type makes it come out so instead.
Meddle = Callable[[Call, Block], "str | None"]

_current: ContextVar[Step | None] = ContextVar("step", default=None)


class Trace:
    """The steps of one call, in the order in which they began.

    With `meddle`, blocks can be made to fail; `most_steps` ends a call that goes on for ever, by
    raising `EnoughSteps`.
    """

    def __init__(self, meddle: Meddle | None = None, most_steps: int = 20_000):
        self.steps: list[Step] = []
        self.flows: dict[str, Flow] = {}
        self._meddle = meddle
        self._most_steps = most_steps
        self._callers: dict[Call, list[Step]] = {}

    @property
    def current(self) -> Step | None:
        """The step that the running task is in."""
        return _current.get()

    def note(self, what: str, text: str, data: Mapping[str, object] | None = None) -> None:
        """Keep what happened in the step at hand, or in the last one."""
        step = self.current or (self.steps[-1] if self.steps else None)
        if step is not None:
            step.note(what, text, data)

    def watch(self, flow: Flow) -> Flow:
        """The same flow, watched."""
        if flow.name not in self.flows:
            self.flows[flow.name] = replace(
                flow,
                blocks={
                    block_id: replace(block, action=_Watched(block.action.run, self, flow))
                    for block_id, block in flow.blocks.items()
                },
            )
        return self.flows[flow.name]

    async def run(
        self, flow: Flow, call: Call, block: Block, act: Callable[[Call, Block], Awaitable[Outcome]]
    ) -> Outcome:
        """Run a block as one step."""
        if len(self.steps) >= self._most_steps:
            raise EnoughSteps
        outer = _current.get()
        step = Step(
            len(self.steps) + 1,
            asyncio.get_running_loop().time(),
            flow.name,
            block,
            depth=len(self._callers.get(call, ())) + (0 if outer is None else outer.depth + 1),
        )
        self.steps.append(step)
        token = _current.set(step)
        try:
            fault = self._meddle(call, block) if self._meddle is not None else None
            if fault is None:
                outcome = await act(call, block)
            else:
                step.forced = True
                outcome = Outcome(error=fault, result=fault, detail="it was made to fail")
        finally:
            _current.reset(token)
        step.result, step.detail = outcome.result, outcome.detail
        self._follow(step, call, outcome)
        return outcome

    def _follow(self, step: Step, call: Call, outcome: Outcome) -> None:
        """Modules come out of the block that called them, once they return."""
        callers = self._callers.setdefault(call, [])
        if outcome.ends is not None:
            return
        if outcome.flow is not None:
            callers.clear()
        elif outcome.module is not None and len(callers) < DEEPEST_MODULE:
            callers.append(step)
        elif outcome.module is not None:
            self._come_out(step, call, Outcome(error=ANY_ERROR))
        elif not outcome.returns:
            self._come_out(step, call, outcome)
        elif callers:
            self._come_out(callers.pop(), call, outcome)

    def _come_out(self, step: Step, call: Call, outcome: Outcome) -> None:
        step.branch = branch_taken(step.flow, step.block, outcome, call.data())
        if step.branch is None:
            step.stuck = outcome.error or outcome.result or "what happened"


class EnoughSteps(Exception):
    """The call has gone on for longer than it is watched."""


@dataclass(frozen=True, slots=True)
class _Watched:
    act: Callable[[Call, Block], Awaitable[Outcome]]
    trace: Trace
    flow: Flow

    async def run(self, call: Call, block: Block) -> Outcome:
        """See `Action.run`."""
        return await self.trace.run(self.flow, call, block, self.act)
