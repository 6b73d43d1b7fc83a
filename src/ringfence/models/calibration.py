"""From log-odds to a score of 0 to 1000 that means the same for every model.

A score stands for a false positive rate: the share of legitimate events that score as high or
higher. The map is the one that versions of Amazon Fraud Detector's models have in common, so that
rules written for its scores go on flagging as much as they did: 900 is about 2% and 600 about 10%.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_SCORE = 1000
# Score, and the false positive rate of a threshold there; straight lines between.
_MAP = (
    (0.0, 1.0),
    (5.0, 0.885),
    (10.0, 0.814),
    (15.0, 0.761),
    (20.0, 0.719),
    (600.0, 0.10),
    (737.5, 0.06),
    (752.5, 0.055),
    (772.5, 0.05),
    (797.5, 0.045),
    (817.5, 0.04),
    (837.5, 0.035),
    (857.5, 0.03),
    (882.5, 0.025),
    (902.5, 0.02),
    (922.5, 0.015),
    (952.5, 0.01),
    (972.5, 0.005),
    (1000.0, 0.0),
)


def false_positive_rate(score: float) -> float:
    """The false positive rate that a threshold at `score` (0-1000) stands for."""
    place = min(bisect_right(_MAP, (score, 2.0)), len(_MAP) - 1)
    (low, low_rate), (high, high_rate) = _MAP[place - 1], _MAP[place]
    return low_rate + (high_rate - low_rate) * (score - low) / (high - low)


def score_bounds(legit: NDArray[np.float64]) -> tuple[float, ...]:
    """For each score 1 to 1000 the lowest log-odds that reach it.

    `legit` are the log-odds of legitimate events that the model was not trained on. Between two of
    them the quantile is a straight line, so that few events give a smooth map as well.
    """
    import numpy as np

    rates = np.array([false_positive_rate(score) for score in range(1, MAX_SCORE + 1)])
    bounds = np.quantile(legit, 1.0 - rates)
    return tuple(float(bound) for bound in np.maximum.accumulate(bounds))


def probabilities(
    scores: NDArray[np.int64], is_fraud: NDArray[np.bool_]
) -> tuple[tuple[float, float], ...]:
    """How likely a score means fraud: (score, probability) in order, straight lines between.

    By isotonic regression (pool adjacent violators, Ayer et al. 1955) on events that the model was
    not trained on, shape `(n_events,)`. Every pool counts the share of all events as one event
    more, so that few events never make a probability of 0 or 1. What frauds weighed in training
    does not matter here.
    """
    import numpy as np

    base = float(is_fraud.mean())
    distinct, places = np.unique(scores, return_inverse=True)
    counts = np.bincount(places).astype(np.float64)
    frauds = np.bincount(places, weights=is_fraud)
    # Of a pool: frauds, events, and the sum of scores over events.
    pools: list[list[float]] = []
    for fraud, count, score in zip(frauds, counts, distinct, strict=True):
        pools.append([float(fraud), float(count), float(score * count)])
        while len(pools) > 1 and _share(pools[-2], base) >= _share(pools[-1], base):
            last = pools.pop()
            pools[-1] = [one + other for one, other in zip(pools[-1], last, strict=True)]
    return tuple((round(p[2] / p[1], 2), round(_share(p, base), 8)) for p in pools)


def probability_of(score: float, known: Sequence[tuple[float, float]]) -> float:
    """The probability of fraud (0 to 1) at a score, by what `probabilities` gave."""
    place = bisect_right(known, (score, 2.0))
    if place == 0:
        return known[0][1]
    if place == len(known):
        return known[-1][1]
    (low, low_share), (high, high_share) = known[place - 1], known[place]
    return low_share + (high_share - low_share) * (score - low) / (high - low)


def _share(pool: Sequence[float], base: float) -> float:
    return (pool[0] + base) / (pool[1] + 1.0)


def score_of(log_odds: float, bounds: Sequence[float]) -> float:
    """The score of one event: a whole number from 0 to 1000."""
    return float(bisect_right(bounds, log_odds))
