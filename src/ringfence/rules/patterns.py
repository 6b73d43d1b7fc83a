r"""Regular expressions of `regex_match`: read, made safe, matched against a whole text.

Amazon Fraud Detector runs RE2J, which takes time in proportion to the text; Python's `re` may
take for ever on a text that a stranger chose. So a pattern that could is refused when the rule is
written, and one with several open repeats is not tried on texts too long for it.

Differences from RE2 and Java, all of them refused or harmless:
- `\d \w \s \b` mean ASCII only, as in RE2; `(?i)` folds ASCII letters only (RE2: all of Unicode).
- look-around, back-references, atomic groups and possessive repeats do not exist in RE2; refused.
- `\p{...}`, `\z`, `\Q...\E`, `\C` and `[[:alpha:]]` of RE2 do not exist here; refused.
- a repeat inside a repeat, fine in RE2, is refused: `(a+)+`.
- named groups are written `(?P<name>...)`, which RE2 knows too.
"""

from __future__ import annotations

import importlib
import math
import re
import warnings
from collections.abc import Callable, Iterable
from typing import Any

# Measured on one core: some tenths of a second of backtracking in the worst case.
_MAX_STEPS = 1e8
_SHORTEST_LIMIT = 64
# A repeat of fewer than this counts by its bounds, of more as if it were unbounded.
_OPEN_REPEAT = 32

_FOREIGN = {
    "ASSERT": "look-ahead and look-behind",
    "ASSERT_NOT": "look-ahead and look-behind",
    "GROUPREF": "back-references",
    "GROUPREF_EXISTS": "back-references",
    "GROUPREF_IGNORE": "back-references",
    "ATOMIC_GROUP": "atomic groups",
    "POSSESSIVE_REPEAT": "possessive repeats",
}


class TextTooLong(ValueError):
    """The text is longer than this pattern may be tried on."""


def matcher(pattern: str) -> Callable[[str], bool]:
    """A function that tells whether the whole of a text matches; raises `TextTooLong`.

    Raises `ValueError`, with the reason in words, for what is no pattern or not a safe one.
    """
    try:
        with warnings.catch_warnings():
            # Python warns where a later version will read a pattern differently.
            warnings.simplefilter("error")
            compiled = re.compile(pattern, re.ASCII)
            tree = importlib.import_module("re._parser").parse(pattern, re.ASCII)
    except re.error as error:
        where = "" if error.pos is None else f" at its character {error.pos + 1}"
        raise ValueError(f"the pattern cannot be read: {error.msg}{where}") from None
    except (Warning, ValueError, OverflowError, RecursionError) as error:
        raise ValueError(f"the pattern cannot be read: {error}") from None
    longest = _longest_text(tree)
    fullmatch = compiled.fullmatch

    def matches(text: str) -> bool:
        if longest is not None and len(text) > longest:
            raise TextTooLong
        return fullmatch(text) is not None

    return matches


def _longest_text(tree: Iterable[tuple[Any, Any]]) -> int | None:
    """Up to how many characters the steps stay within bounds; None when always."""
    weight = _Weight()
    weight.add(tree, repeated=False)
    if weight.open_repeats < 2 and weight.ways == 1:
        return None
    # Backtracking tries at most C(n, k) ways to share n characters among k open repeats.
    degree = max(weight.open_repeats, 1)
    longest = int((_MAX_STEPS * math.factorial(degree) / weight.ways) ** (1 / degree))
    if longest < _SHORTEST_LIMIT:
        raise ValueError("the pattern has too many repeats and alternatives; split it into several")
    return longest


class _Weight:
    """What backtracking may cost: unbounded repeats, and the product of all bounded choices."""

    def __init__(self) -> None:
        self.open_repeats = 0
        self.ways = 1.0

    def add(self, tree: Iterable[tuple[Any, Any]], *, repeated: bool) -> None:
        for operation, argument in tree:
            name = str(operation)
            if name in _FOREIGN:
                raise ValueError(f"{_FOREIGN[name]} cannot be used in a pattern")
            if name in ("MAX_REPEAT", "MIN_REPEAT"):
                self._add_repeat(*argument, repeated=repeated)
            elif name == "SUBPATTERN":
                self.add(argument[-1], repeated=repeated)
            elif name == "BRANCH":
                alternatives = argument[1]
                if repeated and not _begin_differently(alternatives):
                    raise ValueError(
                        "a repeat of alternatives that may begin alike can take for ever"
                    )
                if not _begin_differently(alternatives):
                    self.ways *= len(alternatives)
                for alternative in alternatives:
                    self.add(alternative, repeated=repeated)

    def _add_repeat(
        self, least: int, most: int, body: Iterable[tuple[Any, Any]], *, repeated: bool
    ) -> None:
        choices = most - least + 1
        if repeated and choices > 1:
            raise ValueError("a repeat inside a repeat can take for ever; write it flat")
        if choices > _OPEN_REPEAT:
            self.open_repeats += 1
            self.add(body, repeated=True)
            return
        self.ways *= choices
        if most > 1:
            inner = _Weight()
            inner.add(body, repeated=repeated or most > _OPEN_REPEAT)
            self.open_repeats += inner.open_repeats * most
            self.ways = min(self.ways * inner.ways**most, math.inf)
        else:
            self.add(body, repeated=repeated)


def _begin_differently(alternatives: Iterable[Iterable[tuple[Any, Any]]]) -> bool:
    first: list[str] = []
    for alternative in alternatives:
        operation, argument = next(iter(alternative), ("EMPTY", None))
        if str(operation) != "LITERAL" or not isinstance(argument, int):
            return False
        # Folded, because the pattern may ignore case.
        first.append(chr(argument).lower())
    return len(set(first)) == len(first)
