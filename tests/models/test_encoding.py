from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from ringfence.models.artifact import Encoding, Levels, Rates
from ringfence.models.encoding import block_starts, learn

_LEVELS = [f"m{number}" for number in range(40)]


def _features(
    codes: np.ndarray, labels: np.ndarray, training: int, levels: list[str] = _LEVELS
) -> np.ndarray:
    learned = learn(levels, codes, labels, training)
    assert learned is not None
    return learned.features(np.arange(len(codes)), learned.places[codes])


def _encoding(levels: list[str], codes: np.ndarray, labels: np.ndarray, training: int) -> Encoding:
    learned = learn(levels, codes, labels, training)
    assert learned is not None
    return learned.encoding


@st.composite
def _events(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    seed = draw(st.integers(0, 10_000))
    chance = np.random.default_rng(seed)
    codes = chance.integers(-1, len(_LEVELS), 600)
    return codes, chance.random(600) < 0.2


@given(_events(), st.integers(0, 499))
@settings(max_examples=40, deadline=None)
def test_a_label_never_changes_features_of_its_own_block_or_earlier(
    events: tuple[np.ndarray, np.ndarray], changed: int
) -> None:
    codes, labels = events
    other = labels.copy()
    other[changed] = ~other[changed]
    starts = block_starts(500)
    end = int(starts[np.searchsorted(starts, changed, side="right")])
    before = _features(codes, labels, 500)
    after = _features(codes, other, 500)
    assert before.shape == (600, 2)
    assert_array_equal(before[:end], after[:end])


@given(_events())
@settings(max_examples=40, deadline=None)
def test_a_block_sees_exactly_what_was_learned_from_the_events_before_it(
    events: tuple[np.ndarray, np.ndarray],
) -> None:
    codes, labels = events
    starts = block_starts(500)
    features = _features(codes, labels, 500)
    for start, end in ((int(starts[10]), int(starts[11])), (500, 600)):
        learned = _encoding(_LEVELS, codes[:start], labels[:start], start)
        assert isinstance(learned, Rates)
        for place in range(start, end):
            if codes[place] < 0:
                assert np.isnan(features[place]).all()
            else:
                expected = learned.table.get(_LEVELS[codes[place]], learned.unknown)
                assert tuple(features[place]) == expected


def test_labels_of_held_out_events_teach_nothing() -> None:
    chance = np.random.default_rng(1)
    codes, labels = chance.integers(0, 40, 600), chance.random(600) < 0.2
    flipped = np.concatenate([labels[:500], ~labels[500:]])
    assert _encoding(_LEVELS, codes, labels, 500) == _encoding(_LEVELS, codes, flipped, 500)


def test_few_levels_are_coded_in_the_order_of_their_fraud_share() -> None:
    codes = np.array([0] * 50 + [1] * 50 + [2] * 3 + [-1] * 10)
    labels = np.array([True] * 20 + [False] * 30 + [False] * 63)
    levels = ["risky", "safe", "rare"]
    assert _encoding(levels, codes, labels, len(codes)) == Levels({"safe": 0.0, "risky": 1.0})
    features = _features(codes, labels, len(codes), levels)
    assert features[0, 0] == 1.0
    assert features[101, 0] == -1.0
    assert np.isnan(features[-1, 0])


def test_texts_that_never_come_again_are_not_kept() -> None:
    codes = np.arange(200)
    assert learn([str(c) for c in codes], codes, codes % 9 == 0, 200) is None
