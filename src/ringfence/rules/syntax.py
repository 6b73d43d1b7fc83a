"""What an expression is made of, once it is read: a small tree of frozen nodes.

`offset` is where the node's leading character, or its operator, stands in the expression; two
nodes are equal when they mean the same, wherever they stand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, a text, true, false or null. In a text a backslash stands for itself."""

    value: int | float | str | bool | None
    offset: int = field(default=0, compare=False)

    def __eq__(self, other: object) -> bool:
        # 1, 1.0 and True are equal to Python, and three things to a rule.
        return (
            isinstance(other, Literal)
            and type(self.value) is type(other.value)
            and self.value == other.value
        )

    def __hash__(self) -> int:
        return hash((type(self.value), self.value))


@dataclass(frozen=True, slots=True)
class Variable:
    """`$name`"""

    name: str
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class ListName:
    """`@name`"""

    name: str
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class LiteralList:
    """`[5, 10, 25]`"""

    items: tuple[Literal, ...]
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Negative:
    """`-operand`"""

    operand: Node
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`left + right`; the operator is one of `+ - * / %`."""

    operator: str
    left: Node
    right: Node
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """`function(argument, ...)`"""

    function: str
    arguments: tuple[Node, ...]
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left < right`; the operator is one of `== != < <= > >=`."""

    operator: str
    left: Node
    right: Node
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Membership:
    """`operand in collection`, or `operand not in collection`."""

    operand: Node
    collection: LiteralList | ListName
    excluded: bool
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    """`!operand`"""

    operand: Node
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class And:
    """`first and second and ...`, two or more."""

    operands: tuple[Node, ...]
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Or:
    """`first or second or ...`, two or more."""

    operands: tuple[Node, ...]
    offset: int = field(default=0, compare=False)


Node: TypeAlias = (
    Literal | Variable | Negative | Arithmetic | Call | Comparison | Membership | Not | And | Or
)
Part: TypeAlias = Node | ListName | LiteralList


def parts_of(part: Part) -> tuple[Part, ...]:
    """The parts directly below one, left to right."""
    match part:
        case Negative(operand) | Not(operand):
            return (operand,)
        case Arithmetic(_, left, right) | Comparison(_, left, right):
            return (left, right)
        case Call(_, arguments):
            return arguments
        case Membership(operand, collection):
            return (operand, collection)
        case And(operands) | Or(operands):
            return operands
        case LiteralList(items):
            return items
        case _:
            return ()


def walk(node: Node) -> Iterator[tuple[Part, int]]:
    """Every part with its depth (the whole is 1), left to right. Does not recurse."""
    waiting: list[tuple[Part, int]] = [(node, 1)]
    while waiting:
        part, depth = waiting.pop()
        yield part, depth
        waiting.extend((below, depth + 1) for below in reversed(parts_of(part)))
