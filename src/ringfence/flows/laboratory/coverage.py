"""What of a flow was tried out: every branch of every block, and where calls got stuck."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ringfence.flows.flow import Flow
from ringfence.flows.laboratory.branches import Branch, branches_of
from ringfence.flows.laboratory.tracing import Step


@dataclass(frozen=True, slots=True)
class Stuck:
    """A block that came out in a way for which it has no branch: the call is hung up there."""

    flow: str
    block_id: str
    what: str


@dataclass(slots=True)
class Coverage:
    """The branches taken, the blocks run and the dead ends met, over any number of calls.

    Only flows that were entered count; the branches of the others are not known.
    """

    flows: dict[str, Flow] = field(default_factory=dict)
    taken: Counter[Branch] = field(default_factory=Counter)
    run: Counter[tuple[str, str]] = field(default_factory=Counter)
    stuck: Counter[Stuck] = field(default_factory=Counter)

    def add(self, steps: Iterable[Step], flows: Iterable[Flow]) -> None:
        """Count one call."""
        for flow in flows:
            self.flows.setdefault(flow.name, flow)
        for step in steps:
            self.run[step.flow, step.block.block_id] += 1
            if step.branch is not None:
                self.taken[step.branch] += 1
            elif step.stuck:
                self.stuck[Stuck(step.flow, step.block.block_id, step.stuck)] += 1

    @property
    def branches(self) -> tuple[Branch, ...]:
        """All branches that there are."""
        return tuple(
            branch
            for flow in self.flows.values()
            for block in flow.blocks.values()
            for branch in branches_of(flow, block)
        )

    @property
    def never_taken(self) -> tuple[Branch, ...]:
        """The branches that no call has taken."""
        return tuple(branch for branch in self.branches if branch not in self.taken)

    @property
    def never_run(self) -> tuple[tuple[str, str], ...]:
        """Flow and id of the blocks that no call came to."""
        return tuple(
            (flow.name, block_id)
            for flow in self.flows.values()
            for block_id in flow.blocks
            if (flow.name, block_id) not in self.run
        )

    @property
    def share(self) -> float:
        """The share of branches that were taken, 0-1; 1 of a flow without any."""
        branches = self.branches
        return 1.0 if not branches else 1.0 - len(self.never_taken) / len(branches)


def unreachable(flow: Flow) -> tuple[str, ...]:
    """Ids of blocks that no way leads to."""
    return tuple(
        block_id for block_id in flow.blocks if block_id not in reachable_from(flow)[flow.start]
    )


def endless(flow: Flow) -> tuple[str, ...]:
    """Ids of blocks from which the flow can only go round until the far end hangs up.

    The flow of a queue is like that on purpose.
    """
    reach = reachable_from(flow)
    ends = {
        block_id
        for block_id, block in flow.blocks.items()
        if not branches_of(flow, block) or block.type.startswith(_LEAVING)
    }
    return tuple(
        block_id
        for block_id in flow.blocks
        if block_id in reach[flow.start] and not reach[block_id] & ends
    )


# Blocks that leave their flow other than by a branch, where they succeed.
_LEAVING = ("Transfer", "Dequeue", "Disconnect", "End", "CompleteOutboundCall")


def reachable_from(flow: Flow) -> Mapping[str, frozenset[str]]:
    """By block id, the ids of that block and of all that can follow it."""
    following = {
        block_id: {branch.next_id for branch in branches_of(flow, block)}
        for block_id, block in flow.blocks.items()
    }
    found = {}
    for block_id in flow.blocks:
        reached, ahead = {block_id}, [block_id]
        while ahead:
            new = following[ahead.pop()] - reached
            reached |= new
            ahead.extend(new)
        found[block_id] = frozenset(reached)
    return found
