"""How well a model of takeovers separates strangers from owners, on logins held out.

Pure arithmetic on log-odds and scores; NumPy is imported when it is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ringfence.models.habits import Remembered
from ringfence.models.metrics import (
    GroupImportance,
    Metrics,
    TakeoverMetrics,
    TakeoverRow,
    measure,
)
from ringfence.models.steps import Feature
from ringfence.models.takeover.calibration import challenge_rate
from ringfence.models.takeover.plan import looked_at

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# With fewer accounts that have a labelled takeover, the share that is found says nothing.
MIN_TAKEN_OVER = 50
_STEP = 5
_COUNTED_FROM = 2_000


def measure_takeovers(
    raw: NDArray[np.float64],
    scores: NDArray[np.int64],
    *,
    is_made_up: NDArray[np.bool_],
    is_takeover: NDArray[np.bool_],
    accounts_taken_over: int,
    features: Sequence[Feature | Remembered],
    contributions: NDArray[np.float64],
) -> Metrics:
    """Metrics of held-out logins and of strangers made up for them; arrays have shape `(n_rows,)`.

    `contributions`, shape `(n, n_features + 1)`, are what each feature adds to the log-odds of some
    of the strangers, the bias last.
    """
    import numpy as np

    compared = ~is_takeover
    mapped = {score: challenge_rate(score) for score in range(1001)}
    metrics = measure(is_made_up[compared], raw[compared], scores[compared], mapped)
    login, strange = scores[~is_made_up], scores[is_made_up]
    confirmed = scores[is_takeover]
    known = len(confirmed) > 0 and accounts_taken_over >= MIN_TAKEN_OVER
    rows = tuple(
        TakeoverRow(
            threshold=float(threshold),
            cr=float((login >= threshold).mean())
            if len(login) >= _COUNTED_FROM
            else mapped[threshold],
            adr=float((strange >= threshold).mean()),
            atodr=float((confirmed >= threshold).mean()) if known else None,
        )
        for threshold in range(0, 1001, _STEP)
    )
    groups: dict[tuple[str, ...], NDArray[np.float64]] = {}
    for place, feature in enumerate(features):
        names = (
            looked_at(feature.aggregate)
            if isinstance(feature, Remembered)
            else tuple(sorted(feature.step.inputs))
        )
        groups[names] = groups.get(names, 0.0) + contributions[:, place]
    importance = [
        GroupImportance(names, float(np.abs(added).mean())) for names, added in groups.items()
    ]
    takeover = TakeoverMetrics(
        asi=metrics.auc,
        asi_low=metrics.auc_low,
        asi_high=metrics.auc_high,
        rows=rows,
        groups=tuple(
            sorted(
                (group for group in importance if group.log_odds),
                key=lambda g: (-g.log_odds, g.variables),
            )
        ),
        anomalies=int(is_made_up.sum()),
        takeovers=int(is_takeover.sum()),
        accounts_taken_over=accounts_taken_over,
    )
    return Metrics(
        auc=metrics.auc,
        auc_low=metrics.auc_low,
        auc_high=metrics.auc_high,
        average_precision=metrics.average_precision,
        rows=metrics.rows,
        takeover=takeover,
    )
