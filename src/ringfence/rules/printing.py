"""Expressions written out: a tree in its canonical form, an expression with an event's values."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ringfence.carddata import mask_card_numbers, names_a_secret
from ringfence.events.variables import Value
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
    Not,
    Or,
    Part,
    Variable,
)

# A text and a comment are matched so that a $ within is left alone.
_VARIABLE = re.compile(r'"(?:[^"\\\r\n]|\\[^\r\n])*"|#[^\n]*|\$([A-Za-z0-9_]+)')
# How tightly operators bind, as in the grammar.
_BINDING = {"+": 5, "-": 5, "*": 6, "/": 6, "%": 6}


def print_tree(part: Part) -> str:
    """The expression of a tree, with no more parentheses than it needs; parsing gives it back."""
    return _print(part, 0)


def with_values(expression: str, values: Mapping[str, Value]) -> str:
    """The expression with each variable replaced by its value in an event.

    Amazon Fraud Detector calls this `expressionWithValues`. Card numbers are masked, and a
    variable named like a security code shows at most the one letter of its match.
    """

    def value_of(match: re.Match[str]) -> str:
        name = match.group(1)
        if name is None:
            return match.group()
        return _shown(name, values.get(name))

    return _VARIABLE.sub(value_of, expression)


def _shown(name: str, value: Value) -> str:
    if (
        value is not None
        and names_a_secret(name)
        and not (isinstance(value, str) and (not value or (len(value) == 1 and value.isalpha())))
    ):
        return '"***"'
    if isinstance(value, str):
        return _quoted(mask_card_numbers(value))
    written = _literal(value)
    masked = mask_card_numbers(written)
    return written if masked == written else f'"{masked}"'


def _print(part: Part, outer: int) -> str:
    match part:
        case Literal(value):
            return _literal(value)
        case Variable(name):
            return f"${name}"
        case ListName(name):
            return f"@{name}"
        case LiteralList(items):
            return "[" + ", ".join(_print(item, 0) for item in items) + "]"
        case Call(function, arguments):
            return f"{function}({', '.join(_print(argument, 0) for argument in arguments)})"
        case Negative(operand):
            return _grouped(f"-{_print(operand, 7)}", 7, outer)
        case Arithmetic(operator, left, right):
            binding = _BINDING[operator]
            text = f"{_print(left, binding)} {operator} {_print(right, binding + 1)}"
            return _grouped(text, binding, outer)
        case Comparison(operator, left, right):
            return _grouped(f"{_print(left, 5)} {operator} {_print(right, 5)}", 4, outer)
        case Membership(operand, collection, excluded):
            word = "not in" if excluded else "in"
            return _grouped(f"{_print(operand, 5)} {word} {_print(collection, 0)}", 4, outer)
        case Not(operand):
            return _grouped(f"!{_print(operand, 3)}", 3, outer)
        case And(operands):
            return _grouped(" and ".join(_print(each, 3) for each in operands), 2, outer)
        case Or(operands):
            return _grouped(" or ".join(_print(each, 2) for each in operands), 1, outer)


def _grouped(text: str, binding: int, outer: int) -> str:
    return f"({text})" if binding < outer else text


def _literal(value: Value) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return _quoted(value) if isinstance(value, str) else repr(value)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'
