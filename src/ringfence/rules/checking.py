"""Whether a tree makes sense: its names exist, its kinds fit, its patterns are safe.

Everything that the compiler takes for granted is made sure of here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ringfence.events.variables import DataType
from ringfence.rules.errors import RuleInvalid, did_you_mean
from ringfence.rules.functions import FUNCTIONS
from ringfence.rules.kinds import KIND_OF_TYPE, Kind, as_boolean, as_number
from ringfence.rules.syntax import (
    And,
    Arithmetic,
    Call,
    Comparison,
    ListName,
    Literal,
    LiteralList,
    Membership,
    Negative,
    Node,
    Not,
    Or,
    Variable,
    walk,
)
from ringfence.rules.times import instant

MAX_LISTS = 3
_EQUALITY = ("==", "!=")


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression may name: variables with their types, lists with their elements."""

    types: Mapping[str, DataType]
    lists: Mapping[str, Collection[str]]


def check_tree(expression: str, tree: Node, scope: Scope) -> None:
    """Raise `RuleInvalid` for the first thing, from the left, that does not make sense."""
    _Checker(expression, scope).check_rule(tree)


def kind_of(node: Node, types: Mapping[str, DataType]) -> Kind:
    """The kind of a part of a checked tree."""
    match node:
        case Literal(value):
            return _kind_of_literal(value)
        case Variable(name):
            return KIND_OF_TYPE[types[name]]
        case Negative() | Arithmetic():
            return Kind.NUMBER
        case Call(function):
            return FUNCTIONS[function].result
        case _:
            return Kind.BOOLEAN


def as_truth(node: Node) -> bool | None:
    """What a literal says beside something that is true or false; None when it is no literal.

    `"False"` in quotes is false there, as the documentation of Amazon Fraud Detector writes it.
    """
    if isinstance(node, Literal) and isinstance(node.value, (bool, str)):
        try:
            return as_boolean(node.value)
        except ValueError:
            return None
    return None


def is_test(node: Node) -> bool:
    """Whether a part is made of tests, and not a value that an event holds or a function gives."""
    return isinstance(node, (Comparison, Membership, Not, And, Or))


