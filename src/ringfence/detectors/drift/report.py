"""What a drift report says, and how it follows from counts. Pure; counting is in `counting`.

Events of a window are compared with those that a model version was trained and measured on: each
variable, what is remembered, the score, and how many of the labelled ones were fraud beside what
their scores let expect.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from ringfence.models.baseline import Baseline
from ringfence.models.bins import SCORE_BINS, decisive, score_labels
from ringfence.models.stability import Bounds, Shift, State, compare, share_range

# Fewer labelled events, or fewer frauds both seen and expected, say nothing of calibration.
_MIN_LABELLED, _MIN_FRAUDS = 100, 10
_Z99 = 2.575829
_WORSE = (State.TOO_FEW, State.STABLE, State.WATCH, State.ALERT)


class BinShare(msgspec.Struct, frozen=True):
    """One bin: the share of events that it had and has, 0 to 1."""

    label: str
    expected: float
    actual: float


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """How far one variable, one remembered value (`remembered`) or the score has moved.

    `psi` is the stability index and `chance` what it would be on average had nothing moved; the
    state goes by `excess`, the difference. `missing` is the share of events without a value, `new`
    the share whose text training had not (None for what is no text), each beside what was
    expected. `by_slice` has the excess of each slice of the report, None where there are too few
    events.
    """

    name: str
    part: str
    remembered: bool
    state: State
    psi: float
    chance: float
    excess: float
    missing: float
    missing_expected: float
    new: float | None
    new_expected: float | None
    bins: tuple[BinShare, ...]
    by_slice: tuple[float | None, ...]


class ScoreShare(msgspec.Struct, frozen=True):
    """Labelled events of one bin of the score, the frauds among them, and how many were expected
    from the bin's share of fraud in training."""

    label: str
    events: int
    frauds: int
    expected: float


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """Frauds among labelled events beside those that their scores let expect.

    `ratio` is observed by expected, with its 99 % range: both are samples. What is expected counts
    by score, so that asking about suspicious events rather than about others does not move it.
    """

    state: State
    labelled: int
    frauds: int
    expected: float
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None


class AlertShare(msgspec.Struct, frozen=True, kw_only=True):
    """How many events score at or above the suggested `threshold`, beside what is expected.

    `share` is None without a scored event. `ratio` is share by expected share, with its 99 % range;
    None where both are too few.
    """

    state: State
    threshold: float
    alerts: int
    share: float | None
    expected: float
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of time within the report. `scored` are the events that the version scored,
    `alerts` those at or above the suggested threshold. `fraud_low` to `fraud_high` is the 95 %
    range of the share of fraud among the labelled."""

    since: datetime
    until: datetime
    judged: bool
    events: int
    scored: int
    alerts: int
    calibration: Calibration
    score_excess: float | None
    fraud_low: float
    fraud_high: float


class DriftReport(msgspec.Struct, frozen=True, kw_only=True):
    """How a model version stands to the events of a window.

    The states are of the events from `since` on and before `until`; `slices` may begin earlier.
    One of `sampled` events was read, 1 meaning all.
    """

    model_id: str
    version: str
    event_type: str
    since: datetime
    until: datetime
    sampled: int
    events: int
    scored: int
    state: State
    bounds: Bounds
    score: Drift
    variables: tuple[Drift, ...]
    calibration: Calibration
    score_bins: tuple[ScoreShare, ...]
    alerts: AlertShare
    fraud_share_expected: float
    slices: tuple[Slice, ...]

    @property
    def beyond(self) -> tuple[str, ...]:
        """The names of what is beyond its bound: variables, `score`, `alerts`, `calibration`."""
        named = [("score", self.score.state), ("alerts", self.alerts.state)]
        named.append(("calibration", self.calibration.state))
        named += [(of.name, of.state) for of in self.variables]
        return tuple(name for name, state in named if state is State.ALERT)


class Counts:
    """The events of one slice, counted. Bins are those of the baseline's watched things."""

    def __init__(self, since: datetime, until: datetime, widths: Sequence[int], *, judged: bool):
        self.since, self.until, self.judged = since, until, judged
        self.events = self.scored = self.alerts = 0
        self.watched = [[0] * width for width in widths]
        self.score = [0] * SCORE_BINS
        self.labelled = [0] * SCORE_BINS
        self.frauds = [0] * SCORE_BINS


