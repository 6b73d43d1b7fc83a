"""Patterns match whole texts, and none can be made to take for ever."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.rules.patterns import TextTooLong, matcher


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        (r".*@gmail\.com", "a@gmail.com", True),
        (r".*@gmail\.com", "a@gmail.com.au", False),
        ("abc$", "abc\n", False),
        (r"\d{1,3}(\.\d{1,3}){3}", "192.168.0.1", True),
        (r"\d+", "１２", False),
        ("(?i)visa", "VISA", True),
        ("(US|GB)-.*", "GB-LND", True),
        ("(ab|cd)*", "abcdab", True),
        ("[^@]+@[^@]+", "a@b", True),
        ("(?P<name>a)b", "ab", True),
        ("", "", True),
    ],
)
def test_a_pattern_matches_the_whole_text(pattern: str, text: str, matches: bool) -> None:
    assert matcher(pattern)(text) is matches


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(a+)+", "repeat inside a repeat"),
        ("(a*)*b", "repeat inside a repeat"),
        ("(a?a)+", "repeat inside a repeat"),
        ("(a?){40}", "repeat inside a repeat"),
        ("(?:.*x){40}", "repeat inside a repeat"),
        ("(?:.*x){9}", "too many repeats"),
        ("(a|aa)+", "begin alike"),
        ("(a|)+", "begin alike"),
        ("(?i)(ab|Ab)*", "begin alike"),
        ("(.|a)*b", "begin alike"),
        ("a?" * 30 + "a" * 30, "too many repeats"),
        (".*a" * 8, "too many repeats"),
        ("(", "cannot be read"),
        ("a{2,1}", "cannot be read"),
        (r"\p{L}", "cannot be read"),
        ("[[:alpha:]]", "cannot be read"),
        ("(?=a)b", "look-ahead"),
        ("(?<!a)b", "look-ahead and look-behind"),
        (r"(a)\1", "back-references"),
        ("(?>a)", "atomic groups"),
        ("a++", "possessive repeats"),
        ("(" * 2000 + ")" * 2000, "cannot be read"),
    ],
)
def test_a_pattern_that_is_unsafe_or_foreign_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        matcher(pattern)


def test_open_repeats_limit_the_length_of_the_text() -> None:
    assert matcher(".*a")("x" * 8191 + "a")
    assert matcher(".*a.*")("x" * 6000 + "a")
    three = matcher(".+@.+\\..+")
    assert three("someone@example.com")
    with pytest.raises(TextTooLong):
        three("@." * 4000 + "\n")


_PATTERNS = st.recursive(
    st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\d", "^", "$", ""]),
    lambda inner: st.one_of(
        st.builds("{}{}".format, inner, inner),
        st.builds("({}|{})".format, inner, inner),
        st.builds("(?:{}){}".format, inner, st.sampled_from(["*", "+", "?", "{2}", "{0,3}"])),
    ),
    max_leaves=6,
)


@given(pattern=_PATTERNS, text=st.text("ab1\n", max_size=8))
def test_an_accepted_pattern_matches_what_python_would_match(pattern: str, text: str) -> None:
    try:
        matches = matcher(pattern)
    except ValueError:
        return
    assert matches(text) is (re.fullmatch(pattern, text) is not None)


@given(pieces=st.lists(st.sampled_from(["a*", "[ab]*", "a", "b", "a?", "(a|b)", ".*"]), max_size=5))
def test_every_accepted_pattern_answers_on_the_longest_text_it_takes(pieces: list[str]) -> None:
    try:
        matches = matcher("".join(pieces) + "c")
    except ValueError:
        return
    for length in (64, 512):
        try:
            assert not matches("a" * length)
        except TextTooLong:
            assert length > 64
