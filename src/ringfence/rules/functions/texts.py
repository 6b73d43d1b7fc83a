"""Functions on texts."""

from __future__ import annotations

from ringfence.rules.functions.function import Function
from ringfence.rules.kinds import Kind
from ringfence.rules.patterns import matcher

FUNCTIONS = (
    Function(
        "regex_match",
        (Kind.TEXT, Kind.TEXT),
        Kind.BOOLEAN,
        "whether the whole text matches the pattern",
        bind=matcher,
    ),
    Function("lowercase", (Kind.TEXT,), Kind.TEXT, "the text in lower case", str.lower),
    Function("uppercase", (Kind.TEXT,), Kind.TEXT, "the text in upper case", str.upper),
)
