"""Compiled rules say of an event what the language means, and never fail."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_expressions import AT, LISTS, RULES, TYPES, VALUES, interpret

from ringfence.events.variables import Value
from ringfence.rules import ExecutionMode, Rule, RuleResult, RuleSet, compile_rule
from ringfence.rules.printing import print_tree


def _rule(expression: str, rule_id: str = "r") -> Rule:
    return Rule(rule_id=rule_id, version="1", expression=expression, outcomes=(f"of_{rule_id}",))


def _said(expression: str, at: datetime = AT, **values: Any) -> tuple[bool, bool]:
    rules = RuleSet([compile_rule(_rule(expression), TYPES, LISTS)], ExecutionMode.ALL_MATCHED)
    (result,) = rules.evaluate(values, at)
    return result.matched, result.evaluated


MATCHED, NOT_MATCHED, NOT_EVALUATED = (True, True), (False, True), (False, False)


@pytest.mark.parametrize(
    ("expression", "values", "said"),
    [
        ("$score > 950 and $amount > 100", {"score": 960.0, "amount": 100.5}, MATCHED),
        ("$score > 950 and $amount > 100", {"score": 950.0, "amount": 100.5}, NOT_MATCHED),
        ("$visits == 5", {"visits": 5}, MATCHED),
        ("$amount == 5", {"amount": 5.0}, MATCHED),
        ("$visits * 100.0 > $amount", {"visits": 2, "amount": 199.0}, MATCHED),
        ("$visits / 2 == 2.5", {"visits": 5}, MATCHED),
        ("$visits % 3 == -1", {"visits": -7}, MATCHED),
        ("$amount % 0.5 == 0", {"amount": 1.5}, MATCHED),
        ("$score == -1", {"score": -1.0}, MATCHED),
        ('$country == "US"', {"country": "US"}, MATCHED),
        ('$country == "us"', {"country": "US"}, NOT_MATCHED),
        ('$country < "V"', {"country": "US"}, MATCHED),
        ("$country in @risky", {"country": "US"}, MATCHED),
        ("$country not in @risky", {"country": "FR"}, MATCHED),
        ("$mcc in @codes", {"mcc": 6011}, MATCHED),
        ("$mcc not in @codes", {"mcc": 6011}, NOT_MATCHED),
        ("$mcc in [5411, -6011]", {"mcc": -6011}, MATCHED),
        ("$known", {"known": True}, MATCHED),
        ("!$known", {"known": True}, NOT_MATCHED),
        ('$known == "False"', {"known": False}, MATCHED),
        ("$known != true", {"known": False}, MATCHED),
        ("$known == $present", {"known": False, "present": False}, MATCHED),
        ("($score > 1) == false", {"score": 0.5}, MATCHED),
        (r'regex_match(".*@gmail\.com", lowercase($email))', {"email": "A@GMail.com"}, MATCHED),
        (r'regex_match(".*@gmail\.com", $email)', {"email": "a@gmailxcom"}, NOT_MATCHED),
        ('regex_match("mystring", $email)', {"email": "mystring2"}, NOT_MATCHED),
        ('regex_match("^my", $email)', {"email": "mystring"}, NOT_MATCHED),
        ('uppercase($email) == "A"', {"email": "a"}, MATCHED),
        ('isbefore(getcurrentdatetime(), "2019-11-30T01:01:01Z") == "False"', {}, MATCHED),
        ('$seen == "2026-11-24T09:30:00Z"', {"seen": "2026-11-24T10:30:00+01:00"}, MATCHED),
        ("$seen > $opened", {"seen": "2026-11-24T09:30:00Z", "opened": "2026-11-24"}, MATCHED),
        ('$seen in ["2026-11-24"]', {"seen": "2026-11-24T00:00:00Z"}, MATCHED),
        ('getcurrentdatetime() == "2026-11-24T09:30:00Z"', {}, MATCHED),
        ('regex_match("2026-.*Z", getcurrentdatetime())', {}, MATCHED),
        ("getepochmilliseconds($seen) == 1500", {"seen": "1970-01-01T00:00:01.5Z"}, MATCHED),
        (
            "gethour($seen) == 8 and getminute($seen) == 5",
            {"seen": "2026-11-24T09:05+01:00"},
            MATCHED,
        ),
        ("getdayofweek($seen) == 2", {"seen": "2026-11-24"}, MATCHED),
        ("getdayofmonth($seen) == 24", {"seen": "2026-11-24"}, MATCHED),
    ],
)
def test_a_rule_says_what_its_expression_means(
    expression: str, values: dict[str, Value], said: tuple[bool, bool]
) -> None:
    assert _said(expression, **values) == said


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("$score == null", MATCHED),
        ("$score != null", NOT_MATCHED),
        ("null == null", MATCHED),
        ("$score == 5", NOT_MATCHED),
        ('$country != "US"', MATCHED),
        ('lowercase($country) != "us"', MATCHED),
        ("$country == $email", MATCHED),
        ("$known != true", MATCHED),
        ("$known == false", NOT_MATCHED),
        ("$known", NOT_MATCHED),
        ("!$known", NOT_MATCHED),
        ("$score > 5", NOT_MATCHED),
        ("$score <= 5", NOT_MATCHED),
        ("!($score > 5)", NOT_MATCHED),
        ("$score + 1 != 5", NOT_MATCHED),
        ("$mcc in [5]", NOT_MATCHED),
        ("$mcc not in [5]", NOT_MATCHED),
        ("$country not in @risky", NOT_MATCHED),
        ('regex_match(".*", $email)', NOT_MATCHED),
        ('!regex_match(".*", $email)', NOT_MATCHED),
        ("isbefore($seen, getcurrentdatetime()) == false", NOT_MATCHED),
        ("$score > 5 or $amount == null", MATCHED),
        ("!($score > 5 and $amount != null)", MATCHED),
        ("$score / 0 > 1", NOT_MATCHED),
    ],
)
def test_a_test_on_null_is_neither_true_nor_false(expression: str, said: tuple[bool, bool]) -> None:
    assert _said(expression) == said
    assert _said(expression, **dict.fromkeys(TYPES)) == said


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("$score / $visits > 1", {"score": 1.0, "visits": 0}),
        ("$visits % 0 > 1", {"visits": 1}),
        ("1 / 0 == 1", {}),
        ("$visits * 1.5 > 1", {"visits": 10**400}),
        ("isbefore($country, getcurrentdatetime())", {"country": "US"}),
        ("$score > 1", {"score": "much"}),
        ("$score > 1", {"score": True}),
        ("$known", {"known": "maybe"}),
        ('$country == "US"', {"country": ["US"]}),
        (r'regex_match(".*a.*b.*c.*", $email)', {"email": "x" * 5000}),
    ],
)
def test_what_cannot_be_evaluated_is_reported_and_does_not_match(
    expression: str, values: dict[str, Any]
) -> None:
    assert _said(expression, **values) == NOT_EVALUATED


def test_a_guard_before_a_division_keeps_the_rule_evaluable() -> None:
    assert _said("$visits != 0 and 10 / $visits > 1", visits=0) == NOT_MATCHED
    assert _said("$visits == 0 or 10 / $visits > 1", visits=0) == MATCHED


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("$score > 0.07 and $score == 0.5", {"score": "0.5\n"}),
        ("$mcc == 6011 and $mcc in @codes", {"mcc": "6011"}),
        ("$known == true", {"known": "True"}),
        ('$country == "840"', {"country": 840}),
        ("$visits < 2.5", {"visits": 2.25}),
    ],
)
def test_values_in_another_form_count_as_their_declared_type(
    expression: str, values: dict[str, Any]
) -> None:
    assert _said(expression, **values) == MATCHED


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 11, 24, 9, 30),
        datetime(2026, 11, 24, 10, 30, tzinfo=timezone(timedelta(hours=1))),
    ],
)
def test_the_clock_of_a_rule_is_the_time_of_the_event_in_utc(at: datetime) -> None:
    assert _said('getcurrentdatetime() == "2026-11-24T09:30:00Z"', at) == MATCHED
    assert _said('regex_match(".*T09:30:00Z", getcurrentdatetime())', at) == MATCHED


@pytest.mark.parametrize(
    "expression",
    [
        "1" + " + 1" * 98 + " > 1",
        "1 - (" * 97 + "1" + ")" * 97 + " > 1",
        "1 % (2 + (" * 48 + "2" + "))" * 48 + " == 1",
        "-" * 97 + "1 < 1",
        "lowercase(" * 97 + "$country" + ")" * 97 + ' == "us"',
        "($known and " * 48 + "!($known or " * 24 + "$known" + ")" * 72,
        " or ".join(["$visits == 7"] * 250),
    ],
)
def test_the_largest_rules_that_are_accepted_can_be_evaluated(expression: str) -> None:
    assert _said(expression, country="US", known=True, visits=1)[1]


def _results(mode: ExecutionMode) -> tuple[RuleResult, ...]:
    rules = [
        _rule("1 / 0 > 1", "broken"),
        _rule("$score > 950", "high"),
        _rule("$score > 750", "medium"),
        _rule("$score > 0", "any"),
    ]
    compiled = [compile_rule(rule, TYPES, LISTS) for rule in rules]
    return RuleSet(compiled, mode).evaluate({"score": 800.0}, AT)


def test_first_matched_stops_at_the_first_match() -> None:
    assert _results(ExecutionMode.FIRST_MATCHED) == (
        RuleResult("broken", "1", ("of_broken",), matched=False, evaluated=False),
        RuleResult("high", "1", ("of_high",), matched=False, evaluated=True),
        RuleResult("medium", "1", ("of_medium",), matched=True, evaluated=True),
    )


def test_all_matched_evaluates_every_rule() -> None:
    assert [(r.rule_id, r.matched) for r in _results(ExecutionMode.ALL_MATCHED)] == [
        ("broken", False),
        ("high", False),
        ("medium", True),
        ("any", True),
    ]


@given(tree=RULES, values=VALUES)
@settings(max_examples=800, deadline=None)
def test_a_compiled_rule_says_what_a_plain_interpreter_says(
    tree: Any, values: dict[str, Value]
) -> None:
    assert _said(print_tree(tree), **values) == interpret(tree, values)


_ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=10),
    st.binary(max_size=3),
    st.lists(st.integers(), max_size=2),
    st.just(datetime(2026, 1, 1, tzinfo=UTC)),
)


@given(tree=RULES, values=st.dictionaries(st.sampled_from(list(TYPES)), _ANYTHING))
@settings(max_examples=200, deadline=None)
def test_no_value_makes_a_rule_fail(tree: Any, values: dict[str, Any]) -> None:
    matched, evaluated = _said(print_tree(tree), **values)
    assert evaluated or not matched


@given(tree=RULES, values=VALUES)
@settings(max_examples=100, deadline=None)
def test_a_rule_and_its_negation_never_match_together(tree: Any, values: dict[str, Value]) -> None:
    printed = print_tree(tree)
    assert not (_said(printed, **values)[0] and _said(f"!({printed})", **values)[0])
