"""A block of a flow, ready to run: the same for both formats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from ringfence.flows.conditions import Condition
from ringfence.flows.events import EndReason

if TYPE_CHECKING:
    from ringfence.flows.call import Call
    from ringfence.flows.flow import Flow

ANY_ERROR = "NoMatchingError"
NO_CONDITION = "NoMatchingCondition"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a block came out.

    `value` is what the conditions are about (None: nothing, which no condition matches); `error`
    is an error type, whose branch is taken instead. `ends` ends the conversation, `flow` goes on
    at the start of another flow, `module` runs a flow module and comes back to this block's
    branches, `returns` ends such a module, which comes out with `value`. `key` is the key that was
    pressed in a menu. `result`, `parameters` and `external_results` are for the log.
    """

    value: str | None = None
    error: str | None = None
    ends: EndReason | None = None
    flow: Flow | None = None
    module: Flow | None = None
    returns: bool = False
    key: str | None = None
    result: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    external_results: Mapping[str, str] = field(default_factory=dict)
    detail: str = ""


class Action(Protocol):
    """What a block does, with its parameters parsed."""

    async def run(self, call: Call, block: Block) -> Outcome:
        """Do it. Raises `HungUp`."""
        ...


@dataclass(frozen=True, slots=True)
class Transitions:
    """Where a block leads. Ids of blocks that exist."""

    next_id: str | None = None
    conditions: tuple[Condition, ...] = ()
    errors: Mapping[str, str] = field(default_factory=dict)

    def matching(self, value: str | None, data: Mapping[str, object]) -> Condition | None:
        """The first condition that holds for `value`."""
        if value is None:
            return None
        return next((each for each in self.conditions if each.holds(value, data)), None)


@dataclass(frozen=True, slots=True)
class Block:
    """One step. `source_type` is the type in the flow's file, `type` the one of the newer format.

    With `forgives`, an error without a branch of its own goes on as if nothing had happened:
    older blocks have no error branch.
    """

    block_id: str
    type: str
    source_type: str
    log_type: str
    transitions: Transitions
    action: Action
    forgives: bool = False

    def after(self, outcome: Outcome, condition: Condition | None) -> str | None:
        """The id of the block that follows, None where there is no way on."""
        ways = self.transitions
        if outcome.error is not None:
            way = ways.errors.get(outcome.error) or ways.errors.get(ANY_ERROR)
            return way or (ways.next_id if self.forgives else None)
        if condition is not None:
            return condition.next_id
        if ways.conditions or ways.next_id is None:
            return ways.errors.get(NO_CONDITION) or ways.next_id
        return ways.next_id
