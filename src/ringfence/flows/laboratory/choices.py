"""Going through everything that can happen: choices that are made, noted, and made otherwise.

A call is a sequence of choices. It begins with those that are given, and goes on with ones that no
call has made yet; a block that is run again gets the same choice again, so that loops come to
their end. Afterwards every other choice that could have been made is put on a list, unless one
like it was: in the same block, with the same attributes and counters.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Made:
    """One choice: what it was about, how many ways there were and the way that was chosen."""

    about: Hashable
    where: int
    labels: tuple[str, ...]
    chosen: int

    @property
    def label(self) -> str:
        """What was chosen, in words."""
        return self.labels[self.chosen]


class Choices:
    """The choices of one call."""

    def __init__(self, given: Sequence[int], tried: Counter[tuple[Hashable, int]]):
        self.made: list[Made] = []
        self._given = given
        self._tried = tried
        self._before: dict[Hashable, int] = {}

    def choose(
        self, about: Hashable, options: Sequence[tuple[str, T]], where: Callable[[], int]
    ) -> T:
        """One of `options`, which are labels and what they mean. `where` tells situations apart."""
        if len(options) == 1:
            return options[0][1]
        position = len(self.made)
        if position < len(self._given):
            chosen = min(self._given[position], len(options) - 1)
        elif about in self._before:
            chosen = min(self._before[about], len(options) - 1)
        else:
            chosen = min(range(len(options)), key=lambda each: self._tried[about, each])
        self._before[about] = chosen
        self._tried[about, chosen] += 1
        labels = tuple(label for label, _ in options)
        self.made.append(Made(about, where(), labels, chosen))
        return options[chosen][1]


class Search:
    """The list of calls that are still to be made: those with the rarest choices come first."""

    def __init__(self) -> None:
        self._tried: Counter[tuple[Hashable, int]] = Counter()
        self._ahead: list[tuple[int, int, int, tuple[int, ...], tuple[Hashable, int]]] = []
        self._known: set[tuple[Hashable, int, int]] = set()
        self._listed = 0

    def first(self) -> Choices:
        """A call without any choices given."""
        return Choices((), self._tried)

    def next(self) -> Choices | None:
        """The next call; None when there is nothing left that was not done."""
        while self._ahead:
            tried, depth, number, given, last = heapq.heappop(self._ahead)
            if self._tried[last] > tried:
                entry = (self._tried[last], depth, number, given, last)
                heapq.heappush(self._ahead, entry)
                continue
            return Choices(given, self._tried)
        return None

    def learn(self, choices: Choices) -> None:
        """List what could have been chosen otherwise."""
        so_far: list[int] = []
        for made in choices.made:
            for other in range(len(made.labels)):
                key = (made.about, made.where, other)
                if key in self._known:
                    continue
                self._known.add(key)
                if other != made.chosen:
                    last = (made.about, other)
                    self._listed += 1
                    entry = (self._tried[last], len(so_far), self._listed, (*so_far, other), last)
                    heapq.heappush(self._ahead, entry)
            so_far.append(made.chosen)
