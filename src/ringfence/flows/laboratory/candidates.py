"""Values worth trying: those by which the conditions of a flow tell one call from another.

A comparison of `amount=$.Attributes.Amount` with `amount=` says that an empty Amount matters. What
is compared may have been set by another block before: values are followed back through those.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass

from ringfence.flows.block import Block
from ringfence.flows.conditions import Condition
from ringfence.flows.flow import Flow
from ringfence.flows.parameters import WholeNumber
from ringfence.flows.references import Reference, Template

Names = tuple[str, ...]

MOST_VALUES = 12  # of one name
_ROUNDS = 5  # that values are followed back
_COMPARES = "Compare"
_SETS = {"UpdateContactAttributes": "Attributes", "UpdateFlowAttributes": "FlowAttributes"}
_INVOKES = "InvokeLambdaFunction"


class Candidates:
    """Values by the names of what they are of: `("Attributes", "Amount")`."""

    def __init__(self, flows: Iterable[Flow]):
        self._flows = {flow.name: flow for flow in flows}
        blocks = [block for flow in self._flows.values() for block in flow.blocks.values()]
        self._values: defaultdict[Names, dict[str, None]] = defaultdict(dict)
        self._definitions = _definitions(blocks)
        self._answers: dict[tuple[str, str], tuple[Names, ...]] = {}
        self._seed(blocks)
        for _ in range(_ROUNDS):
            if not self._follow_back():
                break

    def of(self, *names: str) -> tuple[str, ...]:
        """Values that conditions tell apart, none where no condition is about it."""
        return tuple(self._values.get(names, ()))

    def names_below(self, root: str) -> tuple[Names, ...]:
        """What below `root` there are values for."""
        return tuple(names for names in self._values if names[0] == root)

    def answered_by(self, flow: Flow, block: Block) -> tuple[Names, ...]:
        """The names below `$.External` that are looked at after this invocation, before another."""
        key = flow.name, block.block_id
        if key not in self._answers:
            self._answers[key] = self._looked_at_after(flow, block)
        return self._answers[key]

    def _looked_at_after(self, flow: Flow, block: Block) -> tuple[Names, ...]:
        found: dict[Names, None] = {}
        seen: set[str] = set()
        ahead = [block.block_id]
        while ahead:
            each = flow.blocks[ahead.pop()]
            if each.block_id != block.block_id:
                operands = (condition.operand for condition in each.transitions.conditions)
                for text in (*texts_of(each.action), *operands):
                    for reference in _references(text):
                        if reference.names[0] == "External" and len(reference.names) > 1:
                            found.setdefault(reference.names)
            if each.block_id == block.block_id or each.type != _INVOKES:
                new = _next_ids(each) - seen
                seen |= new
                ahead.extend(new)
        return tuple(found)

    def _seed(self, blocks: Iterable[Block]) -> None:
        for block in blocks:
            if block.type == _COMPARES:
                for text in texts_of(block.action):
                    for condition in block.transitions.conditions:
                        for value in witnesses(condition):
                            self._add(text, value)
                        if condition.operand.literal is None:
                            self._add(condition.operand, _SAME)
            for number in _numbers_of(block.action):
                self._add(number.text, str(min(max(number.low, 2), number.high)))

    def _follow_back(self) -> bool:
        before = sum(map(len, self._values.values()))
        for names, values in list(self._values.items()):
            for text in self._definitions.get(names, ()):
                for value in tuple(values):
                    self._add(text, value)
        return sum(map(len, self._values.values())) > before

    def _add(self, text: Template, value: str) -> None:
        """`value` is what `text` should come to."""
        references = _references(text)
        if len(references) != 1:
            return
        position = text.parts.index(references[0])
        before = "".join(str(part) for part in text.parts[:position])
        behind = "".join(str(part) for part in text.parts[position + 1 :])
        inner = len(value) - len(before) - len(behind)
        if inner >= 0 and value.startswith(before) and value.endswith(behind):
            values = self._values[references[0].names]
            if len(values) < MOST_VALUES:
                values.setdefault(value[len(before) : len(before) + inner])


_SAME = "1234"  # what is compared with each other is made equal by this


def witnesses(condition: Condition) -> tuple[str, ...]:
    """Values for which a condition holds; for comparisons of numbers the bounds as well."""
    operand = condition.operand.literal
    if operand is None:
        return (_SAME,)
    if not condition.operator.startswith("Num"):
        return (operand,)
    try:
        number = int(operand)
    except ValueError:
        return (operand,)
    return tuple(str(each) for each in (number - 1, number, number + 1) if each >= 0)


def texts_of(value: object) -> Iterator[Template]:
    """All texts in the parameters of a block."""
    if isinstance(value, Template):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from texts_of(each)
    elif isinstance(value, (tuple, list)):
        for each in value:
            yield from texts_of(each)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from texts_of(getattr(value, field.name))


def _numbers_of(value: object) -> Iterator[WholeNumber]:
    if isinstance(value, WholeNumber):
        yield value
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _numbers_of(getattr(value, field.name))


def _definitions(blocks: Iterable[Block]) -> dict[Names, list[Template]]:
    """The texts that attributes are set to."""
    found: defaultdict[Names, list[Template]] = defaultdict(list)
    for block in blocks:
        root = _SETS.get(block.type)
        pairs = getattr(block.action, "attributes", ()) if root is not None else ()
        for name, text in pairs:
            if root is not None and name.literal is not None:
                found[root, name.literal].append(text)
    return found


def _references(text: Template) -> list[Reference]:
    return [part for part in text.parts if isinstance(part, Reference)]


def _next_ids(block: Block) -> set[str]:
    ways = block.transitions
    ids = {condition.next_id for condition in ways.conditions} | set(ways.errors.values())
    return ids | ({ways.next_id} if ways.next_id is not None else set())
