"""Ranking from counts of pairs of scores, held against the same from arrays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.detectors.retraining.comparison import auc_difference as of_arrays
from ringfence.detectors.shadows.ranking import FRAUD, LEGIT, UNLABELLED, ScorePairs, auc_difference
from ringfence.models.metrics import auc_range, average_precision

Pair = tuple[int, int, int]
_PAIRS = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 12), st.sampled_from([UNLABELLED, LEGIT, FRAUD])),
    max_size=80,
)
# Two of each class, so that there is a range.
_ENOUGH = [(1, 2, LEGIT), (5, 3, LEGIT), (4, 4, FRAUD), (9, 12, FRAUD)]


def counted(pairs: list[Pair]) -> dict[tuple[float, float], list[int]]:
    counts: dict[tuple[float, float], list[int]] = {}
    for first, second, label in pairs:
        counts.setdefault((first, second), [0, 0, 0])[label] += 1
    return counts


def arrays(pairs: list[Pair]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    known = [of for of in pairs if of[2] != UNLABELLED]
    return (
        np.array([of[2] == FRAUD for of in known]),
        np.array([float(of[0]) for of in known]),
        np.array([float(of[1]) for of in known]),
    )


@given(pairs=_PAIRS)
def test_the_range_of_the_difference_is_delongs(pairs: list[Pair]) -> None:
    pairs = pairs + _ENOUGH
    assert auc_difference(counted(pairs)) == pytest.approx(of_arrays(*arrays(pairs)), abs=1e-12)


@given(pairs=_PAIRS)
def test_auc_and_average_precision_are_those_of_arrays(pairs: list[Pair]) -> None:
    pairs = (pairs + _ENOUGH) * 20
    scores = ScorePairs()
    for first, second, label in pairs:
        scores.add(first, second, label, 1)
    ranking = scores.ranking(0)
    assert ranking is not None
    fraud, first, second = arrays(pairs)
    for ranks, values in ((ranking.champion_ranks, first), (ranking.challenger_ranks, second)):
        assert ranks is not None
        assert ranks.auc == pytest.approx(auc_range(fraud, values)[0])
        assert ranks.average_precision == pytest.approx(average_precision(fraud, values))


def test_with_few_frauds_nothing_is_said_about_which_ranks_better() -> None:
    scores = ScorePairs()
    scores.add(100, 200, FRAUD, 29)
    scores.add(300, 100, LEGIT, 5_000)
    few = scores.ranking(10)
    scores.add(100, 200, FRAUD, 1)
    enough = scores.ranking(10)
    assert few is not None
    assert (few.champion_ranks, few.auc_difference) == (None, None)
    assert enough is not None
    assert enough.auc_difference == pytest.approx(1.0)


def test_at_equal_volume_a_shared_score_counts_in_proportion() -> None:
    scores = ScorePairs()
    scores.add(900, 500, FRAUD, 2)
    scores.add(500, 900, LEGIT, 2)
    scores.add(500, 500, FRAUD, 2)
    scores.add(500, 100, UNLABELLED, 4)
    ranking = scores.ranking(6)
    assert ranking is not None
    champion, challenger = ranking.champion_at_volume, ranking.challenger_at_volume
    assert (champion.caught, champion.precision) == (2 + 2 * 4 / 8, 3 / 4)
    assert (challenger.caught, challenger.precision) == (4, 4 / 6)


def test_without_scores_there_is_no_ranking_and_without_alerts_no_precision() -> None:
    scores = ScorePairs()
    assert scores.ranking(5) is None
    scores.add(900, 500, FRAUD, 2)
    ranking = scores.ranking(0)
    assert ranking is not None
    assert (ranking.champion_at_volume.caught, ranking.champion_at_volume.precision) == (0, None)
