"""A flow's file as steps, before anything in it is trusted: both formats become one shape.

Nothing here fails for what a file says: what is wrong becomes a problem, and reading goes on, so
that a loader can name every problem at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ringfence.flows.block import ANY_ERROR
from ringfence.flows.blocks import kind_of, legacy_kind_of
from ringfence.flows.comparisons import separated
from ringfence.flows.conditions import OPERATORS
from ringfence.flows.flow import CONTACT_FLOW, FlowFormat
from ringfence.flows.kinds import NEXT, BlockKind, LegacyForm
from ringfence.flows.labels import (
    labels_of_action,
    labels_of_actions,
    labels_of_module,
    type_name,
)
from ringfence.flows.modules import LegacyParameters
from ringfence.flows.parameters import written
from ringfence.flows.problems import FlowInvalid, Problem
from ringfence.flows.sizes import MOST_BLOCKS, decoded

VERSION = "2019-10-30"

_LARGEST_CANVAS = 1e9

_OPERATORS = {
    "Equals": "Equals",
    "GreaterThan": "NumberGreaterThan",
    "GreaterThanOrEqualTo": "NumberGreaterOrEqualTo",
    "LessThan": "NumberLessThan",
    "LessThanOrEqualTo": "NumberLessOrEqualTo",
    "StartsWith": "TextStartsWith",
    "EndsWith": "TextEndsWith",
    "Contains": "TextContains",
}


@dataclass(frozen=True, slots=True)
class Way:
    """One transition: a branch (`NextAction`, an error type) or a condition, and where it leads."""

    branch: str
    next_id: str
    operator: str = ""
    operand: str = ""


@dataclass(slots=True)
class Step:
    """One block as its file has it.

    `named` gives the file's own name of a branch; `required` are the branches that the older
    format insists on, where it is stricter.
    """

    block_id: str
    source_type: str
    target: str = ""
    kind: BlockKind | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    ways: list[Way] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    named: Callable[[str], str] = str
    required: tuple[tuple[str, ...], ...] = ()
    position: str = ""
    canvas: Mapping[str, object] | None = None

    def problem(self, message: str) -> Problem:
        """Something about this block."""
        return Problem(self.block_id, self.source_type, message, self.position)


@dataclass(frozen=True, slots=True)
class Source:
    """A whole file. `saved`: it says of itself that it was saved, but not published."""

    name: str
    format: FlowFormat
    type: str
    start: str | None
    steps: tuple[Step, ...]
    saved: bool = False


def read_source(content: str) -> Source:
    """The steps of a flow's file, or of what an API wraps around it (`ContactFlow`, `Content`).

    Raises `FlowInvalid` only where there is nothing to go on with.
    """
    flow, name = decoded(content), ""
    for _ in range(2):
        wrapped = flow.get("ContactFlow") or flow.get("ContactFlowModule") or flow
        inner = wrapped.get("Content") if isinstance(wrapped, Mapping) else None
        if not isinstance(wrapped, Mapping) or not isinstance(inner, (str, Mapping)):
            break
        name = written(wrapped.get("Name")) or name
        flow = decoded(inner) if isinstance(inner, str) else inner
    metadata = flow.get("metadata") or flow.get("Metadata")
    if isinstance(metadata, Mapping):
        name = written(metadata.get("name")) or name
    status = metadata.get("status") if isinstance(metadata, Mapping) else None
    saved = isinstance(status, str) and status.lower() == "saved"
    type_ = _type(flow, metadata)
    if "modules" in flow:
        return Source(
            name,
            FlowFormat.LEGACY,
            type_,
            _id(flow.get("start")),
            tuple(_modules(flow["modules"])),
            saved,
        )
    if "Actions" in flow:
        if flow.get("Version") != VERSION:
            raise _invalid(f"the version is {flow.get('Version')!r}, not {VERSION!r}")
        return Source(
            name,
            FlowFormat.LANGUAGE,
            type_,
            _id(flow.get("StartAction")),
            tuple(_actions(flow["Actions"], labels_of_actions(metadata))),
            saved,
        )
    raise _invalid("there are neither Actions nor modules in it")


def _type(flow: Mapping[str, object], metadata: object) -> str:
    """The type of a flow as Amazon Connect's API writes it, whichever format it comes in."""
    named = flow.get("type") or flow.get("Type")
    if not isinstance(named, str) and isinstance(metadata, Mapping):
        named = metadata.get("type")
    return type_name(named) if isinstance(named, str) else CONTACT_FLOW


def _actions(actions: object, labels: Mapping[str, object]) -> Iterator[Step]:
    every = _objects(actions, "Actions")
    for number, action in enumerate(every, start=1):
        step = Step(_id(action.get("Identifier")) or "", written(action.get("Type")) or "")
        designed = labels.get(step.block_id)
        _place(step, number, len(every), designed)
        parameters = action.get("Parameters")
        if parameters and not isinstance(parameters, Mapping):
            step.problems.append("Parameters is not an object")
        elif isinstance(parameters, Mapping) and parameters:
            step.parameters = parameters
            step.labels = labels_of_action(parameters, designed)
        step.kind = kind_of(step.source_type, step.parameters)
        transitions = action.get("Transitions")
        if transitions and not isinstance(transitions, Mapping):
            step.problems.append("Transitions is not an object")
        elif isinstance(transitions, Mapping) and transitions:
            step.ways = list(_ways(transitions, step.problems))
        yield step


