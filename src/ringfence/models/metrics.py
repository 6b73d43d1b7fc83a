"""How good a version is, measured on the events it was not trained on.

Pure arithmetic on labels and scores; NumPy is imported when it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Z95 = 1.959964
"""So many standard errors to either side make a range of 95 %."""
_STEP = 5
# Below this many legitimate events one event is more than half a thousandth, and the rows at 1%,
# 2%, ... 6% that thresholds are chosen by could be missing.
_COUNTED_FROM = 2_000
_NEAR_RATE = 0.005
_FPRS = (0.01, 0.02, 0.03, 0.04, 0.05, 0.06)


class MetricRow(msgspec.Struct, frozen=True, kw_only=True):
    """What happens when every event that scores at least `threshold` is called fraud.

    `fpr`: share of legitimate events above; `tpr`: share of frauds above; `precision`: share of
    frauds among those above (1 when there is none). The rest are counts of held-out events.
    """

    threshold: float
    fpr: float
    tpr: float
    precision: float
    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int


class TakeoverRow(msgspec.Struct, frozen=True, kw_only=True):
    """What happens when every login that scores at least `threshold` is challenged.

    `cr`, the challenge rate: share of all held-out logins challenged. `adr`, the anomaly discovery
    rate: share of made-up strangers challenged. `atodr`, the account takeover discovery rate: share
    of labelled takeovers challenged; None where fewer than 50 accounts have one. All are 0 to 1.
    """

    threshold: float
    cr: float
    adr: float
    atodr: float | None


class GroupImportance(msgspec.Struct, frozen=True):
    """How much what is remembered of these entities and variables together matters: the log-odds
    that it adds or takes away, on average over held-out strangers."""

    variables: tuple[str, ...]
    log_odds: float


class TakeoverMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """How well a model of account takeovers separates strangers from owners.

    `asi` is the anomaly separation index: the chance that a made-up stranger scores higher than a
    held-out login, 0.5 (none does but by luck) to 1; `asi_low` to `asi_high` is its 95% range.
    `anomalies` strangers were made up for the held-out time, in which `takeovers` logins are
    labelled; `accounts_taken_over` have a labelled one anywhere in the data. `groups` come largest
    first. Terms as in Amazon Fraud Detector (`ATIMetricDataPoint`, `ATIModelPerformance`).
    """

    asi: float
    asi_low: float
    asi_high: float
    rows: tuple[TakeoverRow, ...]
    groups: tuple[GroupImportance, ...]
    anomalies: int
    takeovers: int
    accounts_taken_over: int


class Metrics(msgspec.Struct, frozen=True, kw_only=True):
    """Ranking quality on the held-out events, and a row for every threshold 0, 5, ..., 1000.

    `auc_low` to `auc_high` is the 95% range by DeLong's method (DeLong et al. 1988, computed with
    midranks as in Sun and Xu 2014). A model of takeovers has `takeover` as well: what counts as
    fraud elsewhere here is then a made-up stranger, and what counts as legit a held-out login that
    nobody called a takeover.
    """

    auc: float
    auc_low: float
    auc_high: float
    average_precision: float
    rows: tuple[MetricRow, ...]
    takeover: TakeoverMetrics | None = None


class Threshold(msgspec.Struct, frozen=True):
    """A threshold to write a rule with: `$score > threshold` flags about `fpr` of legit events."""

    fpr: float
    threshold: float
    tpr: float
    precision: float


def suggest_thresholds(metrics: Metrics, fprs: tuple[float, ...] = _FPRS) -> tuple[Threshold, ...]:
    """The highest threshold whose false positive rate, rounded to two decimals, is each of `fprs`.

    What the notebooks of Amazon Fraud Detector compute before they write rules. A rate that no row
    has is left out.
    """
    found = []
    for fpr in fprs:
        rows = [row for row in metrics.rows if round(row.fpr, 2) == round(fpr, 2)]
        if rows:
            row = max(rows, key=lambda row: row.threshold)
            found.append(Threshold(fpr, row.threshold, row.tpr, row.precision))
    return tuple(found)


def suggest_challenges(
    metrics: TakeoverMetrics, rates: tuple[float, ...] = _FPRS
) -> tuple[TakeoverRow, ...]:
    """For each of `rates` the row with the challenge rate next to it, the higher threshold of two;
    a rate that none comes within half a percent of is left out."""
    found = []
    for rate in rates:
        row = min(metrics.rows, key=lambda row: (abs(row.cr - rate), -row.threshold))
        if abs(row.cr - rate) <= _NEAR_RATE and row not in found:
            found.append(row)
    return tuple(found)


def measure(
    is_fraud: NDArray[np.bool_],
    raw: NDArray[np.float64],
    scores: NDArray[np.int64],
    mapped_fprs: dict[int, float],
) -> Metrics:
    """Metrics of held-out events.

    `raw` (log-odds) ranks; `scores` (0-1000) are counted against thresholds. `mapped_fprs` is the
    false positive rate that the score map interpolates for each threshold, used instead of counts
    where there are too few legitimate events to count finely. Arrays have shape `(n_events,)`.
    """
    auc, low, high = auc_range(is_fraud, raw)
    thresholds = range(0, 1001, _STEP)
    frauds, legits = int(is_fraud.sum()), int((~is_fraud).sum())
    rows = []
    for threshold in thresholds:
        above = scores >= threshold
        hits = int((above & is_fraud).sum())
        alarms = int((above & ~is_fraud).sum())
        fpr = alarms / legits if legits >= _COUNTED_FROM else mapped_fprs[threshold]
        rows.append(
            MetricRow(
                threshold=float(threshold),
                fpr=fpr,
                tpr=hits / frauds,
                precision=hits / (hits + alarms) if hits + alarms else 1.0,
                true_positives=hits,
                false_positives=alarms,
                true_negatives=legits - alarms,
                false_negatives=frauds - hits,
            )
        )
    return Metrics(
        auc=auc,
        auc_low=low,
        auc_high=high,
        average_precision=average_precision(is_fraud, raw),
        rows=tuple(rows),
    )


def auc_range(is_fraud: NDArray[np.bool_], raw: NDArray[np.float64]) -> tuple[float, float, float]:
    """Area under the ROC curve, and its 95% range (DeLong), each 0 to 1."""
    import numpy as np

    frauds, legits = raw[is_fraud], raw[~is_fraud]
    m, n = len(frauds), len(legits)
    joint = _midranks(np.concatenate([frauds, legits]))
    auc = (joint[:m].sum() - m * (m + 1) / 2) / (m * n)
    of_frauds = (joint[:m] - _midranks(frauds)) / n
    of_legits = 1 - (joint[m:] - _midranks(legits)) / m
    variance = 0.0
    if m > 1 and n > 1:
        variance = of_frauds.var(ddof=1) / m + of_legits.var(ddof=1) / n
    margin = Z95 * float(np.sqrt(variance))
    return float(auc), max(0.0, float(auc) - margin), min(1.0, float(auc) + margin)


def average_precision(is_fraud: NDArray[np.bool_], raw: NDArray[np.float64]) -> float:
    """Mean precision over the frauds in the order of their scores; ties count together."""
    import numpy as np

    order = np.argsort(-raw, kind="stable")
    hits = np.cumsum(is_fraud[order])
    ends = np.append(np.flatnonzero(np.diff(raw[order])), len(raw) - 1)
    precision = hits[ends] / (ends + 1)
    return float((np.diff(hits[ends], prepend=0) * precision).sum() / hits[-1])


def _midranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    _, positions, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    midranks: NDArray[np.float64] = (last - (counts - 1) / 2)[positions]
    return midranks
