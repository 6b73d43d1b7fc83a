"""From the text of a flow to a flow that can run, or to everything that is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ringfence.flows.block import ANY_ERROR, Block, Outcome, Transitions
from ringfence.flows.call import Call
from ringfence.flows.conditions import OPERATORS, Condition
from ringfence.flows.flow import Flow
from ringfence.flows.instance import Wanted
from ringfence.flows.kinds import NEXT, BlockKind, equals
from ringfence.flows.parameters import Parameters
from ringfence.flows.problems import FlowInvalid, Problem
from ringfence.flows.references import template
from ringfence.flows.sources import Source, Step, read_source

_KEYS = frozenset("0123456789*#")


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A block of a draft that was saved before it was finished."""

    problems: tuple[str, ...]

    async def run(self, call: Call, block: Block) -> Outcome:
        """Take the error branch, if there is one."""
        return Outcome(error=ANY_ERROR, result="Error", detail="; ".join(self.problems))


def load_flow(content: str) -> Flow:
    """The flow in `content`: an export of Amazon Connect, in either format.

    Raises `FlowInvalid` with every problem: text that is no flow, a block of an unknown type (never
    skipped), a duplicate id, a transition to no block, a missing start, a parameter that is missing
    or of the wrong type, a branch that must be there and is not. What is unfinished about a block
    that nothing leads to is a notice: drafts are full of such blocks, and none of them ever runs.
    So is what is unfinished in a file that says of itself that it was saved, and not published: its
    block takes its error branch, and a call that has no way on is over.
    """
    return load_source(read_source(content))


def load_source(source: Source) -> Flow:
    """The flow of a file that was read; see `load_flow`."""
    problems = [*_whole(source)]
    blocks: dict[str, Block] = {}
    resources: list[tuple[str, Wanted]] = []
    notices: list[Problem] = []
    ids = frozenset(step.block_id for step in source.steps)
    reached = _reached(source, ids)
    for step in source.steps:
        wanted: list[Wanted] = []
        wrong, lacking, loose = _structure(step, ids), list[str](), list[str]()
        block = _block(step, lacking, loose, wanted)
        unfinished = lacking + loose
        resources += ((step.block_id, each) for each in wanted)
        problems += (step.problem(message) for message in wrong)
        if step.block_id in reached and unfinished and source.saved:
            notices.append(step.problem(f"it was not finished: {'; '.join(unfinished)}"))
            if block is not None and lacking:
                block = replace(block, action=Unfinished(tuple(unfinished)))
        elif step.block_id in reached:
            problems += (step.problem(message) for message in unfinished)
        elif unfinished:
            message = f"nothing leads to it, so that it never runs: {'; '.join(unfinished)}"
            notices.append(step.problem(message))
        if block is not None:
            blocks[step.block_id] = block
        if step.kind is not None and step.kind.notice:
            notices.append(step.problem(step.kind.notice))
    if problems or source.start is None:
        raise FlowInvalid(tuple(problems))
    return Flow(
        source.name,
        source.format,
        source.start,
        blocks,
        type=source.type,
        resources=tuple(dict.fromkeys(resources)),
        notices=tuple(notices),
    )


def _whole(source: Source) -> Iterable[Problem]:
    ids = Counter(step.block_id for step in source.steps)
    if not source.steps:
        yield Problem("", "", "there is no block in it")
    if source.start is None:
        yield Problem("", "", "there is no start")
    elif source.start not in ids:
        yield Problem("", "", f"it starts at {source.start!r}, and there is no such block")
    for step in source.steps:
        if ids[step.block_id] > 1 and step.block_id:
            message = f"the id is that of {ids[step.block_id]} blocks"
            ids[step.block_id] = 0
            yield step.problem(message)


def _reached(source: Source, ids: frozenset[str]) -> frozenset[str]:
    """The blocks that a call may come to; all of them where it cannot be told."""
    if source.start not in ids:
        return ids
    ways: dict[str, list[str]] = {}
    for step in source.steps:
        ways.setdefault(step.block_id, []).extend(way.next_id for way in step.ways)
    reached: set[str] = set()
    ahead = [source.start]
    while ahead:
        block_id = ahead.pop()
        if block_id is not None and block_id not in reached:
            reached.add(block_id)
            ahead += ways.get(block_id, ())
    return frozenset(reached)


def _structure(step: Step, ids: frozenset[str]) -> list[str]:
    """What is wrong whether the block ever runs or not."""
    wrong = list(step.problems)
    if not step.block_id:
        wrong.append("a block has no id")
    for way in step.ways:
        if way.next_id not in ids:
            label = step.named(way.branch) if way.branch else f"{way.operator} {way.operand}"
            wrong.append(f"the branch {label} leads to {way.next_id!r}, and there is no such block")
    if step.kind is None:
        if not step.source_type:
            wrong.append("the block has no type")
        else:
            target = f" (target {step.target})" if step.target else ""
            wrong.append(f"the block type {step.source_type}{target} is not known here")
    return wrong


def _block(step: Step, wrong: list[str], loose: list[str], wanted: list[Wanted]) -> Block | None:
    if step.kind is None:
        return None
    parameters = Parameters(step.parameters, wrong, labels=step.labels, resources=wanted)
    action = step.kind.read(parameters)
    transitions = _transitions(step, step.kind, wrong, loose)
    return Block(
        block_id=step.block_id,
        type=step.kind.type,
        source_type=step.source_type,
        log_type=step.kind.log_type,
        transitions=transitions,
        action=action,
        forgives=step.kind.forgives,
    )


def _transitions(step: Step, kind: BlockKind, wrong: list[str], loose: list[str]) -> Transitions:
    """Where a block leads; `loose` gets the branches that must be there and are not."""
    next_id = None
    conditions = []
    errors: dict[str, str] = {}
    there = set()
    for way in step.ways:
        if way.branch == NEXT:
            next_id = way.next_id
        elif way.branch:
            errors.setdefault(way.branch, way.next_id)
        elif way.operator not in OPERATORS:
            wrong.append(f"the operator {way.operator!r} of a condition is not known")
        elif kind.keys_only and not _one_key(way.operator, way.operand):
            wrong.append(f"the condition {way.operator} {way.operand!r} is not about one key")
        else:
            conditions.append(Condition(way.operator, template(way.operand), way.next_id))
        there.add(way.branch or (equals(way.operand) if way.operator == "Equals" else ""))
    for alternatives in step.required or kind.required:
        if not there.intersection(alternatives):
            names = " or ".join(dict.fromkeys(step.named(name) for name in alternatives))
            loose.append(f"the branch {names} is missing")
    return Transitions(next_id, tuple(conditions), errors)


def _one_key(operator: str, operand: str) -> bool:
    return operator == "Equals" and operand in _KEYS