def _ways(transitions: Mapping[str, object], problems: list[str]) -> Iterator[Way]:
    if (next_id := _next(transitions, "NextAction", problems)) is not None:
        yield Way(NEXT, next_id)
    for error in _entries(transitions, "Errors", problems):
        error_type = error.get("ErrorType")
        next_id = _next(error, "NextAction", problems)
        if not isinstance(error_type, str):
            problems.append("an error has no ErrorType")
        elif next_id is not None:
            yield Way(error_type, next_id)
    for branch in _entries(transitions, "Conditions", problems):
        next_id = _next(branch, "NextAction", problems)
        condition = branch.get("Condition")
        operands = condition.get("Operands") if isinstance(condition, Mapping) else None
        if not isinstance(condition, Mapping) or not isinstance(operands, (list, tuple)):
            problems.append("a condition has no Operator and Operands")
            continue
        operator = written(condition.get("Operator")) or ""
        operand = written(operands[0]) if len(operands) == 1 else None
        if operand is None:
            problems.append(f"the condition {operator} has not just one operand")
        elif next_id is not None:
            yield Way("", next_id, operator, operand)


def _modules(modules: object) -> Iterator[Step]:
    every = [part for module in _objects(modules, "modules") for part in _parts(module)]
    for number, module in enumerate(every, start=1):
        step = Step(_id(module.get("id")) or "", written(module.get("type")) or "")
        _place(step, number, len(every), module.get("metadata"))
        target = module.get("target")
        step.kind = legacy_kind_of(step.source_type, target if isinstance(target, str) else None)
        step.target = written(target) or ""
        legacy = step.kind.legacy if step.kind is not None else None
        entries = tuple(_entries(module, "parameters", step.problems))
        step.labels = labels_of_module(entries, module.get("metadata"))
        if legacy is not None:
            step.parameters = legacy.parameters(LegacyParameters(entries))
            step.named = legacy.named
            step.required = legacy.required
            _compare(step, legacy, module)
        for branch in _entries(module, "branches", step.problems):
            if (way := _way(branch, legacy, step.problems)) is not None:
                step.ways.append(way)
        yield step


def _parts(module: Mapping[str, object]) -> Sequence[Mapping[str, object]]:
    type_, target = written(module.get("type")) or "", module.get("target")
    kind = legacy_kind_of(type_, target if isinstance(target, str) else None)
    legacy = kind.legacy if kind is not None else None
    return separated(module, legacy.comparisons) if legacy is not None else [module]


def _compare(step: Step, legacy: LegacyForm, module: Mapping[str, object]) -> None:
    """Say in a parameter what the conditions compare."""
    about = {
        legacy.comparisons[condition]
        for branch in _entries(module, "branches", step.problems)
        if (condition := written(branch.get("condition")) or "") in legacy.comparisons
    }
    if len(about) > 1:
        step.problems.append("the conditions go to and fro between too many things")
    for comparison in about:
        step.parameters = {**step.parameters, comparison.parameter: comparison.value}


def _way(
    branch: Mapping[str, object], legacy: LegacyForm | None, problems: list[str]
) -> Way | None:
    condition = branch.get("condition")
    next_id = _next(branch, "transition", problems)
    if not isinstance(condition, str):
        problems.append("a branch has no condition")
        return None
    if next_id is None:
        return None
    comparison = legacy.comparisons.get(condition) if legacy is not None else None
    if condition == "Evaluate" or comparison is not None:
        operand = written(branch.get("conditionValue"))
        kind = written(branch.get("conditionType")) or ""
        if operand is None:
            problems.append(f"a branch {condition} has no conditionValue")
            return None
        operator = (legacy.operator if legacy else None) or _OPERATORS.get(kind, kind)
        if comparison is not None:
            operand = comparison.newer(operand)
        return Way("", next_id, operator, operand)
    name = legacy.branch(condition) if legacy is not None else condition
    operator, _, operand = name.partition(" ")
    if operand and operator in OPERATORS:
        return Way("", next_id, operator, operand)
    return Way(name or ANY_ERROR, next_id)


def _place(step: Step, number: int, among: int, designed: object) -> None:
    """Note where a block stands in the file and, as far as it is known, on the canvas."""
    step.position = f"the {number}. of {among}"
    place = designed.get("position") if isinstance(designed, Mapping) else None
    if isinstance(place, Mapping):
        x, y = place.get("x"), place.get("y")
        if all(isinstance(each, (int, float)) and abs(each) < _LARGEST_CANVAS for each in (x, y)):
            step.position += f", at {x:g}, {y:g} on the canvas"
            step.canvas = {"x": x, "y": y}


def _objects(value: object, name: str) -> list[Mapping[str, object]]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(each, Mapping) for each in value):
        raise _invalid(f"{name} is not a list of objects")
    if len(value) > MOST_BLOCKS:
        raise _invalid(f"there are {len(value)} blocks in it, more than {MOST_BLOCKS}")
    return list(value)


def _entries(
    values: Mapping[str, object], name: str, problems: list[str]
) -> list[Mapping[str, object]]:
    value = values.get(name)
    if value is None:
        return []
    if not isinstance(value, (list, tuple)) or not all(isinstance(each, Mapping) for each in value):
        problems.append(f"{name} is not a list of objects")
        return []
    return list(value)


def _next(values: Mapping[str, object], name: str, problems: list[str]) -> str | None:
    """The id a transition leads to; one that leads nowhere yet is no transition."""
    value = values.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        problems.append(f"{name} is not the id of a block")
        return None
    return value


def _id(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _invalid(message: str) -> FlowInvalid:
    return FlowInvalid((Problem("", "", message),))
