"""An expression is shown with the values that decided it, and never with a secret."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_expressions import LISTS, RULES, TYPES, VALUES, interpret

from ringfence.carddata import looks_like_card_number
from ringfence.events.variables import Value
from ringfence.rules import Rule, check, format_with_values
from ringfence.rules.parser import parse
from ringfence.rules.printing import print_tree


def test_variables_are_replaced_by_their_values_and_all_else_is_kept() -> None:
    shown = format_with_values(
        '$score > 950 and\n $country != "$score" # $country\n or $known or $gone == null',
        {"score": 960.0, "country": 'a"b', "known": True},
    )
    assert shown == ('960.0 > 950 and\n "a\\"b" != "$score" # $country\n or true or null == null')


def test_a_rule_is_shown_by_its_expression() -> None:
    rule = Rule(rule_id="r", version="1", expression="$score_2 > $score", outcomes=("o",))
    assert format_with_values(rule, {"score": 1, "score_2": 2}) == "2 > 1"


@pytest.mark.parametrize("value", ["4111111111111111", 4111111111111111, 4111111111111111.0])
def test_a_card_number_is_masked(value: Value) -> None:
    shown = format_with_values("$note == null", {"note": value})
    assert not looks_like_card_number(shown)
    assert "1111" in shown
    assert "11111" not in shown


@pytest.mark.parametrize("value", ["123", 123, "1234"])
def test_a_security_code_is_not_shown(value: Value) -> None:
    assert format_with_values("$card_cvv == null", {"card_cvv": value}) == '"***" == null'


def test_the_letter_of_a_match_is_shown() -> None:
    assert format_with_values('$cvv == "M"', {"cvv": "M"}) == '"M" == "M"'


@given(tree=RULES, values=VALUES)
def test_an_expression_with_values_says_the_same(tree: object, values: dict[str, Value]) -> None:
    shown = format_with_values(print_tree(tree), values)
    assert "$" not in shown


@given(text=st.text(max_size=100), values=VALUES)
def test_any_text_can_be_shown_with_values(text: str, values: dict[str, Value]) -> None:
    assert isinstance(format_with_values(text, values), str)


@given(tree=RULES)
def test_printing_needs_no_more_than_one_round(tree: object) -> None:
    printed = print_tree(tree)
    assert print_tree(parse(printed)) == printed
    check(printed, TYPES, LISTS)


def test_the_plain_interpreter_reports_what_it_cannot_evaluate() -> None:
    assert interpret(parse("1 / 0 > 1"), {}) == (False, False)
