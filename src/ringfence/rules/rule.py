"""Rules ready to be evaluated, and what comes of evaluating them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec

from ringfence.events.variables import DataType, Value
from ringfence.rules.checking import Scope, check_tree
from ringfence.rules.compiler import Test, compile_tree
from ringfence.rules.parser import parse
from ringfence.rules.printing import with_values
from ringfence.rules.syntax import ListName, Variable, walk


class ExecutionMode(StrEnum):
    """Whether the rules after the first that matched are evaluated too."""

    FIRST_MATCHED = "FIRST_MATCHED"
    ALL_MATCHED = "ALL_MATCHED"


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """An expression in DETECTORPL, and the outcomes of an event that it matches."""

    rule_id: str
    version: str
    expression: str
    outcomes: tuple[str, ...]
    description: str = ""


class RuleResult(msgspec.Struct, frozen=True):
    """What a rule said of an event.

    `evaluated` is False when the rule could not be evaluated (division by zero, a text that is no
    time); it then counts as not matched.
    """

    rule_id: str
    version: str
    outcomes: tuple[str, ...]
    matched: bool
    evaluated: bool


@dataclass(frozen=True, slots=True)
class References:
    """What an expression names, each without its mark."""

    variables: frozenset[str]
    lists: frozenset[str]


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule and the function that evaluates it."""

    rule: Rule
    test: Test

    def result(self, *, matched: bool, evaluated: bool = True) -> RuleResult:
        """The result of this rule that says so."""
        return RuleResult(
            self.rule.rule_id, self.rule.version, self.rule.outcomes, matched, evaluated
        )


def check(
    expression: str, types: Mapping[str, DataType], lists: Mapping[str, Collection[str]]
) -> None:
    """Raise `RuleInvalid` unless the expression is a rule over these variables and lists."""
    check_tree(expression, parse(expression), Scope(types, lists))


def compile_rule(
    rule: Rule, types: Mapping[str, DataType], lists: Mapping[str, Collection[str]]
) -> CompiledRule:
    """The rule, ready to be evaluated. Takes milliseconds. Raises `RuleInvalid`."""
    tree = parse(rule.expression)
    scope = Scope(types, lists)
    check_tree(rule.expression, tree, scope)
    return CompiledRule(rule, compile_tree(tree, scope))


def references(expression: str) -> References:
    """The variables and lists that an expression names. Raises `RuleInvalid` for its syntax."""
    parts = [part for part, _ in walk(parse(expression))]
    return References(
        frozenset(part.name for part in parts if isinstance(part, Variable)),
        frozenset(part.name for part in parts if isinstance(part, ListName)),
    )


def format_with_values(rule: Rule | str, values: Mapping[str, Value]) -> str:
    """A rule's expression with an event's values in place of its variables, for people to read.

    Card numbers are masked and security codes left out.
    """
    return with_values(rule if isinstance(rule, str) else rule.expression, values)


class RuleSet:
    """The rules of a detector version, in order. Immutable; safe to use from several threads."""

    def __init__(self, compiled: Sequence[CompiledRule], mode: ExecutionMode):
        self.mode = mode
        self._first_only = mode is ExecutionMode.FIRST_MATCHED
        # Results are values: one of each is enough for all events.
        self._rules = tuple(
            (
                rule.test,
                rule.result(matched=True),
                rule.result(matched=False),
                rule.result(matched=False, evaluated=False),
            )
            for rule in compiled
        )

    def evaluate(self, values: Mapping[str, Value], at: datetime) -> tuple[RuleResult, ...]:
        """What each rule says of an event, in order; with FIRST_MATCHED up to the first match.

        `values` holds the event's variables and the models' scores by name; a name that is not
        there is null. `at` is the time of the event. Never raises.
        """
        return tuple(self._results(values, at))

    def _results(self, values: Mapping[str, Value], at: datetime) -> Iterator[RuleResult]:
        for test, matched, not_matched, not_evaluated in self._rules:
            try:
                result = matched if test(values, at) else not_matched
            except Exception:
                # Whatever a value is like, one rule must not keep the others from deciding.
                result = not_evaluated
            yield result
            if result is matched and self._first_only:
                return
