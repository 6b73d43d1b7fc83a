"""One format into the other, without loss of behaviour.

A flow that was converted is loaded and compared with the one before, block by block: what cannot be
said in the other format is refused by name rather than lost. Places on the canvas are kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from ringfence.flows.block import ANY_ERROR, NO_CONDITION
from ringfence.flows.flow import CONTACT_FLOW, Flow
from ringfence.flows.kinds import NEXT, LegacyForm
from ringfence.flows.loading import load_source
from ringfence.flows.problems import FlowInvalid, Problem
from ringfence.flows.sources import VERSION, Source, Step, Way, read_source

_LEGACY_OPERATORS = {
    "Equals": "Equals",
    "NumberGreaterThan": "GreaterThan",
    "NumberGreaterOrEqualTo": "GreaterThanOrEqualTo",
    "NumberLessThan": "LessThan",
    "NumericLessThan": "LessThan",
    "NumberLessOrEqualTo": "LessThanOrEqualTo",
    "TextStartsWith": "StartsWith",
    "TextEndsWith": "EndsWith",
    "TextContains": "Contains",
}

_DEEPEST = 6  # parameters within parameters; what Amazon Connect names by ARN is not deeper


def to_language(content: str) -> str:
    """The flow in the Flow language, as JSON.

    Raises `FlowInvalid` for a flow that cannot run, or cannot be written so.
    """
    return _converted(content, _language)


def to_legacy(content: str) -> str:
    """The flow in the older format, as JSON.

    Raises `FlowInvalid` for a flow that cannot run, and for one with a block or a parameter that
    the older format does not have; each is named.
    """
    return _converted(content, _legacy)


def _converted(content: str, write: Callable[[Source], Mapping[str, object]]) -> str:
    source = read_source(content)
    before = load_source(source)
    written = json.dumps(write(source), indent=2, ensure_ascii=False) + "\n"
    try:
        after = load_source(read_source(written))
    except FlowInvalid as error:
        raise FlowInvalid(tuple(_not_there(problem) for problem in error.problems)) from None
    problems = _lost(source, before, after)
    if problems:
        raise FlowInvalid(problems)
    return written


def _not_there(problem: Problem) -> Problem:
    message = f"the other format has no such thing: {problem.message}"
    return Problem(problem.block_id, problem.block_type, message)


def _lost(source: Source, before: Flow, after: Flow) -> tuple[Problem, ...]:
    problems = []
    for step in source.steps:
        one, other = before.blocks[step.block_id], after.blocks[step.block_id]
        if one.action != other.action:
            problems.append(step.problem("a parameter cannot be said in the other format"))
        elif one.transitions != other.transitions:
            problems.append(step.problem("a branch cannot be said in the other format"))
    return tuple(problems)


def _language(source: Source) -> Mapping[str, object]:
    actions = []
    for step in source.steps:
        assert step.kind is not None
        actions.append(
            {
                "Identifier": step.block_id,
                "Type": step.kind.type,
                "Parameters": step.parameters,
                "Transitions": _transitions(step),
            }
        )
    return {
        "Version": VERSION,
        "StartAction": source.start,
        "Metadata": {
            "name": source.name,
            "type": _camel(source.type),
            "ActionMetadata": {step.block_id: _designed(step) for step in source.steps},
        },
        "Actions": actions,
    }


def _designed(step: Step) -> Mapping[str, object]:
    """What the designer keeps of a block: its place, and the names of what it names by ARN."""
    shown = _displayed(step.parameters, step.labels, _DEEPEST)
    made: dict[str, object] = {"position": step.canvas} if step.canvas is not None else {}
    if shown:
        made["parameters"] = shown
    return made


def _displayed(
    values: Mapping[str, object], labels: Mapping[str, str], deepest: int
) -> dict[str, object]:
    shown: dict[str, object] = {}
    for name, value in values.items():
        if isinstance(value, str) and value in labels:
            shown[name] = {"displayName": labels[value]}
            continue
        if isinstance(value, (list, tuple)):
            value = {str(at): each for at, each in enumerate(value)}
        if (
            isinstance(value, Mapping)
            and deepest > 1
            and (inner := _displayed(value, labels, deepest - 1))
        ):
            shown[name] = inner
    return shown


def _transitions(step: Step) -> Mapping[str, object]:
    made: dict[str, object] = {}
    errors, conditions = [], []
    for way in step.ways:
        if way.branch == NEXT:
            made["NextAction"] = way.next_id
        elif way.branch:
            errors.append({"ErrorType": way.branch, "NextAction": way.next_id})
        else:
            condition = {"Operator": way.operator, "Operands": [way.operand]}
            conditions.append({"NextAction": way.next_id, "Condition": condition})
    if errors:
        made["Errors"] = errors
    if conditions:
        made["Conditions"] = conditions
    return made


def _legacy(source: Source) -> Mapping[str, object]:
    modules, problems = [], []
    for step in source.steps:
        assert step.kind is not None
        form = step.kind.legacy
        if form is None or form.entries is None:
            problems.append(step.problem("the older format has no such block"))
            continue
        module: dict[str, object] = {"id": step.block_id, "type": form.type}
        if form.target is not None:
            module["target"] = form.target
        module["branches"] = [_branch(step, form, way) for way in step.ways]
        module["parameters"] = [
            {**entry, "resourceName": step.labels[str(entry.get("value"))]}
            if str(entry.get("value")) in step.labels
            else entry
            for entry in form.entries(step.parameters)
        ]
        module["metadata"] = {"position": step.canvas} if step.canvas is not None else {}
        modules.append(module)
    if problems:
        raise FlowInvalid(tuple(problems))
    type_ = _camel(source.type)
    return {
        "modules": modules,
        "version": "1",
        "type": type_,
        "start": source.start,
        "metadata": {"name": source.name, "type": type_},
    }


def _branch(step: Step, form: LegacyForm, way: Way) -> Mapping[str, object]:
    if way.branch:
        return {"condition": _condition(step, form, way.branch), "transition": way.next_id}
    compared = f"{way.operator} {way.operand}"
    if (named := form.named(compared)) != compared:
        return {"condition": named, "transition": way.next_id}
    condition, operand = "Evaluate", way.operand
    for name, comparison in form.comparisons.items():
        if step.parameters.get(comparison.parameter) == comparison.value:
            condition, operand = name, comparison.older(operand)
    return {
        "condition": condition,
        "conditionType": _LEGACY_OPERATORS.get(way.operator, way.operator),
        "conditionValue": operand,
        "transition": way.next_id,
    }


def _condition(step: Step, form: LegacyForm, branch: str) -> str:
    named = form.named(branch)
    if named == branch and branch not in (NEXT, ANY_ERROR, NO_CONDITION):
        return branch  # an error type that only newer flows know
    return named


def _camel(type_: str) -> str:
    """`customerQueue` of `CUSTOMER_QUEUE`."""
    first, *rest = (type_ or CONTACT_FLOW).lower().split("_")
    return first + "".join(word.capitalize() for word in rest)
