"""What an enrichment is: how the value of a variable is taken apart into numbers and keys.

A *number* goes into the model as it is. A *key* is a text whose meaning is learned in training
(`encoding.py`): how fraudulent and how frequent it is. One definition serves training and scoring.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

Parts: TypeAlias = tuple[tuple[float, ...], tuple[str | None, ...]]


@dataclass(frozen=True, slots=True)
class Number:
    """One number. `words` say what it means in an explanation: a format string over `x` (the
    number), `variable` and `other` (the names of the inputs). For a yes-or-no number `words` are
    for yes and `otherwise` for no."""

    name: str
    words: str
    otherwise: str | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """One learned text. `words` name what it is in an explanation: `mail domain`."""

    name: str
    words: str


@dataclass(frozen=True, slots=True)
class Enrichment:
    """Numbers and keys, and the function that finds them.

    `split` gets one argument per input: a stripped, non-empty text, or a finite number when
    `numeric`, or an aware time. It is never called with a missing value: then all numbers are NaN
    and all keys None. It returns one float per number and one text or None per key. `repeats` says
    that the same inputs come again and again, so that results are worth keeping.
    """

    numbers: tuple[Number, ...]
    keys: tuple[Key, ...]
    split: Callable[..., Parts]
    numeric: bool = False
    repeats: bool = True

    def missing(self) -> Parts:
        """The parts of a missing value."""
        return (float("nan"),) * len(self.numbers), (None,) * len(self.keys)
