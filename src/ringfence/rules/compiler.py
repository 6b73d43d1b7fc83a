"""From a checked tree to a Python function, because rules are evaluated for every event.

Null decides the shape of what is written here. An ordering, a list test, a date test, a pattern
or maths on null is neither true nor false but unknown, and a rule matches only when it is true;
`!` of unknown is unknown. So each test is written in one of two ways, "it holds" or "it fails",
both false on null, and `!` chooses the way: no third truth value is needed at run time.
Variables, literals and what functions make of them may be compared with `==` and `!=` even when
null; null equals null alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, cast

from ringfence.events.variables import DataType, Value
from ringfence.rules.checking import Scope, as_truth, kind_of
from ringfence.rules.functions import FUNCTIONS
from ringfence.rules.functions.dates import NOW
from ringfence.rules.kinds import Kind, as_boolean, as_number, as_text
from ringfence.rules.syntax import (
    And,
    Arithmetic,
    Call,
    Comparison,
    ListName,
    Literal,
    Membership,
    Negative,
    Node,
    Not,
    Or,
    Variable,
    walk,
)
from ringfence.rules.times import aware, instant, written

Test = Callable[[Mapping[str, Value], datetime], bool]

# The class that a variable's value has already, as events are read, and the reading otherwise.
_READERS: dict[DataType, tuple[str, Callable[[object], object]]] = {
    DataType.FLOAT: ("float", as_number),
    DataType.INTEGER: ("int", as_number),
    DataType.STRING: ("str", as_text),
    DataType.DATETIME: ("str", as_text),
    DataType.BOOLEAN: ("bool", as_boolean),
}


def compile_tree(tree: Node, scope: Scope) -> Test:
    """A function of values and the event's time that tells whether the rule matches.

    `tree` must have been checked in the same scope. The function may raise `ValueError` or
    `ArithmeticError`, when the rule cannot be evaluated.
    """
    writer = _Writer(scope)
    source = writer.function(tree)
    # Built from the checked tree alone: names are ours, literals are written by repr().
    exec(compile(source, "<rule>", "exec"), writer.names)  # noqa: S102
    return cast("Test", writer.names["rule"])


def remainder(left: int | float, right: int | float) -> int | float:
    """`left % right` with the sign of `left`, as Java has it. Raises `ArithmeticError`."""
    if right == 0:
        raise ZeroDivisionError
    if isinstance(left, int) and isinstance(right, int):
        rest = abs(left) % abs(right)
        return -rest if left < 0 else rest
    return math.fmod(left, right)


class _Writer:
    """Writes the source of one function; `names` is what the source refers to."""

    def __init__(self, scope: Scope):
        self._types = scope.types
        self._lists = scope.lists
        self._variables: dict[str, str] = {}
        self.names: dict[str, Any] = {
            "__builtins__": {"float": float, "int": int, "str": str, "bool": bool},
            "remainder": remainder,
            "instant": instant,
            "aware": aware,
            "written": written,
        }

    def function(self, tree: Node) -> str:
        lines = ["def rule(values, at):"]
        for part, _ in walk(tree):
            if isinstance(part, Variable) and part.name not in self._variables:
                local = self._variables[part.name] = f"v{len(self._variables)}"
                expected, read = _READERS[self._types[part.name]]
                lines.append(f" {local} = values.get({part.name!r})")
                lines.append(f" if {local}.__class__ is not {expected}:")
                lines.append(f"  {local} = {self._constant(read)}({local})")
        lines.append(f" return {self._holds(tree)}")
        return "\n".join(lines)

    def _holds(self, node: Node) -> str:
        return self._test(node, True)

    def _test(self, node: Node, wanted: bool) -> str:
        """Source that is true when the test's result is `wanted`, false when not or unknown."""
        match node:
            case Not(operand):
                return self._test(operand, not wanted)
            case And(operands) | Or(operands):
                word = " and " if isinstance(node, And) is wanted else " or "
                return "(" + word.join(self._test(each, wanted) for each in operands) + ")"
            case Comparison(operator):
                if operator in ("==", "!="):
                    return self._equality(node, (operator == "==") is wanted)
                return self._ordering(node, wanted)
            case Membership(operand, _, excluded):
                elements = self._elements(node)
                source, guards = self._strict(operand, self._as_instant(operand))
                word = "in" if excluded is not wanted else "not in"
                return _guarded(guards, f"{source} {word} {elements}")
            case Literal(value):
                return repr(value is wanted)
            case Variable(name):
                return f"({self._variables[name]} is {wanted})"
            case _:
                source, guards = self._strict(node)
                return _guarded(guards, source if wanted else f"not {source}")

    def _equality(self, comparison: Comparison, equal: bool) -> str:
        left, right = comparison.left, comparison.right
        for side, other in ((left, right), (right, left)):
            if self._kind(other) is Kind.BOOLEAN and (truth := as_truth(side)) is not None:
                if isinstance(other, Variable):
                    local = self._variables[other.name]
                    return f"({local} {'is' if equal else 'is not'} {truth})"
                return self._test(other, truth is equal)
        date = Kind.DATE in (self._kind(left), self._kind(right))
        left_source, left_guards = self._value(left, date)
        right_source, right_guards = self._value(right, date)
        guards = _joined(left_guards, right_guards)
        return _guarded(guards, f"{left_source} {'==' if equal else '!='} {right_source}")

    def _ordering(self, comparison: Comparison, wanted: bool) -> str:
        date = Kind.DATE in (self._kind(comparison.left), self._kind(comparison.right))
        left, left_guards = self._strict(comparison.left, date)
        right, right_guards = self._strict(comparison.right, date)
        source = f"{left} {comparison.operator} {right}"
        return _guarded(_joined(left_guards, right_guards), source if wanted else f"not {source}")

    def _value(self, node: Node, date: bool) -> tuple[str, tuple[str, ...]]:
        """Source that gives the value, null included, and what must not be null before."""
        if isinstance(node, Variable) and not date:
            return self._variables[node.name], ()
        source, guards = self._strict(node, date)
        transparent = isinstance(node, (Variable, Call)) and self._kind(node) is not Kind.BOOLEAN
        if transparent and guards:
            return f"({source} if {_all_known(guards)} else None)", ()
        return source, guards

    def _strict(self, node: Node, date: bool = False) -> tuple[str, tuple[str, ...]]:
        """Source that gives the value once the variables in the second part are not null.

        With `date`, a text is read as a time.
        """
        if date and isinstance(node, Literal) and isinstance(node.value, str):
            return self._constant(instant(node.value)), ()
        if date and isinstance(node, Call) and node.function == NOW.name:
            return "aware(at)", ()
        if date and not (isinstance(node, Literal) and node.value is None):
            source, guards = self._strict(node)
            return f"instant({source})", guards
        match node:
            case Literal(value):
                return repr(value), ()
            case Variable(name):
                local = self._variables[name]
                return local, (local,)
            case Negative(operand):
                source, guards = self._strict(operand)
                return f"(-{source})", guards
            case Arithmetic(operator, left, right):
                left_source, left_guards = self._strict(left)
                right_source, right_guards = self._strict(right)
                guards = _joined(left_guards, right_guards)
                if operator == "%":
                    return f"remainder({left_source}, {right_source})", guards
                return f"({left_source} {operator} {right_source})", guards
            case Call():
                return self._call(node)
            case _:
                raise AssertionError(f"checked trees have no {type(node).__name__} as a value")

    def _call(self, call: Call) -> tuple[str, tuple[str, ...]]:
        if call.function == NOW.name:
            return "written(at)", ()
        function = FUNCTIONS[call.function]
        arguments, parameters = call.arguments, function.parameters
        apply = function.apply
        if function.bind is not None:
            pattern = cast("Literal", arguments[0])
            apply = function.bind(str(pattern.value))
            arguments, parameters = arguments[1:], parameters[1:]
        sources: list[str] = []
        guards: tuple[str, ...] = ()
        for argument, parameter in zip(arguments, parameters, strict=True):
            source, needed = self._strict(argument, parameter is Kind.DATE)
            sources.append(source)
            guards = _joined(guards, needed)
        return f"{self._constant(apply)}({', '.join(sources)})", guards

    def _elements(self, membership: Membership) -> str:
        collection = membership.collection
        kind = self._kind(membership.operand)
        if not isinstance(collection, ListName):
            items = [item.value for item in collection.items]
            if kind is Kind.DATE:
                return self._constant(frozenset(instant(str(item)) for item in items))
            return self._constant(frozenset(items))
        elements = self._lists[collection.name]
        if kind is Kind.NUMBER:
            return self._constant(frozenset(_numbers(elements)))
        return self._constant(elements if isinstance(elements, frozenset) else frozenset(elements))

    def _as_instant(self, node: Node) -> bool:
        return self._kind(node) is Kind.DATE

    def _kind(self, node: Node) -> Kind:
        return kind_of(node, self._types)

    def _constant(self, value: object) -> str:
        name = f"c{len(self.names)}"
        self.names[name] = value
        return name


def _numbers(elements: Any) -> list[int | float]:
    numbers: list[int | float] = []
    for element in elements:
        try:
            number = as_number(element)
        except ValueError:
            continue
        if number is not None:
            numbers.append(number)
    return numbers


def _joined(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(first + second))


def _all_known(guards: tuple[str, ...]) -> str:
    return " and ".join(f"{guard} is not None" for guard in guards)


def _guarded(guards: tuple[str, ...], source: str) -> str:
    return f"({_all_known(guards)} and {source})" if guards else f"({source})"
