"""From the text of a flow to a flow that can run, or to everything that is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ringfence.flows.block import Block, Transitions
from ringfence.flows.conditions import OPERATORS, Condition
from ringfence.flows.flow import Flow
from ringfence.flows.instance import Wanted
from ringfence.flows.kinds import NEXT, BlockKind, equals
from ringfence.flows.parameters import Parameters
from ringfence.flows.problems import FlowInvalid, Problem
from ringfence.flows.references import template
from ringfence.flows.sources import Source, Step, read_source

_KEYS = frozenset("0123456789*#")


def load_flow(content: str) -> Flow:
    """The flow in `content`: an export of Amazon Connect, in either format.

    Raises `FlowInvalid` with every problem: text that is no flow, a block of an unknown type (never
    skipped), a duplicate id, a transition to no block, a missing start, a parameter that is missing
    or of the wrong type, a branch that must be there and is not.
    """
    return load_source(read_source(content))


def load_source(source: Source) -> Flow:
    """The flow of a file that was read; see `load_flow`."""
    problems = [*_whole(source)]
    blocks: dict[str, Block] = {}
    resources: list[tuple[str, Wanted]] = []
    notices: list[Problem] = []
    ids = frozenset(step.block_id for step in source.steps)
    for step in source.steps:
        wanted: list[Wanted] = []
        block, wrong = _block(step, ids, wanted)
        resources += ((step.block_id, each) for each in wanted)
        problems += (step.problem(message) for message in wrong)
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


def _block(step: Step, ids: frozenset[str], wanted: list[Wanted]) -> tuple[Block | None, list[str]]:
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
        return None, wrong
    parameters = Parameters(step.parameters, wrong, labels=step.labels, resources=wanted)
    action = step.kind.read(parameters)
    transitions = _transitions(step, step.kind, wrong)
    return (
        Block(
            block_id=step.block_id,
            type=step.kind.type,
            source_type=step.source_type,
            log_type=step.kind.log_type,
            transitions=transitions,
            action=action,
            forgives=step.kind.forgives,
        ),
        wrong,
    )


def _transitions(step: Step, kind: BlockKind, wrong: list[str]) -> Transitions:
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
            wrong.append(f"the branch {names} is missing")
    return Transitions(next_id, tuple(conditions), errors)


def _one_key(operator: str, operand: str) -> bool:
    return operator == "Equals" and operand in _KEYS
