"""Draws: whole columns at once, from one generator, so that a seed fixes every value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Random: TypeAlias = np.random.Generator
Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]
# Arrays of `str | None`; NumPy keeps those as objects.
Texts: TypeAlias = npt.NDArray[Any]


def texts(values: Sequence[str | None]) -> Texts:
    """The values as a column."""
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def choose(random: Random, weights: Floats | Sequence[float], count: int) -> Integers:
    """Indices into `weights`, each as often as its weight says; shape `(count,)`."""
    edges = np.cumsum(np.asarray(weights, dtype=np.float64))
    drawn = np.searchsorted(edges, random.random(count) * edges[-1], side="right")
    chosen: Integers = np.minimum(drawn, len(edges) - 1).astype(np.int64)
    return chosen


def pick(random: Random, options: Sequence[str] | Texts, count: int) -> Texts:
    """Texts drawn evenly from `options`; shape `(count,)`."""
    pool = options if isinstance(options, np.ndarray) else texts(options)
    return pool[random.integers(0, len(pool), count)]


def letters(random: Random, weights: Mapping[str, float], count: int) -> Texts:
    """Codes drawn by their weights; shape `(count,)`."""
    return texts(list(weights))[choose(random, list(weights.values()), count)]


def drifting_letters(
    random: Random, first: Mapping[str, float], last: Mapping[str, float], progress: Floats
) -> Texts:
    """Codes that follow `first` at progress 0, `last` at 1, and a mixture in between."""
    count = len(progress)
    arrived = random.random(count) < progress
    return np.where(arrived, letters(random, last, count), letters(random, first, count))


def happens(random: Random, probability: float | Floats, count: int) -> Flags:
    """Whether something of this probability happens, for each row; shape `(count,)`."""
    return random.random(count) < probability


def log_normal(random: Random, median: float | Floats, sigma: float | Floats, count: int) -> Floats:
    """Positive numbers around `median`; `sigma` is the spread of their logarithm."""
    return median * np.exp(sigma * random.standard_normal(count))


def drifting(progress: Floats, first: float, last: float) -> Floats:
    """From `first` to `last` as the period goes from 0 to 1."""
    return first + (last - first) * progress


def second_of_day(random: Random, hour_weights: Sequence[float] | Floats, count: int) -> Integers:
    """Seconds since local midnight; `hour_weights` has 24 entries."""
    return choose(random, hour_weights, count) * 3600 + random.integers(0, 3600, count)
