"""What a kind of block declares about itself; each file in `blocks` declares one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ringfence.flows.block import ANY_ERROR, NO_CONDITION, Action
from ringfence.flows.comparisons import Comparison
from ringfence.flows.modules import Entry, LegacyParameters
from ringfence.flows.parameters import Parameters

NEXT = "NextAction"
TIMEOUT = "InputTimeLimitExceeded"

_BRANCHES = {"Success": NEXT, "Error": ANY_ERROR, "NoMatch": NO_CONDITION, "Timeout": TIMEOUT}


def equals(operand: str) -> str:
    """The name of the branch whose condition is that the result equals `operand`."""
    return f"Equals {operand}"


@dataclass(frozen=True, slots=True)
class LegacyForm:
    """The same block in the older format.

    `parameters` gives the newer format's parameters, `entries` those of this format from the newer
    one's (see `modules` for what they are made with); without it a block cannot be written in this
    format. `branches` says which branch of the newer format a condition is; `operator` replaces
    the operator of `Evaluate` branches, `comparisons` are conditions beside these that compare
    something of their own; `required` is what this format requires instead.
    """

    type: str
    target: str | None = None
    parameters: Callable[[LegacyParameters], dict[str, object]] = lambda _: {}
    entries: Callable[[Mapping[str, object]], list[Entry]] | None = None
    branches: Mapping[str, str] = field(default_factory=dict)
    operator: str | None = None
    comparisons: Mapping[str, Comparison] = field(default_factory=dict)
    required: tuple[tuple[str, ...], ...] = ()

    def branch(self, condition: str) -> str:
        """Of the newer format: `NextAction`, an error type, or a condition such as `Equals x`."""
        return self.branches.get(condition) or _BRANCHES.get(condition, condition)

    def named(self, branch: str) -> str:
        """The older format's name of a branch of the newer one."""
        for condition, each in (*self.branches.items(), *_BRANCHES.items()):
            if each == branch:
                return condition
        return branch


@dataclass(frozen=True, slots=True)
class BlockKind:
    """One kind of block.

    `type` is its name in the Flow language, `log_type` the name in flow logs. `read` parses the
    parameters and notes problems. `required` has the branches there must be, each as alternatives
    of which one is enough. `forgives`: see `Block`. Where two kinds share a type, `chosen_by`
    tells from the parameters which one is meant. `notice` is what an import says of such a block
    that cannot do here what it is for.
    """

    type: str
    log_type: str
    read: Callable[[Parameters], Action]
    legacy: LegacyForm | None = None
    required: tuple[tuple[str, ...], ...] = ()
    forgives: bool = False
    keys_only: bool = False  # conditions compare with one key
    chosen_by: Callable[[Mapping[str, object]], bool] = lambda _: True
    notice: str = ""