class _Checker:
    def __init__(self, expression: str, scope: Scope):
        self._expression = expression
        self._types = scope.types
        self._lists = scope.lists

    def check_rule(self, tree: Node) -> None:
        kind = self._kind(tree)
        if kind is not Kind.BOOLEAN:
            raise self._wrong(
                tree, f"the rule gives {kind} and not true or false", "a comparison, such as > 100"
            )
        named: set[str] = set()
        for part, _ in walk(tree):
            if isinstance(part, ListName):
                named.add(part.name)
                if len(named) > MAX_LISTS:
                    raise self._wrong(
                        part, "the rule uses too many lists", f"at most {MAX_LISTS} lists"
                    )

    def _kind(self, node: Node) -> Kind:
        match node:
            case Literal(value):
                return _kind_of_literal(value)
            case Variable(name):
                if name not in self._types:
                    near = did_you_mean(name, self._types, "$")
                    raise self._wrong(node, f"there is no variable ${_shown(name)}{near}")
                return KIND_OF_TYPE[self._types[name]]
            case Negative(operand):
                self._require(operand, Kind.NUMBER, "-")
                return Kind.NUMBER
            case Arithmetic(operator, left, right):
                self._require(left, Kind.NUMBER, operator)
                self._require(right, Kind.NUMBER, operator)
                return Kind.NUMBER
            case Call():
                return self._check_call(node)
            case Comparison(operator):
                if operator in _EQUALITY:
                    self._check_equality(node)
                else:
                    self._check_ordering(node)
            case Membership():
                self._check_membership(node)
            case Not(operand):
                self._require(operand, Kind.BOOLEAN, "!")
            case And(operands):
                for operand in operands:
                    self._require(operand, Kind.BOOLEAN, "and")
            case Or(operands):
                for operand in operands:
                    self._require(operand, Kind.BOOLEAN, "or")
        return Kind.BOOLEAN

    def _require(self, node: Node, wanted: Kind, where: str) -> None:
        kind = self._kind(node)
        if kind is not wanted:
            raise self._wrong(node, f"{_named(node)} is {kind}; {where} takes {wanted}")

    def _check_call(self, call: Call) -> Kind:
        function = FUNCTIONS.get(call.function)
        if function is None:
            near = did_you_mean(call.function, FUNCTIONS)
            raise self._wrong(
                call,
                f"there is no function {_shown(call.function)}{near}",
                "one of " + ", ".join(FUNCTIONS),
            )
        expected = len(function.parameters)
        if len(call.arguments) != expected:
            raise self._wrong(
                call,
                f"{function.name} was given {_counted(len(call.arguments))}",
                _counted(expected),
            )
        for argument, parameter in zip(call.arguments, function.parameters, strict=True):
            kind = self._kind(argument)
            # A time is kept as it was written, so it may be used as a text, and a text as a time.
            if kind is not parameter and {kind, parameter} != {Kind.TEXT, Kind.DATE}:
                raise self._wrong(
                    argument, f"{_named(argument)} is {kind}; {function.name} takes {parameter}"
                )
            if parameter is Kind.DATE:
                self._check_time(argument)
        if function.bind is not None:
            bound = call.arguments[0]
            if not isinstance(bound, Literal):
                raise self._wrong(
                    bound,
                    f"{function.name} takes its pattern as written",
                    "a text in double quotes",
                )
            try:
                function.bind(str(bound.value))
            except ValueError as error:
                raise self._wrong(bound, str(error)) from None
        return function.result

    def _check_time(self, node: Node) -> None:
        if isinstance(node, Literal) and isinstance(node.value, str):
            try:
                instant(node.value)
            except ValueError:
                raise self._wrong(
                    node, f"{_named(node)} is not a time", "ISO 8601 such as 2026-11-24T09:30:00Z"
                ) from None

    def _check_equality(self, comparison: Comparison) -> None:
        left, right = comparison.left, comparison.right
        kinds = self._kind(left), self._kind(right)
        if Kind.NULL in kinds:
            for side in (left, right):
                if not _may_be_null(side, self._types):
                    raise self._wrong(
                        side,
                        "a result is never compared with null",
                        "a variable: $name == null",
                    )
            return
        if Kind.BOOLEAN in kinds:
            self._check_truth(left, right, comparison)
            return
        self._check_same_kind(kinds, comparison)

    def _check_truth(self, left: Node, right: Node, comparison: Comparison) -> None:
        if as_truth(left) is not None or as_truth(right) is not None:
            for side in (left, right):
                if as_truth(side) is None and kind_of(side, self._types) is not Kind.BOOLEAN:
                    raise self._mismatch(comparison)
            return
        for side in (left, right):
            if kind_of(side, self._types) is not Kind.BOOLEAN:
                raise self._mismatch(comparison)
            if is_test(side):
                raise self._wrong(
                    side, "a test can only be compared with true or false; join tests with and, or"
                )

    def _check_ordering(self, comparison: Comparison) -> None:
        kinds = self._kind(comparison.left), self._kind(comparison.right)
        for side, kind in zip((comparison.left, comparison.right), kinds, strict=True):
            if kind in (Kind.BOOLEAN, Kind.NULL):
                raise self._wrong(side, f"{_named(side)} is {kind}, which has no order", "== or !=")
        self._check_same_kind(kinds, comparison)

    def _check_same_kind(self, kinds: tuple[Kind, Kind], comparison: Comparison) -> None:
        if Kind.DATE in kinds and set(kinds) <= {Kind.DATE, Kind.TEXT}:
            self._check_time(comparison.left)
            self._check_time(comparison.right)
        elif kinds[0] is not kinds[1]:
            raise self._mismatch(comparison)

    def _check_membership(self, membership: Membership) -> None:
        operand, collection = membership.operand, membership.collection
        kind = self._kind(operand)
        if kind is Kind.NULL or is_test(operand):
            raise self._wrong(operand, f"{_named(operand)} cannot be looked up in a list")
        if isinstance(collection, LiteralList):
            self._check_items(operand, kind, collection)
            return
        elements = self._lists.get(collection.name)
        if elements is None:
            near = did_you_mean(collection.name, self._lists, "@")
            raise self._wrong(collection, f"there is no list @{_shown(collection.name)}{near}")
        if kind not in (Kind.TEXT, Kind.NUMBER):
            raise self._wrong(operand, f"{_named(operand)} is {kind}; a list holds texts")
        if kind is Kind.NUMBER and elements and not any(map(_is_number, elements)):
            raise self._wrong(
                operand, f"{_named(operand)} is a number; @{collection.name} holds none"
            )

    def _check_items(self, operand: Node, kind: Kind, collection: LiteralList) -> None:
        for item in collection.items:
            if item.value is None:
                raise self._wrong(
                    item, "null is never found in a list", f"{_named(operand)} == null beside it"
                )
            item_kind = _kind_of_literal(item.value)
            if kind is Kind.DATE and item_kind is Kind.TEXT:
                self._check_time(item)
            elif item_kind is not kind:
                raise self._wrong(
                    item, f"{_named(item)} is {item_kind}; {_named(operand)} is {kind}"
                )

    def _mismatch(self, comparison: Comparison) -> RuleInvalid:
        left, right = comparison.left, comparison.right
        kinds = kind_of(left, self._types), kind_of(right, self._types)
        hint = None
        for side, other in ((left, kinds[1]), (right, kinds[0])):
            if other is Kind.TEXT and isinstance(side, Literal):
                hint = f'"{_written(side)}"'
        return self._wrong(
            comparison,
            f"{_named(left)} is {kinds[0]} and {_named(right)} is {kinds[1]}: "
            f"{comparison.operator} cannot compare them",
            hint,
        )

    def _wrong(
        self, part: Node | ListName | LiteralList, problem: str, expected: str | None = None
    ) -> RuleInvalid:
        return RuleInvalid(self._expression, part.offset, problem, expected)


def _kind_of_literal(value: object) -> Kind:
    if value is None:
        return Kind.NULL
    if isinstance(value, bool):
        return Kind.BOOLEAN
    return Kind.TEXT if isinstance(value, str) else Kind.NUMBER


def _may_be_null(node: Node, types: Mapping[str, DataType]) -> bool:
    match node:
        case Literal() | Variable():
            return True
        case Call():
            return kind_of(node, types) is not Kind.BOOLEAN
        case _:
            return False


def _is_number(element: str) -> bool:
    try:
        as_number(element)
    except ValueError:
        return False
    return True


def _named(node: Node) -> str:
    """How a message refers to a part."""
    match node:
        case Variable(name):
            return f"${_shown(name)}"
        case Literal(value):
            return f'"{_written(node)}"' if isinstance(value, str) else _written(node)
        case Call(function):
            return f"the result of {function}"
        case Negative() | Arithmetic():
            return "the result of the maths"
        case _:
            return "the result of the test"


def _written(literal: Literal) -> str:
    value = literal.value
    if value is None:
        return "null"
    return _shown(str(value).lower() if isinstance(value, bool) else str(value))


def _counted(arguments: int) -> str:
    return "1 argument" if arguments == 1 else f"{arguments or 'no'} arguments"


def _shown(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "…"
