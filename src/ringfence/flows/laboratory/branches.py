"""The branches of blocks: which there are, and which one an outcome takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ringfence.flows.block import ANY_ERROR, NO_CONDITION, Block, Outcome
from ringfence.flows.blocks.loop import CONTINUE, DONE
from ringfence.flows.flow import Flow
from ringfence.flows.kinds import NEXT
from ringfence.flows.references import Template


@dataclass(frozen=True, slots=True)
class Branch:
    """One way out of a block: `label` is `NextAction`, an error type, or operator and operand."""

    flow: str
    block_id: str
    label: str
    next_id: str

    def __str__(self) -> str:
        return f"{self.block_id} / {self.label}"


# Conditions of which one always holds: what is written for the case that none does is never taken.
_EXHAUSTIVE = (
    {f"Equals {CONTINUE}", f"Equals {DONE}"},
    {"Equals True", "Equals False"},
)


def branches_of(flow: Flow, block: Block) -> tuple[Branch, ...]:
    """All branches that the block can take, in the order of the flow's file."""
    return tuple(
        Branch(flow.name, block.block_id, label, next_id)
        for label, next_id in dict(_ways(block)).items()
    )


def _ways(block: Block) -> Iterator[tuple[str, str]]:
    ways = block.transitions
    labels = []
    for condition in ways.conditions:
        labels.append(condition_label(condition.operator, condition.operand))
        yield labels[-1], condition.next_id
    exhaustive = any(each.issubset(labels) for each in _EXHAUSTIVE)
    for error, next_id in ways.errors.items():
        if error != NO_CONDITION or not exhaustive:
            yield error, next_id
    # Behind conditions, the designer writes the branch of no condition twice.
    if ways.next_id is not None and not (
        ways.conditions and (NO_CONDITION in ways.errors or exhaustive)
    ):
        yield NEXT, ways.next_id


def branch_taken(
    flow: str, block: Block, outcome: Outcome, data: Mapping[str, object]
) -> Branch | None:
    """The branch by which the block comes out so, None where there is none."""
    label = _label_taken(block, outcome, data)
    if label is None:
        return None
    return Branch(flow, block.block_id, label[0], label[1])


def _label_taken(
    block: Block, outcome: Outcome, data: Mapping[str, object]
) -> tuple[str, str] | None:
    ways = block.transitions
    onwards = None if ways.next_id is None else (NEXT, ways.next_id)
    if outcome.error is not None:
        for error in (outcome.error, ANY_ERROR):
            if error in ways.errors:
                return error, ways.errors[error]
        return onwards if block.forgives else None
    condition = ways.matching(outcome.value, data)
    if condition is not None:
        return condition_label(condition.operator, condition.operand), condition.next_id
    if (ways.conditions or ways.next_id is None) and NO_CONDITION in ways.errors:
        return NO_CONDITION, ways.errors[NO_CONDITION]
    return onwards


def condition_label(operator: str, operand: Template) -> str:
    """How a condition is written: `Equals 1`."""
    return f"{operator} {written(operand)}"


def written(text: Template) -> str:
    """A text as it stands in the flow, with its references."""
    return "".join(
        part if isinstance(part, str) else "$" + "".join(part.written) for part in text.parts
    )
