"""From an expression to its tree. Knows the grammar; knows nothing of variables or types."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from ringfence.rules.errors import RuleInvalid
from ringfence.rules.grammar import GRAMMAR, SLIPS, in_words
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

if TYPE_CHECKING:
    from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedToken

MAX_CHARACTERS = 4000
# Deeper nesting is no rule that anybody can read, and every later step may recurse safely.
MAX_DEPTH = 100


def parse(expression: str) -> Node:
    """The tree of an expression. Raises `RuleInvalid` with line, column and what was expected."""
    if len(expression) > MAX_CHARACTERS:
        raise RuleInvalid(
            expression,
            MAX_CHARACTERS,
            "the expression is too long",
            f"at most {MAX_CHARACTERS:,} characters",
        )
    from lark import UnexpectedCharacters, UnexpectedToken

    try:
        node = cast("Node", _grammar().parse(expression))
    except UnexpectedToken as error:
        raise _unexpected_token(expression, error) from None
    except UnexpectedCharacters as error:
        raise _unexpected_character(expression, error) from None
    for part, depth in walk(node):
        if depth > MAX_DEPTH:
            raise RuleInvalid(
                expression,
                part.offset,
                "the expression is nested too deeply",
                f"at most {MAX_DEPTH} levels, and as many terms in a sum",
            )
        if isinstance(part, Literal) and isinstance(part.value, float) and math.isinf(part.value):
            raise RuleInvalid(expression, part.offset, "the number is too large")
    return node


@lru_cache(maxsize=1)
def _grammar() -> Lark:
    # Lark's import takes some 100 ms and reading the grammar 30 ms: neither at start-up.
    from lark import Lark

    # The tree is built while parsing, bottom up, so that no input can exhaust the stack.
    return Lark(
        GRAMMAR,
        parser="lalr",
        maybe_placeholders=False,
        transformer=cast("Transformer[Token, Node]", _Builder()),
    )


class _Builder:
    """Makes a node of what one alternative of the grammar matched; called by its name there."""

    def disjunction(self, matched: list[Any]) -> Node:
        return Or(tuple(matched[::2]), matched[1].start_pos)

    def conjunction(self, matched: list[Any]) -> Node:
        return And(tuple(matched[::2]), matched[1].start_pos)

    def inversion(self, matched: list[Any]) -> Node:
        return Not(matched[1], matched[0].start_pos)

    def compared(self, matched: list[Any]) -> Node:
        left, operator, right = matched
        return Comparison(str(operator), left, right, operator.start_pos)

    def included(self, matched: list[Any]) -> Node:
        operand, word, collection = matched
        return Membership(operand, collection, False, word.start_pos)

    def excluded(self, matched: list[Any]) -> Node:
        operand, word, _, collection = matched
        return Membership(operand, collection, True, word.start_pos)

    def arithmetic(self, matched: list[Any]) -> Node:
        left, operator, right = matched
        return Arithmetic(str(operator), left, right, operator.start_pos)

    def negative(self, matched: list[Any]) -> Node:
        return Negative(matched[1], matched[0].start_pos)

    def grouped(self, matched: list[Any]) -> Node:
        return cast("Node", matched[1])

    def call(self, matched: list[Any]) -> Node:
        name = matched[0]
        return Call(str(name), tuple(matched[2:-1:2]), name.start_pos)

    def variable(self, matched: list[Token]) -> Node:
        return Variable(matched[0][1:], matched[0].start_pos or 0)

    def number(self, matched: list[Token]) -> Literal:
        return Literal(_number(matched[0]), matched[0].start_pos or 0)

    def negative_number(self, matched: list[Token]) -> Literal:
        return Literal(-_number(matched[1]), matched[0].start_pos or 0)

    def text(self, matched: list[Token]) -> Literal:
        return Literal(_ESCAPE.sub(_unescaped, matched[0][1:-1]), matched[0].start_pos or 0)

    def true(self, matched: list[Token]) -> Literal:
        return Literal(True, matched[0].start_pos or 0)

    def false(self, matched: list[Token]) -> Literal:
        return Literal(False, matched[0].start_pos or 0)

    def null(self, matched: list[Token]) -> Literal:
        return Literal(None, matched[0].start_pos or 0)

    def literal_list(self, matched: list[Any]) -> LiteralList:
        return LiteralList(tuple(matched[1:-1:2]), matched[0].start_pos)

    def list_name(self, matched: list[Token]) -> ListName:
        return ListName(matched[0][1:], matched[0].start_pos or 0)


_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def _unescaped(escape: re.Match[str]) -> str:
    # Only a quote needs its backslash taken away; any other reaches regex_match as written.
    return '"' if escape.group(1) == '"' else escape.group()


def _number(written: str) -> int | float:
    return int(written) if written.isdigit() else float(written)


def _unexpected_token(expression: str, error: UnexpectedToken) -> RuleInvalid:
    token = error.token
    accepted = set(error.accepts or error.expected or ())
    at_end = token.type == "$END"
    if at_end and not expression.strip():
        return RuleInvalid(expression, 0, "the expression is empty", in_words(accepted))
    offset = len(expression.rstrip()) if at_end else token.start_pos or 0
    # Only after a name that is no function does the grammar want nothing but a parenthesis.
    if accepted == {"LPAR"}:
        return _lone_word(expression, offset)
    if at_end:
        return RuleInvalid(expression, offset, "the expression ends too early", in_words(accepted))
    problem = f"{_shown(token)} cannot stand here"
    if token.type in ("OPERATOR", "IN") and "AND" in accepted:
        problem += "; a comparison has two sides, join several with and"
    return RuleInvalid(expression, offset, problem, in_words(accepted))


def _unexpected_character(expression: str, error: UnexpectedCharacters) -> RuleInvalid:
    offset: int = error.pos_in_stream or 0
    character = expression[offset]
    if set(error.allowed or ()) - {"COMMENT"} == {"LPAR"}:
        return _lone_word(expression, offset)
    if character in SLIPS:
        return RuleInvalid(
            expression, offset, f"{character!r} cannot stand here: {SLIPS[character]}"
        )
    # The lexer knows less of the context than the parser: it would offer these everywhere.
    expected = in_words(set(error.allowed or ()) - {"RPAR", "COMMA", "COMMENT"})
    return RuleInvalid(expression, offset, f"{character!r} cannot stand here", expected)


def _lone_word(expression: str, offset: int) -> RuleInvalid:
    word = [match for match in _WORD.finditer(expression, 0, offset) if match.group(1)][-1]
    shown = _shown(word.group(1))
    return RuleInvalid(
        expression,
        word.start(),
        f"{shown} is neither a variable nor a function call",
        f'${shown} for a variable, "{shown}" for a text, or {shown}(...) for a function',
    )


_WORD = re.compile(r'"(?:[^"\\\r\n]|\\[^\r\n])*"|#[^\n]*|[$@]\w+|([A-Za-z_][A-Za-z0-9_]*)')


def _shown(token: str) -> str:
    return token if len(token) <= 40 else token[:40] + "…"