def build_report(
    model_id: str,
    version: str,
    event_type: str,
    baseline: Baseline,
    counted: Sequence[Counts],
    bounds: Bounds,
    *,
    since: datetime,
    until: datetime,
    sampled: int,
) -> DriftReport:
    """The report of counted slices, in order of time."""
    judged = [of for of in counted if of.judged]
    variables = []
    for place, watched in enumerate(baseline.watched):
        bins = watched.bins
        has_new = bins.is_text and (bins.classes or bool(bins.levels))
        variables.append(
            _drift(
                bins.name,
                bins.part,
                bins.labels,
                watched.expected,
                _sum([of.watched[place] for of in judged], bins.count),
                [of.watched[place] for of in counted],
                bounds,
                remembered=bins.remembered,
                has_missing=True,
                has_new=has_new,
            )
        )
    score = _drift(
        "score",
        "score",
        score_labels(),
        baseline.score,
        _sum([of.score for of in judged], SCORE_BINS),
        [of.score for of in counted],
        bounds,
        compared=decisive,
    )
    labelled = _sum([of.labelled for of in judged], SCORE_BINS)
    frauds = _sum([of.frauds for of in judged], SCORE_BINS)
    calibration = calibrated(baseline, labelled, frauds, bounds)
    scored = sum(of.scored for of in judged)
    alerts = alerted(baseline, sum(of.alerts for of in judged), scored, bounds)
    states = [score.state, alerts.state, calibration.state, *(of.state for of in variables)]
    shares = fraud_shares(baseline)
    return DriftReport(
        model_id=model_id,
        version=version,
        event_type=event_type,
        since=since,
        until=until,
        sampled=sampled,
        events=sum(of.events for of in judged),
        scored=scored,
        state=max(states, key=_WORSE.index),
        bounds=bounds,
        score=score,
        variables=tuple(variables),
        calibration=calibration,
        score_bins=tuple(
            ScoreShare(label, n, hits, round(n * share, 3))
            for label, n, hits, share in zip(score_labels(), labelled, frauds, shares, strict=True)
        ),
        alerts=alerts,
        fraud_share_expected=baseline.held_out_frauds / max(1, baseline.held_out_events),
        slices=tuple(
            _slice(baseline, of, excess, bounds)
            for of, excess in zip(counted, score.by_slice, strict=True)
        ),
    )


def calibrated(
    baseline: Baseline, labelled: Sequence[int], frauds: Sequence[int], bounds: Bounds
) -> Calibration:
    """How many of the labelled events were fraud, beside what is expected of their scores; both
    given by score bin."""
    total, seen = sum(labelled), sum(frauds)
    expected = variance = 0.0
    for share, of_training, n in zip(
        fraud_shares(baseline), baseline.calibration, labelled, strict=True
    ):
        expected += n * share
        # What comes by chance now, and what came by chance when the share was measured.
        variance += share * (1 - share) * (n + n * n / (of_training.events + 1))
    if total < _MIN_LABELLED or max(seen, expected) < _MIN_FRAUDS or not expected:
        ratio = low = high = None
        state = State.TOO_FEW
    else:
        margin = _Z99 * math.sqrt(variance) / expected
        ratio = seen / expected
        low, high = max(0.0, ratio - margin), ratio + margin
        state = _ratio_state(ratio, low <= 1 <= high, bounds.calibration)
    return Calibration(
        state=state,
        labelled=total,
        frauds=seen,
        expected=round(expected, 3),
        ratio=ratio,
        ratio_low=low,
        ratio_high=high,
    )


