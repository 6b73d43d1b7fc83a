from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.models.metrics import auc_range, average_precision

_RANKED = st.lists(st.tuples(st.booleans(), st.integers(0, 9)), min_size=4, max_size=40).filter(
    lambda rows: 0 < sum(fraud for fraud, _ in rows) < len(rows)
)


@given(_RANKED)
@settings(deadline=None)
def test_the_auc_is_the_share_of_pairs_in_the_right_order(rows: list[tuple[bool, int]]) -> None:
    frauds = [raw for fraud, raw in rows if fraud]
    legits = [raw for fraud, raw in rows if not fraud]
    pairs = [(f > g) + (f == g) / 2 for f in frauds for g in legits]
    auc, low, high = auc_range(*_arrays(rows))
    assert auc == pytest.approx(sum(pairs) / len(pairs))
    assert 0 <= low <= auc <= high <= 1


@given(_RANKED)
@settings(deadline=None)
def test_the_average_precision_is_taken_at_every_distinct_score(
    rows: list[tuple[bool, int]],
) -> None:
    total = sum(fraud for fraud, _ in rows)
    expected = before = 0.0
    for threshold in sorted({raw for _, raw in rows}, reverse=True):
        above = [fraud for fraud, raw in rows if raw >= threshold]
        recall = sum(above) / total
        expected += (recall - before) * sum(above) / len(above)
        before = recall
    assert average_precision(*_arrays(rows)) == pytest.approx(expected)


def test_the_range_covers_the_true_auc_about_as_often_as_it_says() -> None:
    chance = np.random.default_rng(3)
    truth = 0.760250  # of two unit normals one apart: the normal distribution at 1 / sqrt(2)
    covered = 0
    for _ in range(300):
        is_fraud = np.arange(200) < 40
        _, low, high = auc_range(is_fraud, chance.normal(size=200) + is_fraud)
        covered += low <= truth <= high
    assert 270 <= covered <= 297


def _arrays(rows: list[tuple[bool, int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([f for f, _ in rows]), np.array([raw for _, raw in rows], dtype=float)
