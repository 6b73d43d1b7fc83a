from __future__ import annotations

import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ringfence.models.stability import (
    Bounds,
    State,
    chi_square_quantile,
    compare,
    share_range,
    stability_index,
)

BOUNDS = Bounds()
counts = st.lists(st.integers(0, 5_000), min_size=2, max_size=25)


@given(counts, st.integers(1, 50))
def test_equal_shares_have_not_moved_whatever_the_sizes(expected: list[int], times: int) -> None:
    assert stability_index(expected, [times * n for n in expected]) == pytest.approx(0, abs=1e-9)


@given(st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 5_000)), min_size=2, max_size=25))
def test_the_index_is_the_same_in_both_directions_and_never_negative(
    pairs: list[tuple[int, int]],
) -> None:
    one, other = zip(*pairs, strict=True)
    assert stability_index(one, other) == pytest.approx(stability_index(other, one))
    assert stability_index(one, other) >= 0


@given(
    st.lists(st.integers(10, 1_000), min_size=2, max_size=20),
    st.floats(0.05, 0.45),
    st.floats(0.05, 0.45),
)
def test_the_more_moves_to_the_first_bin_the_larger_is_the_index(
    expected: list[int], first: float, second: float
) -> None:
    less, more = sorted((first, second))

    def moved(share: float) -> list[int]:
        kept = [round(n * 1_000 * (1 - share)) for n in expected[1:]]
        return [sum(expected) * 1_000 - sum(kept), *kept]

    assert stability_index(expected, moved(more)) >= stability_index(expected, moved(less)) - 1e-9


def test_the_index_is_the_textbooks() -> None:
    # (0.4 - 0.5) ln(0.4 / 0.5) + (0.6 - 0.5) ln(0.6 / 0.5)
    assert stability_index([50_000, 50_000], [40_000, 60_000]) == pytest.approx(0.040547, abs=1e-4)


def test_what_has_not_moved_is_seldom_watched_and_never_an_alert() -> None:
    chance = random.Random(1)
    weights = [1 / 20] * 20
    states = []
    for _ in range(400):
        drawn = []
        for size in (350, 350):
            found = [0] * len(weights)
            for place in chance.choices(range(len(weights)), weights, k=size):
                found[place] += 1
            drawn.append(found)
        states.append(compare(drawn[0], drawn[1], BOUNDS).state)
    assert State.ALERT not in states
    assert states.count(State.WATCH) <= 4


def test_few_events_are_called_too_few_unless_nothing_is_where_it_was() -> None:
    spread = [6] * 20
    assert compare([500] * 20, spread, BOUNDS).state is State.TOO_FEW
    assert compare([500] * 20, [0] * 19 + [200], BOUNDS).state is State.ALERT
    assert compare([500] * 20, [0] * 19 + [99], BOUNDS).state is State.TOO_FEW
    assert compare([500, 500], [0, 0], BOUNDS).state is State.TOO_FEW


def test_the_state_follows_the_bounds() -> None:
    expected = [10_000, 10_000]
    assert compare(expected, [10_000, 10_500], BOUNDS).state is State.STABLE
    assert compare(expected, [7_000, 14_000], BOUNDS).state is State.WATCH
    assert compare(expected, [4_000, 16_000], BOUNDS).state is State.ALERT
    strict = Bounds(watch=0.0001, alert=0.001)
    assert compare(expected, [9_000, 11_000], strict).state is State.ALERT


@pytest.mark.parametrize(("freedom", "known"), [(2, 9.2103), (5, 15.0863), (20, 37.5662)])
def test_quantiles_of_chi_square_are_near_those_of_the_tables(freedom: int, known: float) -> None:
    assert chi_square_quantile(0.99, freedom) == pytest.approx(known, rel=0.02)


@given(st.integers(0, 500), st.integers(1, 500))
@example(hits=0, more=249)
def test_the_range_of_a_share_holds_the_share(hits: int, more: int) -> None:
    low, high = share_range(hits, hits + more)
    assert 0 <= low <= hits / (hits + more) <= high <= 1
    assert share_range(0, 0) == (0.0, 1.0)
