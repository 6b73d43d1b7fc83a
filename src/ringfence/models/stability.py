"""How far a distribution has moved: the population stability index, and what chance makes of it.

Pure arithmetic on counts. It knows neither models nor events.

The index is Σ (actual - expected) · ln(actual / expected) over bins, the symmetric Kullback-Leibler
divergence; below 0.1 nothing much has moved, above 0.25 a great deal has (N. Siddiqi, Credit Risk
Scorecards, 2006). Where nothing has moved at all it is still not zero: for samples of n and m it is
distributed as (1/n + 1/m) times a chi-square with one degree of freedom less than there are bins
(B. Yurdakul and J. Naranjo, Statistical Properties of the Population Stability Index, 2020). So
what chance alone would give is taken off, and a sample is called too few when chance could by
itself come near the first bound.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum
from statistics import NormalDist

import msgspec

from ringfence.models.metrics import Z95

WATCH, ALERT = 0.1, 0.25
# Fewer events than this say nothing about any distribution, however few its bins.
MIN_EVENTS = 100
# Half an event of the smaller sample in every bin: a level that one of the two lacks weighs, but
# not infinitely.
_HALF = 0.5
_CHANCE = 0.99


class State(StrEnum):
    """What a comparison comes to."""

    TOO_FEW = "too few"
    STABLE = "stable"
    WATCH = "watch"
    ALERT = "alert"


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """From where on something is watched, and from where on it is an alert.

    `watch` and `alert` are of the stability index. `calibration` is how many times as many, or as
    few, frauds as expected there may be, and high scores; half of that excess is watched.
    """

    watch: float = WATCH
    alert: float = ALERT
    calibration: float = 2.0


class Shift(msgspec.Struct, frozen=True):
    """How far one distribution has moved from another.

    `psi` is the index as it is defined, `chance` what it would be on average had nothing moved.
    The state goes by the difference of the two, `excess`.
    """

    psi: float
    chance: float
    state: State

    @property
    def excess(self) -> float:
        """The index without what chance gives; 0 when chance alone explains it."""
        return max(0.0, self.psi - self.chance)


def stability_index(expected: Sequence[int], actual: Sequence[int]) -> float:
    """The population stability index of two samples, given as counts of the same bins.

    0 for equal shares, the same in both directions, without an upper bound. 0 when one of the
    samples is empty.
    """
    n, m = sum(expected), sum(actual)
    if not n or not m:
        return 0.0
    # The same share of both is added, so that equal shares stay equal whatever the sizes.
    bins = len(expected)
    small = _HALF / min(n, m)
    whole = 1.0 + small * bins
    total = 0.0
    for of_expected, of_actual in zip(expected, actual, strict=True):
        if of_expected or of_actual:
            e, a = (of_expected / n + small) / whole, (of_actual / m + small) / whole
            total += (a - e) * math.log(a / e)
    return total


def compare(expected: Sequence[int], actual: Sequence[int], bounds: Bounds) -> Shift:
    """How far `actual` has moved from `expected`: counts of the same bins."""
    n, m = sum(expected), sum(actual)
    psi = stability_index(expected, actual)
    used = sum(1 for e, a in zip(expected, actual, strict=True) if e or a)
    freedom = max(1, used - 1)
    scale = (1 / n + 1 / m) if n and m else 0.0
    chance = freedom * scale
    if n < MIN_EVENTS or m < MIN_EVENTS:
        return Shift(psi, chance, State.TOO_FEW)
    excess = psi - chance
    by_chance = chi_square_quantile(_CHANCE, freedom) * scale - chance
    # What may be this far apart by chance tells nothing, unless it is much further.
    if by_chance > bounds.watch and excess < max(bounds.alert, 2 * by_chance):
        return Shift(psi, chance, State.TOO_FEW)
    if excess >= bounds.alert:
        return Shift(psi, chance, State.ALERT)
    return Shift(psi, chance, State.WATCH if excess >= bounds.watch else State.STABLE)


def chi_square_quantile(share: float, freedom: int) -> float:
    """A quantile of the chi-square distribution, by Wilson and Hilferty's approximation (1931);
    within 2 % from two degrees of freedom on."""
    z = NormalDist().inv_cdf(share)
    part = 2 / (9 * freedom)
    return float(freedom * max(0.0, 1 - part + z * math.sqrt(part)) ** 3)


def share_range(hits: int, of: int) -> tuple[float, float]:
    """The 95 % range of a share, `hits` of `of` (Wilson 1927); 0 to 1 when there is none."""
    if of <= 0:
        return 0.0, 1.0
    share, z2 = hits / of, Z95 * Z95
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    margin = Z95 / (1 + z2 / of) * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    # Rounding may carry the range of no hits, or of nothing but hits, past the share itself.
    return max(0.0, min(share, middle - margin)), min(1.0, max(share, middle + margin))
