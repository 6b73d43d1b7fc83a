from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.models.calibration import (
    false_positive_rate,
    probabilities,
    probability_of,
    score_bounds,
    score_of,
)
from ringfence.models.metrics import measure, suggest_thresholds


@given(
    st.lists(st.floats(-20, 20), min_size=1, max_size=60), st.floats(-30, 30), st.floats(-30, 30)
)
@settings(deadline=None)
def test_scores_are_whole_numbers_that_never_fall_as_the_risk_rises(
    legit: list[float], one: float, other: float
) -> None:
    bounds = score_bounds(np.array(legit))
    low, high = sorted((one, other))
    assert len(bounds) == 1000
    assert 0 <= score_of(low, bounds) <= score_of(high, bounds) <= 1000
    assert score_of(low, bounds).is_integer()


def test_the_map_falls_from_all_to_none() -> None:
    rates = [false_positive_rate(score / 2) for score in range(2001)]
    assert (rates[0], rates[-1]) == (1.0, 0.0)
    assert all(high > low for high, low in pairwise(rates))


@pytest.mark.parametrize(
    ("percent", "lowest"), [(1, 955), (2, 905), (3, 860), (4, 820), (5, 775), (6, 740)]
)
def test_the_lowest_threshold_under_a_rate_is_that_of_known_models(
    percent: int, lowest: int
) -> None:
    legit = np.random.default_rng(1).normal(size=20_000)
    scores = np.searchsorted(np.array(score_bounds(legit)), legit, side="right")
    under = [t for t in range(0, 1001, 5) if (scores >= t).mean() <= percent / 100]
    assert min(under) == lowest


@pytest.mark.parametrize("events", [60, 300, 20_000])
def test_every_rate_from_one_to_six_percent_has_a_threshold(events: int) -> None:
    chance = np.random.default_rng(2)
    is_fraud = np.arange(events) % 10 == 0
    raw = chance.normal(size=events) + 2 * is_fraud
    bounds = score_bounds(raw[~is_fraud])
    scores = np.searchsorted(np.array(bounds), raw, side="right")
    mapped = {score: false_positive_rate(score) for score in range(1001)}
    metrics = measure(is_fraud, raw, scores, mapped)
    suggested = suggest_thresholds(metrics)
    assert [s.fpr for s in suggested] == [0.01, 0.02, 0.03, 0.04, 0.05, 0.06]
    assert [s.threshold for s in suggested] == [970, 920, 880, 835, 795, 750]
    first = metrics.rows[0]
    assert (first.threshold, first.fpr, first.tpr) == (0.0, 1.0, 1.0)
    assert first.precision == pytest.approx(0.1)
    assert len(metrics.rows) == 201


@given(
    st.lists(st.tuples(st.integers(0, 1_000), st.booleans()), min_size=2, max_size=80),
    st.floats(0, 1_000),
    st.floats(0, 1_000),
)
@settings(deadline=None)
def test_a_higher_score_never_means_a_lower_probability(
    events: list[tuple[int, bool]], one: float, other: float
) -> None:
    known = probabilities(np.array([s for s, _ in events]), np.array([f for _, f in events]))
    low, high = sorted((one, other))
    assert 0 <= probability_of(low, known) <= probability_of(high, known) <= 1


def test_probabilities_are_the_shares_of_fraud_that_come_true() -> None:
    chance = np.random.default_rng(4)
    scores = chance.integers(0, 1_001, 40_000)
    truth = 1 / (1 + np.exp(-(scores - 800) / 60))
    known = probabilities(scores, chance.random(40_000) < truth)
    for score in (300, 700, 800, 900, 980):
        expected = 1 / (1 + np.exp(-(score - 800) / 60))
        assert probability_of(score, known) == pytest.approx(expected, abs=0.03)


def test_few_events_make_no_certainty() -> None:
    is_fraud = np.arange(20) >= 18
    known = probabilities(np.arange(20) * 50, is_fraud)
    assert 0 < probability_of(0, known) < 0.05
    assert 0.6 < probability_of(1_000, known) < 1