def alerted(baseline: Baseline, alerts: int, scored: int, bounds: Bounds) -> AlertShare:
    """The share of scored events at or above the suggested threshold, beside that of the held-out
    events; beyond bounds as calibration is."""
    measured = max(1, baseline.held_out_events)
    share = baseline.alerts / measured
    expected = share * scored
    ratio = low = high = None
    state = State.TOO_FEW
    if scored >= _MIN_LABELLED and max(alerts, expected) >= _MIN_FRAUDS and expected:
        variance = share * (1 - share) * (scored + scored * scored / measured)
        margin = _Z99 * math.sqrt(variance) / expected
        ratio = alerts / expected
        low, high = max(0.0, ratio - margin), ratio + margin
        state = _ratio_state(ratio, low <= 1 <= high, bounds.calibration)
    return AlertShare(
        state=state,
        threshold=baseline.threshold,
        alerts=alerts,
        share=alerts / scored if scored else None,
        expected=share,
        ratio=ratio,
        ratio_low=low,
        ratio_high=high,
    )


def fraud_shares(baseline: Baseline) -> list[float]:
    """The share of fraud in each score bin of the held-out events; that of all of them counts as
    one event more in each, so that no bin is sure of anything."""
    events = sum(of.events for of in baseline.calibration)
    overall = sum(of.frauds for of in baseline.calibration) / events if events else 0.0
    return [(of.frauds + overall) / (of.events + 1) for of in baseline.calibration]


def _ratio_state(ratio: float, by_chance: bool, bound: float) -> State:
    times = max(ratio, 1 / ratio) if ratio else math.inf
    if by_chance or times < 1 + (bound - 1) / 2:
        return State.STABLE
    return State.ALERT if times >= bound else State.WATCH


def _drift(
    name: str,
    part: str,
    labels: Sequence[str],
    expected: Sequence[int],
    actual: Sequence[int],
    by_slice: Sequence[Sequence[int]],
    bounds: Bounds,
    *,
    remembered: bool = False,
    has_missing: bool = False,
    has_new: bool = False,
    compared: Callable[[Sequence[int]], Sequence[int]] = list,
) -> Drift:
    shift = compare(compared(expected), compared(actual), bounds)
    n, m = max(1, sum(expected)), max(1, sum(actual))
    return Drift(
        name=name,
        part=part,
        remembered=remembered,
        state=shift.state,
        psi=round(shift.psi, 5),
        chance=round(shift.chance, 5),
        excess=round(shift.excess, 5),
        missing=actual[0] / m if has_missing else 0.0,
        missing_expected=expected[0] / n if has_missing else 0.0,
        new=actual[-1] / m if has_new else None,
        new_expected=expected[-1] / n if has_new else None,
        bins=tuple(
            BinShare(label, round(e / n, 6), round(a / m, 6))
            for label, e, a in zip(labels, expected, actual, strict=True)
        ),
        by_slice=tuple(
            _excess(compare(compared(expected), compared(of), bounds)) for of in by_slice
        ),
    )


def _excess(shift: Shift) -> float | None:
    return None if shift.state is State.TOO_FEW else round(shift.excess, 5)


def _slice(baseline: Baseline, of: Counts, score_excess: float | None, bounds: Bounds) -> Slice:
    labelled, frauds = sum(of.labelled), sum(of.frauds)
    low, high = share_range(frauds, labelled)
    return Slice(
        since=of.since,
        until=of.until,
        judged=of.judged,
        events=of.events,
        scored=of.scored,
        alerts=of.alerts,
        calibration=calibrated(baseline, of.labelled, of.frauds, bounds),
        score_excess=score_excess,
        fraud_low=low,
        fraud_high=high,
    )


def _sum(rows: Sequence[Sequence[int]], width: int) -> list[int]:
    return [sum(column) for column in zip(*rows, strict=True)] if rows else [0] * width
