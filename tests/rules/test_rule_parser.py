"""Expressions are read into trees, and printed trees are read back."""

from __future__ import annotations

import pytest
from hypothesis import given
from rule_expressions import TREES

from ringfence.rules import RuleInvalid, references
from ringfence.rules.parser import MAX_DEPTH, parse
from ringfence.rules.printing import print_tree
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
    Variable,
)

A, B, C = Variable("a"), Variable("b"), Variable("c")
ONE, TWO = Literal(1), Literal(2)


@pytest.mark.parametrize(
    ("expression", "tree"),
    [
        ("$a < 100", Comparison("<", A, Literal(100))),
        ("$a > 955.0", Comparison(">", A, Literal(955.0))),
        ("$a > .5", Comparison(">", A, Literal(0.5))),
        ("$a > 1e-05", Comparison(">", A, Literal(1e-05))),
        ('$a != "US"', Comparison("!=", A, Literal("US"))),
        ("$a in @list_1", Membership(A, ListName("list_1"), False)),
        ("$a NOT IN @2nd", Membership(A, ListName("2nd"), True)),
        (
            "$1st in [5, -10]",
            Membership(Variable("1st"), LiteralList((Literal(5), Literal(-10))), False),
        ),
        ("$a + 1 * 2 > 1", Comparison(">", Arithmetic("+", A, Arithmetic("*", ONE, TWO)), ONE)),
        ("($a + 1) * 2 > 1", Comparison(">", Arithmetic("*", Arithmetic("+", A, ONE), TWO), ONE)),
        ("1 - 2 - $a == 1", Comparison("==", Arithmetic("-", Arithmetic("-", ONE, TWO), A), ONE)),
        ("-$a < --1", Comparison("<", Negative(A), Negative(Negative(ONE)))),
        ("$a or $b and $c", Or((A, And((B, C))))),
        ("($a or $b) and $c", And((Or((A, B)), C))),
        ("$a and $b and $c", And((A, B, C))),
        ("!$a == 1", Not(Comparison("==", A, ONE))),
        ("not $a and $b", And((Not(A), B))),
        ("! ! $a", Not(Not(A))),
        ("$a == null", Comparison("==", A, Literal(None))),
        (
            "$a == True or $a == FALSE",
            Or((Comparison("==", A, Literal(True)), Comparison("==", A, Literal(False)))),
        ),
        ("f()", Call("f", ())),
        (r'f("\d\"\\", $a)', Call("f", (Literal(r"\d" + '"' + r"\\"), A))),
        ("$a # and $b\n and $c", And((A, C))),
        ('$a == "# $b"', Comparison("==", A, Literal("# $b"))),
        ("android($a)", Call("android", (A,))),
        ("\t$a\r\n>\n1 ", Comparison(">", A, ONE)),
    ],
)
def test_an_expression_is_read(expression: str, tree: object) -> None:
    assert parse(expression) == tree


def test_literals_of_different_types_are_different() -> None:
    assert len({Literal(1), Literal(1.0), Literal(True)}) == 3


@given(tree=TREES)
def test_a_printed_tree_is_read_back_as_it_was(tree: object) -> None:
    printed = print_tree(tree)
    if len(printed) <= 4000:
        assert parse(printed) == tree


