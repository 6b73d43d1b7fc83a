"""The comparison of two versions: its numbers, and what they come to in words and by a policy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.detectors.retraining.comparison import (
    Evaluation,
    Measures,
    auc_difference,
    in_words,
)
from ringfence.detectors.retraining.policies import PromotionPolicy, check_policy, judge
from ringfence.errors import InvalidInput
from ringfence.models.metrics import auc_range

AT = datetime(2026, 6, 1, tzinfo=UTC)


def measures(auc: float, caught: int, frauds: int) -> Measures:
    return Measures(
        auc=auc,
        auc_low=auc - 0.02,
        auc_high=auc + 0.02,
        average_precision=auc / 2,
        caught=caught,
        recall=caught / frauds,
        precision=None,
    )


def evaluation(
    *, frauds: int = 100, low: float = 0.01, high: float = 0.05, psi: float = 0.1
) -> Evaluation:
    """The challenger catches 10 frauds more."""
    return Evaluation(
        since=AT - timedelta(days=30),
        until=AT,
        evaluated_at=AT,
        events=10_000,
        labelled=10_000,
        assumed=0,
        frauds=frauds,
        legits=10_000 - frauds,
        alert_share=0.01,
        alerts=100,
        champion=measures(0.90, 20, frauds),
        challenger=measures(0.93, 30, frauds),
        auc_gain=(low + high) / 2,
        auc_gain_low=low,
        auc_gain_high=high,
        average_precision_gain=0.015,
        recall_gain=10 / frauds,
        volumes=(),
        score_psi=psi,
        remarks=(),
    )


def drawn(data: st.DataObject, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels with both classes, and two scores with ties."""
    chance = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    is_fraud = chance.random(count) < 0.3
    is_fraud[:2], is_fraud[2:4] = True, False
    first = np.round(chance.normal(size=count) + is_fraud, data.draw(st.integers(0, 3)))
    second = np.round(0.5 * first + chance.normal(size=count) + is_fraud, 1)
    return is_fraud, first, second


@given(st.data(), st.integers(5, 80))
@settings(max_examples=60)
def test_the_difference_is_that_of_the_areas_and_turns_its_sign(
    data: st.DataObject, count: int
) -> None:
    is_fraud, first, second = drawn(data, count)
    gain, low, high = auc_difference(is_fraud, first, second)
    assert gain == pytest.approx(
        auc_range(is_fraud, second)[0] - auc_range(is_fraud, first)[0], abs=1e-12
    )
    assert -1 <= low <= gain <= high <= 1
    back = auc_difference(is_fraud, second, first)
    assert back == pytest.approx((-gain, -high, -low), abs=1e-12)


@given(st.data(), st.integers(5, 80))
@settings(max_examples=30)
def test_equal_scores_differ_by_nothing(data: st.DataObject, count: int) -> None:
    is_fraud, first, _ = drawn(data, count)
    assert auc_difference(is_fraud, first, 2 * first + 7) == (0.0, 0.0, 0.0)


def test_the_range_of_a_difference_covers_what_chance_gives() -> None:
    """Of two scores that are equally good, 95 in 100 ranges hold zero."""
    chance = np.random.default_rng(5)
    held = 0
    for _ in range(300):
        is_fraud = np.arange(400) < 80
        shared = chance.normal(size=400) + is_fraud
        first, second = (shared + chance.normal(size=400) for _ in range(2))
        _, low, high = auc_difference(is_fraud, first, second)
        held += low <= 0 <= high
    assert 0.91 <= held / 300 <= 0.985


def test_paired_scores_are_told_apart_sooner_than_their_own_ranges_say() -> None:
    chance = np.random.default_rng(6)
    is_fraud = np.arange(2_000) < 200
    first = chance.normal(size=2_000) + 1.5 * is_fraud
    second = first + 0.3 * is_fraud
    gain, low, high = auc_difference(is_fraud, first, second)
    own = auc_range(is_fraud, first)
    assert low > 0
    assert high - low < (own[2] - own[1]) / 3
    assert gain > 0.02


def test_with_a_single_fraud_any_difference_is_possible() -> None:
    is_fraud = np.array([True, False, False])
    assert auc_difference(is_fraud, np.arange(3.0), np.arange(3.0))[1:] == (-1.0, 1.0)


def test_words_say_what_the_numbers_come_to() -> None:
    assert in_words(evaluation()) == (
        "With the same 100 alerts the challenger catches 30 of 100 frauds, the champion 20. "
        "It ranks better, beyond what chance explains."
    )
    assert "ranks worse" in in_words(evaluation(low=-0.05, high=-0.01))
    assert "may be chance" in in_words(evaluation(low=-0.01, high=0.05))
    assert "too few to tell" in in_words(evaluation(frauds=29))
    nothing = msgspec.structs.replace(evaluation(), champion=None, challenger=None)
    assert in_words(nothing) == "Nothing can be measured yet."


def test_a_policy_is_met_when_all_that_it_states_holds() -> None:
    policy = PromotionPolicy(
        min_frauds=50, auc_gain_low=0.0, recall_gain=0.05, max_score_psi=0.25, min_shadow_days=3
    )
    met, reasons = judge(policy, evaluation(), 3.5)
    assert met
    assert reasons == (
        "frauds to compare on 100, at least 50: met",
        "gain in AUC, low end of the 95 % range 0.0100, at least 0.0000: met",
        "gain in recall at the same number of alerts 0.1000, at least 0.0500: met",
        "stability index of the scores 0.1000, at most 0.2500: met",
        "days as a shadow 3.5, at least 3.0: met",
    )


@pytest.mark.parametrize(
    ("found", "days", "place"),
    [
        (evaluation(frauds=40), 4.0, 0),
        (evaluation(low=-0.001), 4.0, 1),
        (evaluation(psi=0.3), 4.0, 3),
        (evaluation(), 2.9, 4),
    ],
)
def test_one_condition_that_does_not_hold_refuses(
    found: Evaluation, days: float, place: int
) -> None:
    policy = PromotionPolicy(
        min_frauds=50, auc_gain_low=0.0, recall_gain=0.05, max_score_psi=0.25, min_shadow_days=3
    )
    met, reasons = judge(policy, found, days)
    assert not met
    assert [number for number, text in enumerate(reasons) if text.endswith(": not met")] == [place]


def test_what_cannot_be_measured_meets_nothing() -> None:
    unknown = msgspec.structs.replace(evaluation(), auc_gain_low=None)
    met, reasons = judge(PromotionPolicy(auc_gain_low=-1.0), unknown, 0.0)
    assert not met
    assert "cannot be told" in reasons[1]


@pytest.mark.parametrize(
    ("stated", "field"),
    [
        ({}, "promote_when"),
        ({"max_score_psi": 0.2}, "promote_when"),
        ({"auc_gain_low": 2.0}, "promote_when.auc_gain_low"),
        ({"recall_gain": 0.0, "min_frauds": 0}, "promote_when.min_frauds"),
        ({"recall_gain": 0.0, "max_score_psi": 0.0}, "promote_when.max_score_psi"),
        ({"recall_gain": 0.0, "min_shadow_days": -1.0}, "promote_when.min_shadow_days"),
    ],
)
def test_a_policy_that_cannot_be_is_refused_by_name(stated: dict[str, float], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_policy(msgspec.convert(stated, PromotionPolicy))
    assert refused.value.field == field
