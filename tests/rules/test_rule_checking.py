"""A rule that makes no sense is refused when it is written, with the place and a way out."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_expressions import AT, LISTS, RULES, TYPES

from ringfence.errors import InvalidInput
from ringfence.events.variables import DataType
from ringfence.rules import (
    FUNCTIONS,
    ExecutionMode,
    Rule,
    RuleInvalid,
    RuleSet,
    check,
    compile_rule,
)
from ringfence.rules.printing import print_tree

SAMPLE_TYPES = {
    **dict.fromkeys(
        [
            "ofi_model_insightscore",
            "transaction_model_insightscore",
            "transaction_fraud_model1_tfi_insightscore",
            "sagemaker_xgb_score_v1",
            "registration_model_insightscore",
            "sample_fraud_detection_model_insightscore",
            "variable_1",
            "variable_3",
        ],
        DataType.FLOAT,
    ),
    **dict.fromkeys(["emailvar", "variable_2", "email", "phone_number", "v"], DataType.STRING),
}


@pytest.mark.parametrize(
    "expression",
    [
        "$ofi_model_insightscore > 950",
        "$ofi_model_insightscore <= 750",
        "$ofi_model_insightscore > 955.0",
        "$transaction_model_insightscore > 750",
        "$transaction_fraud_model1_tfi_insightscore >= 950",
        "$transaction_fraud_model1_tfi_insightscore >= 860 and "
        "$transaction_fraud_model1_tfi_insightscore < 950",
        "$transaction_fraud_model1_tfi_insightscore < 600",
        "$sagemaker_xgb_score_v1 > 0.9",
        "$sagemaker_xgb_score_v1 <= 0.5",
        "$registration_model_insightscore <= 900 and $registration_model_insightscore > 700",
        "$sample_fraud_detection_model_insightscore <= 900",
        "$variable_1 >= 0",
        "1 == 5",
        '$emailvar == "fraud@example.com"',
        '$variable_1 < 100 and $variable_2 != "US" or ($variable_1 * 100.0 > $variable_3)',
        "$variable_1 + $variable_3 < 10",
        "$variable_1 in [5, 10, 25, 100]",
        "$variable_1 == 1000",
        r'regex_match(".*@gmail\.com", lowercase($email))',
        r'regex_match(".*\+1", $phone_number)',
        'regex_match("^mystring", $v)',
        'regex_match("mystring", $v)',
        'isbefore(getcurrentdatetime(), "2019-11-30T01:01:01Z") == "False"',
        'isafter(getcurrentdatetime(), "2019-11-30T01:01:01Z") == true',
        "getepochmilliseconds(getcurrentdatetime()) > 1000",
        "$v == null",
        "$v != null",
        "$v in @names",
        "$v not in @names",
        "!($v in @names)",
    ],
)
def test_rules_of_existing_users_are_accepted(expression: str) -> None:
    check(expression, SAMPLE_TYPES, {"names": ["a"]})


@pytest.mark.parametrize(
    ("expression", "column", "message"),
    [
        ("$amout > 1", 1, "there is no variable $amout; did you mean $amount?"),
        ("$COUNTRY == null", 1, "there is no variable $COUNTRY; did you mean $country?"),
        ("$zzz > 1", 1, "there is no variable $zzz"),
        ("$country in @riski", 13, "there is no list @riski; did you mean @risky?"),
        (
            "Lowercase($country) == null",
            1,
            "there is no function Lowercase; did you mean lowercase?",
        ),
        (
            "$country > 5",
            10,
            '$country is a text and 5 is a number: > cannot compare them (expected "5")',
        ),
        ("5 == $country", 3, "5 is a number and $country is a text"),
        ('$score >= "5"', 8, '$score is a number and "5" is a text'),
        ("$known == 1", 8, "$known is true or false and 1 is a number"),
        ("$country == true", 10, "$country is a text and true is true or false"),
        ("$known > false", 1, "$known is true or false, which has no order"),
        ("$score > null", 10, "null is null, which has no order"),
        ("$score + 1", 8, "the rule gives a number and not true or false"),
        ('"yes"', 1, "the rule gives a text and not true or false"),
        ("null", 1, "the rule gives null and not true or false"),
        ("$score and $known", 1, "$score is a number; and takes true or false"),
        ("$known or 1", 11, "1 is a number; or takes true or false"),
        ("!$amount", 2, "$amount is a number; ! takes true or false"),
        ('$score + "1" > 5', 10, '"1" is a text; + takes a number'),
        ("-$country == 1", 2, "$country is a text; - takes a number"),
        ("lowercase($score) == null", 11, "$score is a number; lowercase takes a text"),
        ("lowercase() == null", 1, "lowercase was given no arguments (expected 1 argument)"),
        ("isbefore($seen)", 1, "isbefore was given 1 argument (expected 2 arguments)"),
        ('isbefore($seen, "x")', 17, '"x" is not a time (expected ISO 8601'),
        ('$seen > "yesterday"', 9, '"yesterday" is not a time'),
        ('$seen in ["never"]', 11, '"never" is not a time'),
        ("regex_match($email, $email)", 13, "regex_match takes its pattern as written"),
        ('regex_match("(", $email)', 13, "the pattern cannot be read"),
        ('regex_match("(a+)+", $email)', 13, "a repeat inside a repeat can take for ever"),
        ('$score in [1, "2"]', 15, '"2" is a text; $score is a number'),
        ("$score in [1, null]", 15, "null is never found in a list (expected $score == null"),
        ("null in [1]", 1, "null cannot be looked up in a list"),
        ("$known in @risky", 1, "$known is true or false; a list holds texts"),
        ("$score in @words", 1, "$score is a number; @words holds none"),
        ("$score + 1 == null", 8, "a result is never compared with null (expected a variable"),
        ("($score > 1) == ($amount > 1)", 9, "a test can only be compared with true or false"),
        (
            "$country in @risky or $country in @codes or $country in @words or $country in @more",
            79,
            "the rule uses too many lists (expected at most 3 lists)",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(expression: str, column: int, message: str) -> None:
    lists = {**LISTS, "words": {"x"}, "more": set[str]()}
    with pytest.raises(RuleInvalid) as raised:
        check(expression, TYPES, lists)
    assert message in str(raised.value)
    assert (raised.value.line, raised.value.column) == (1, column)


def test_an_error_on_a_later_line_names_that_line() -> None:
    with pytest.raises(RuleInvalid, match=r"line 2, column 7: there is no variable \$amout"):
        check("$score > 1\n  and $amout > 2", TYPES, LISTS)


def test_a_rule_error_is_an_invalid_input() -> None:
    assert issubclass(RuleInvalid, InvalidInput)


def test_the_same_list_may_be_used_often() -> None:
    check(" or ".join(["$country in @risky"] * 5), TYPES, LISTS)


def test_functions_beyond_amazon_fraud_detector_say_so() -> None:
    own = {name for name, function in FUNCTIONS.items() if function.extension}
    assert own == {"gethour", "getminute", "getdayofweek", "getdayofmonth"}


@given(tree=RULES)
@settings(max_examples=200)
def test_what_makes_sense_is_accepted(tree: object) -> None:
    check(print_tree(tree), TYPES, LISTS)


_PIECES = st.sampled_from(
    [
        *(f"${name}" for name in TYPES),
        *FUNCTIONS,
        *"()[],+-*/%!#\n<>",
        *["==", "!=", "<=", ">=", "and", "or", "not", "in", "null", "true", '"False"', "@risky"],
        *["5", "0", "1.5", '"US"', '".*"', '"(a*)*"', '"2019-11-30T01:01:01Z"', "isbefore($seen,"],
    ]
)


@given(text=st.text(max_size=60) | st.lists(_PIECES, max_size=25).map(" ".join))
@settings(max_examples=400)
def test_any_text_compiles_or_is_refused_with_its_place(text: str) -> None:
    rule = Rule(rule_id="r", version="1", expression=text, outcomes=("block",))
    try:
        compiled = compile_rule(rule, TYPES, LISTS)
    except RuleInvalid as error:
        refused = error
    else:
        assert len(RuleSet([compiled], ExecutionMode.ALL_MATCHED).evaluate({}, AT)) == 1
        return
    lines = text.split("\n")
    assert 1 <= refused.line <= len(lines)
    assert 1 <= refused.column <= len(lines[refused.line - 1]) + 1
    assert refused.pointer.endswith("^")