@pytest.mark.parametrize(
    ("expression", "line", "column", "problem"),
    [
        ("", 1, 1, "the expression is empty (expected a value)"),
        (" \n# nothing\n", 2, 10, "the expression ends too early (expected a value)"),
        ("$a >", 1, 5, "the expression ends too early (expected a value)"),
        ("$a > 5)", 1, 7, ") cannot stand here (expected the end)"),
        ("($a > 5", 1, 8, "the expression ends too early"),
        ("$a > 5\n  $b > 6", 2, 3, "$b cannot stand here"),
        ("1 < 2 < 3", 1, 7, "< cannot stand here; a comparison has two sides"),
        ("$a == US", 1, 7, "US is neither a variable nor a function call"),
        ("$a == US and $b", 1, 7, "US is neither a variable nor a function call"),
        ('$a == "x" or US # "y', 1, 14, "US is neither a variable nor a function call"),
        ("if $a > 5", 1, 1, "if is neither a variable nor a function call"),
        ("$a = 5", 1, 4, "'=' cannot stand here: write == to compare"),
        ("$a && $b", 1, 4, "'&' cannot stand here: write and"),
        ("$a == 'US'", 1, 7, '"\'" cannot stand here: write texts in double quotes'),
        ("$a == “US”", 1, 7, "'“' cannot stand here: write texts in straight double quotes"),
        ('$a == "US\n"', 1, 7, "the text is not closed by a double quote on its line"),
        ("$ a", 1, 1, "'$' cannot stand here: a variable's name must follow $"),
        ("$a in @", 1, 7, "'@' cannot stand here: a list's name must follow @"),
        ("$a in 5", 1, 7, "5 cannot stand here (expected a @list or [)"),
        ("$a in []", 1, 8, "] cannot stand here"),
        ("$a > 5;", 1, 7, "';' cannot stand here"),
        ("$a > 1e999", 1, 6, "the number is too large"),
    ],
)
def test_a_syntax_error_says_where_it_is_and_what_was_expected(
    expression: str, line: int, column: int, problem: str
) -> None:
    with pytest.raises(RuleInvalid) as raised:
        parse(expression)
    assert (raised.value.line, raised.value.column) == (line, column)
    assert str(raised.value).startswith(f"expression: line {line}, column {column}: ")
    assert problem in str(raised.value)
    assert raised.value.field == "expression"


@pytest.mark.parametrize(
    "expression", ["", "$a >", "f", "f(", "f($a", "$a in", "$a in [1", "$a not", "-", "$a ;", "f )"]
)
def test_no_message_names_a_symbol_of_the_grammar(expression: str) -> None:
    with pytest.raises(RuleInvalid) as raised:
        parse(expression)
    assert not any(word.isupper() and len(word) > 1 for word in str(raised.value).split())


def test_the_pointer_stands_below_the_place_in_its_line() -> None:
    with pytest.raises(RuleInvalid) as raised:
        parse("$a > 1\n\tand ; $b")
    assert raised.value.pointer == "\tand ; $b\n\t    ^"


def test_the_pointer_shows_a_part_of_a_long_line() -> None:
    with pytest.raises(RuleInvalid) as raised:
        parse("$a > 1 and " * 100 + ";" + " and $a > 1" * 100)
    shown, below = raised.value.pointer.split("\n")
    assert len(shown) == 100
    assert shown[below.index("^")] == ";"


def test_an_expression_has_at_most_4000_characters() -> None:
    parse("1 == 1 #" + "x" * 3992)
    with pytest.raises(RuleInvalid, match="too long"):
        parse("1 == 1 #" + "x" * 3993)


@pytest.mark.parametrize("opening", ["!", "-", "1 - (", "lowercase(", "1 + "])
def test_nesting_has_a_limit_however_it_is_made(opening: str) -> None:
    for levels, fits in ((MAX_DEPTH - 1, True), (MAX_DEPTH, False), (600, False)):
        expression = opening * levels + "1" + ")" * (levels * opening.count("("))
        if len(expression) > 4000:
            expression = expression[:4000]
        if fits:
            parse(expression)
        else:
            with pytest.raises(RuleInvalid):
                parse(expression)


def test_parentheses_alone_are_no_nesting() -> None:
    assert parse("(" * 1999 + "1" + ")" * 1999) == ONE


def test_references_are_the_variables_and_lists_that_an_expression_names() -> None:
    found = references('$a > 1 and $b in @bad # $c\n and $a not in @good and "$d" == "@e"')
    assert found.variables == {"a", "b"}
    assert found.lists == {"bad", "good"}
