"""What is wrong with a rule, and where it stands in the expression."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from ringfence.errors import InvalidInput

_POINTER_WIDTH = 100


class RuleInvalid(InvalidInput):
    """An expression that is not a rule.

    `line` and `column` count from 1, columns in characters. `pointer` is two lines for a
    terminal: the line of the expression (a part of it, when it is long) and a caret below the
    place.
    """

    def __init__(self, expression: str, offset: int, problem: str, expected: str | None = None):
        offset = min(offset, len(expression))
        start = expression.rfind("\n", 0, offset) + 1
        end = expression.find("\n", offset)
        line = expression[start : end if end >= 0 else None].rstrip("\r")
        self.line = expression.count("\n", 0, offset) + 1
        self.column = offset - start + 1
        self.problem = problem
        self.pointer = _pointer(line, offset - start)
        super().__init__(
            f"line {self.line}, column {self.column}: {problem}",
            field="expression",
            expected=expected,
        )


def did_you_mean(name: str, known: Iterable[str], mark: str = "") -> str:
    """`; did you mean $amount?` when a known name is near, else the empty text."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    near = difflib.get_close_matches(name.lower()[:64], by_lower, n=1)
    return f"; did you mean {mark}{by_lower[near[0]]}?" if near else ""


def _pointer(line: str, column: int) -> str:
    first = max(0, column - _POINTER_WIDTH // 2) if len(line) > _POINTER_WIDTH else 0
    shown = line[first : first + _POINTER_WIDTH]
    # Tabs stay tabs, so that the caret stands below its character however wide a tab is.
    below = "".join("\t" if character == "\t" else " " for character in shown[: column - first])
    return f"{shown}\n{below}^"
