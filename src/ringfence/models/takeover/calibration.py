"""From log-odds to a score of 0 to 1000 that stands for a challenge rate.

The share of ordinary logins that score as high or higher: 1% at 750, 5% at 500, 0.1% at 900, as
models of takeovers in Amazon Fraud Detector have it (its documentation names the latter two, its
sample notebook prints those between), so that rules written for its scores go on challenging as
many.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from ringfence.models.calibration import MAX_SCORE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Score, and the challenge rate of a threshold there; straight lines between. Below 500 nothing is
# published: each hundred takes away as large a part.
_MAP = (
    (0.0, 1.0),
    (100.0, 0.549),
    (200.0, 0.302),
    (300.0, 0.166),
    (400.0, 0.091),
    (500.0, 0.05),
    (575.0, 0.04),
    (620.0, 0.03),
    (670.0, 0.02),
    (750.0, 0.01),
    (900.0, 0.001),
    (1000.0, 0.0),
)


def challenge_rate(score: float) -> float:
    """The share of ordinary logins, 0 to 1, that a threshold at `score` (0-1000) challenges."""
    place = min(bisect_right(_MAP, (score, 2.0)), len(_MAP) - 1)
    (low, low_rate), (high, high_rate) = _MAP[place - 1], _MAP[place]
    return low_rate + (high_rate - low_rate) * (score - low) / (high - low)


def challenge_bounds(ordinary: NDArray[np.float64]) -> tuple[float, ...]:
    """For each score 1 to 1000 the lowest log-odds that reach it.

    `ordinary` are the log-odds of logins that nobody called a takeover and that the model was not
    trained on.
    """
    import numpy as np

    rates = np.array([challenge_rate(score) for score in range(1, MAX_SCORE + 1)])
    bounds = np.quantile(ordinary, 1.0 - rates)
    return tuple(float(bound) for bound in np.maximum.accumulate(bounds))
