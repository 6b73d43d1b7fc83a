"""What a training tried before it chose how to grow its trees. Kept with the version.

It knows neither the data nor LightGBM.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

import msgspec

Parameters: TypeAlias = dict[str, str | float | int | bool]

# Of no interest: how many trees there are is found out.
_LIMIT = "num_iterations"


class Recipe(msgspec.Struct, frozen=True):
    """How trees are grown: LightGBM's parameters, and how many models, grown with one seed each,
    are averaged. The same data, seed and recipe make the same version."""

    parameters: Parameters
    averaged: int = 1

    def seed(self, number: int) -> int:
        """The seed of one of the averaged models, the first having that of `parameters`."""
        return int(self.parameters.get("seed", 0)) + number * 1_000_003 % 2**31


class Verdict(StrEnum):
    """What became of a trial."""

    CHOSEN = "chosen"
    BETTER = "better"
    NOT_BETTER = "not better"
    GIVEN_UP = "given up"


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """A recipe that was tried: what it changes in the standard one, and how well it ranked the
    events to choose by.

    `average_precision`, `auc` and `trees` are None when it was given up after a few trees, because
    it fell behind. `gain` is in average precision over the best recipe before it, `noise` the
    standard error of that (bootstrap over events).
    """

    changed: Parameters
    averaged: int
    verdict: Verdict
    seconds: float
    trees: int | None = None
    average_precision: float | None = None
    auc: float | None = None
    gain: float | None = None
    noise: float | None = None

    @property
    def words(self) -> str:
        """What the recipe changes, for people."""
        return words_of(self.changed, self.averaged)


def words_of(changed: Parameters, averaged: int) -> str:
    """What a recipe changes, for people."""
    words = [f"{name} {value}" for name, value in changed.items() if name != _LIMIT]
    if averaged > 1:
        words.append(f"the mean of {averaged} models")
    return ", ".join(words) or "standard"


class Tuning(msgspec.Struct, frozen=True, kw_only=True):
    """A search for a recipe, within a time: what was tried, in order, and what it came to.

    `events` and `frauds` are those that it chose by: the latest of those that are learned from,
    none of them held out.
    """

    budget_seconds: float
    events: int
    frauds: int
    trials: tuple[Trial, ...]
    recipe: Recipe
