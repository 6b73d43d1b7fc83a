"""Expressions and values for the tests of rules, and a plain interpreter to compare with."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from ringfence.events.variables import DataType
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

AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
TYPES = {
    "score": DataType.FLOAT,
    "amount": DataType.FLOAT,
    "mcc": DataType.INTEGER,
    "visits": DataType.INTEGER,
    "country": DataType.STRING,
    "email": DataType.STRING,
    "known": DataType.BOOLEAN,
    "present": DataType.BOOLEAN,
    "opened": DataType.DATETIME,
    "seen": DataType.DATETIME,
}
LISTS = {"risky": frozenset({"US", "a", "7995"}), "codes": frozenset({"5", "0", "6011", "x"})}

_TIMES = ["2026-11-24T09:30:00Z", "2026-11-24T10:30:00+01:00", "2019-11-30T01:01:01Z", "2030-01-01"]
_TEXTS = ["US", "us", "", "a", "x@gmail.com", "2019-11-30T01:01:01Z"]
_PATTERNS = [r".*@gmail\.com", "[a-z]*", "US|us", r"\d+.*"]
_NUMBERS = [0, 1, 2, 5, 950, 0.0, 0.5, 5.0, 1e300, 10**30]

VALUES = st.fixed_dictionaries(
    {},
    optional={
        name: st.none()
        | {
            DataType.FLOAT: st.sampled_from([0.0, -1.0, 5.0, 960.0, 1e300]),
            DataType.INTEGER: st.sampled_from([0, -7, 5, 6011, 10**18]),
            DataType.STRING: st.sampled_from(_TEXTS),
            DataType.BOOLEAN: st.booleans(),
            DataType.DATETIME: st.sampled_from(_TIMES),
        }[data_type]
        for name, data_type in TYPES.items()
    },
)


def _variables(*types: DataType) -> st.SearchStrategy[Node]:
    return st.sampled_from([Variable(name) for name, kind in TYPES.items() if kind in types])


def _literals(values: list[Any]) -> st.SearchStrategy[Literal]:
    return st.sampled_from([Literal(value) for value in values])


DATE_VALUES: st.SearchStrategy[Node] = _variables(DataType.DATETIME) | st.just(
    Call("getcurrentdatetime", ())
)
TEXT_VALUES: st.SearchStrategy[Node] = st.recursive(
    _variables(DataType.STRING) | _literals(_TEXTS),
    lambda inner: st.builds(
        Call,
        st.sampled_from(["lowercase", "uppercase"]),
        st.tuples(inner | _variables(DataType.DATETIME)),
    ),
    max_leaves=2,
)
TIME_VALUES: st.SearchStrategy[Node] = DATE_VALUES | _variables(DataType.STRING) | _literals(_TIMES)
NUMBER_VALUES: st.SearchStrategy[Node] = st.recursive(
    _variables(DataType.FLOAT, DataType.INTEGER)
    | _literals(_NUMBERS)
    | st.builds(Call, st.sampled_from(["getepochmilliseconds", "gethour"]), st.tuples(TIME_VALUES)),
    lambda inner: (
        st.builds(Negative, inner) | st.builds(Arithmetic, st.sampled_from("+-*/%"), inner, inner)
    ),
    max_leaves=5,
)
_EQUALITY = st.sampled_from(["==", "!="])
_ANY_ORDER = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
_NULL = st.just(Literal(None))
_TRUTHS = _literals([True, False, "True", "false"])
_BOOLEAN_CALLS = st.builds(
    Call, st.sampled_from(["isbefore", "isafter"]), st.tuples(TIME_VALUES, TIME_VALUES)
) | st.builds(Call, st.just("regex_match"), st.tuples(_literals(_PATTERNS), TEXT_VALUES))
_SIMPLE_BOOLEANS = _variables(DataType.BOOLEAN) | _BOOLEAN_CALLS


def _lists_of(items: st.SearchStrategy[Literal]) -> st.SearchStrategy[LiteralList]:
    return st.builds(LiteralList, st.lists(items, min_size=1, max_size=3).map(tuple))


_TESTS: st.SearchStrategy[Node] = st.one_of(
    _SIMPLE_BOOLEANS,
    _literals([True, False]),
    st.builds(Comparison, _ANY_ORDER, NUMBER_VALUES, NUMBER_VALUES),
    st.builds(Comparison, _ANY_ORDER, TEXT_VALUES, TEXT_VALUES),
    st.builds(Comparison, _ANY_ORDER, DATE_VALUES, TIME_VALUES),
    st.builds(Comparison, _ANY_ORDER, TIME_VALUES, DATE_VALUES),
    st.builds(Comparison, _EQUALITY, _SIMPLE_BOOLEANS, _SIMPLE_BOOLEANS),
    st.builds(Comparison, _EQUALITY, TEXT_VALUES | DATE_VALUES | _variables(*DataType), _NULL),
    st.builds(Membership, NUMBER_VALUES, _lists_of(_literals([*_NUMBERS, -7])), st.booleans()),
    st.builds(Membership, TEXT_VALUES, _lists_of(_literals(_TEXTS)), st.booleans()),
    st.builds(Membership, DATE_VALUES, _lists_of(_literals(_TIMES)), st.booleans()),
    st.builds(
        Membership,
        _variables(DataType.STRING, DataType.INTEGER),
        st.sampled_from([ListName("codes"), ListName("risky")]),
        st.booleans(),
    ),
)
# Rules whose names exist and whose kinds fit.
RULES: st.SearchStrategy[Node] = st.recursive(
    _TESTS,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(Comparison, _EQUALITY, inner.filter(lambda n: n != Literal(None)), _TRUTHS),
    ),
    max_leaves=6,
)

_NAMES = st.sampled_from(["a", "android", "Order", "in_1", "nothing", "_", "Null2", "trueish"])
_STRING_PIECES = st.lists(
    st.characters(exclude_characters='"\\\r\n', codec="utf-8") | st.sampled_from(["\\d", "\\\\"]),
    max_size=5,
).map("".join)
_WRITTEN_LITERALS = st.builds(
    Literal,
    st.none()
    | st.booleans()
    | st.integers(min_value=0)
    | st.floats(min_value=0, allow_infinity=False, allow_nan=False)
    | _STRING_PIECES,
)
# Any tree that can be written, whether or not it makes sense.
TREES: st.SearchStrategy[Node] = st.recursive(
    _WRITTEN_LITERALS
    | st.builds(Variable, _NAMES | st.just("1st"))
    | st.builds(Call, _NAMES, st.just(())),
    lambda inner: st.one_of(
        st.builds(Negative, inner),
        st.builds(Not, inner),
        st.builds(Arithmetic, st.sampled_from("+-*/%"), inner, inner),
        st.builds(Comparison, _ANY_ORDER, inner, inner),
        st.builds(Call, _NAMES, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(
            Membership,
            inner,
            st.builds(ListName, _NAMES)
            | _lists_of(_WRITTEN_LITERALS | st.builds(Literal, st.integers(max_value=-1))),
            st.booleans(),
        ),
    ),
    max_leaves=12,
)

_OPERATORS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def interpret(tree: Node, values: Mapping[str, Any]) -> tuple[bool, bool]:
    """(matched, evaluated), by walking the tree."""
    try:
        return _truth(tree, values, True), True
    except (ArithmeticError, ValueError):
        return False, False


def _truth(node: Node, values: Mapping[str, Any], wanted: bool) -> bool:
    """Whether the test certainly has the wanted result."""
    match node:
        case Not(operand):
            return _truth(operand, values, not wanted)
        case And(operands):
            quantifier = all if wanted else any
            return quantifier(_truth(each, values, wanted) for each in operands)
        case Or(operands):
            quantifier = any if wanted else all
            return quantifier(_truth(each, values, wanted) for each in operands)
        case Comparison(sign, left, Literal(bool() | str() as truth)) if _is_boolean(
            left
        ) and sign in ("==", "!="):
            said = str(truth).lower() == "true"
            if isinstance(left, Variable):
                same = values.get(left.name) is said
                return same is (wanted is (sign == "=="))
            return _truth(left, values, said if wanted is (sign == "==") else not said)
        case Comparison(sign, left, right):
            sides = [left, right]
            if sign in ("==", "!="):
                sides = [side for side in sides if not _may_be_compared_when_null(side)]
            if any(_has_null(side, values) for side in sides):
                return False
            date = _is_date(left) or _is_date(right)
            return _OPERATORS[sign](_value(left, values, date), _value(right, values, date)) is (
                wanted
            )
        case Membership(operand, collection, excluded):
            if _has_null(operand, values):
                return False
            found = _value(operand, values, _is_date(operand))
            if isinstance(collection, LiteralList):
                elements = [_value(item, values, _is_date(operand)) for item in collection.items]
            elif isinstance(found, str):
                elements = list(LISTS[collection.name])
            else:
                elements = [int(each) for each in LISTS[collection.name] if each.isdigit()]
            return (found in elements) is not (excluded is wanted)
        case _:
            return not _has_null(node, values) and _value(node, values) is wanted


def _is_boolean(node: Node) -> bool:
    match node:
        case Literal(value):
            return isinstance(value, bool)
        case Variable(name):
            return TYPES[name] is DataType.BOOLEAN
        case Call(name):
            return name in ("isbefore", "isafter", "regex_match")
        case Negative() | Arithmetic():
            return False
    return True


def _is_date(node: Node) -> bool:
    if isinstance(node, Variable):
        return TYPES[node.name] is DataType.DATETIME
    return isinstance(node, Call) and node.function == "getcurrentdatetime"


def _may_be_compared_when_null(node: Node) -> bool:
    return isinstance(node, (Variable, Literal)) or (
        isinstance(node, Call) and not _is_boolean(node)
    )


def _has_null(node: Node, values: Mapping[str, Any]) -> bool:
    return any(
        isinstance(part, Variable) and values.get(part.name) is None for part, _ in walk(node)
    )


def _value(node: Node, values: Mapping[str, Any], date: bool = False) -> Any:
    if _has_null(node, values):
        return None
    match node:
        case Literal(value):
            found: Any = value
        case Variable(name):
            found = values[name]
        case Negative(operand):
            found = -_value(operand, values)
        case Arithmetic(sign, left, right):
            found = _computed(sign, _value(left, values), _value(right, values))
        case Call(function, arguments):
            on_dates = function in ("isbefore", "isafter", "getepochmilliseconds", "gethour")
            found = _called(function, [_value(each, values, on_dates) for each in arguments])
        case _:
            raise AssertionError(node)
    if not date or found is None:
        return found
    at = datetime.fromisoformat(found)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def _computed(sign: str, left: Any, right: Any) -> Any:
    if sign != "%":
        return {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}[
            sign
        ](left, right)
    if right == 0:
        raise ZeroDivisionError
    if isinstance(left, float) or isinstance(right, float):
        return math.fmod(left, right)
    rest = left % right
    return rest - right if rest and (left < 0) != (right < 0) else rest


def _called(function: str, arguments: list[Any]) -> Any:
    match function:
        case "lowercase":
            return arguments[0].lower()
        case "uppercase":
            return arguments[0].upper()
        case "regex_match":
            return re.fullmatch(arguments[0], arguments[1]) is not None
        case "isbefore":
            return arguments[0] < arguments[1]
        case "isafter":
            return arguments[0] > arguments[1]
        case "getcurrentdatetime":
            return "2026-11-24T09:30:00Z"
        case "gethour":
            return arguments[0].astimezone(UTC).hour
        case "getepochmilliseconds":
            return int(arguments[0].timestamp()) * 1000
    raise AssertionError(function)
