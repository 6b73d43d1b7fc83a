from __future__ import annotations

import pytest

from ringfence.models import DataSet, Scorer, Trained, train
from ringfence.models.forecast import Forecast


class _Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_shares_are_of_the_time_once_the_speed_is_known() -> None:
    clock, told = _Clock(), list[float]()
    forecast = Forecast(lambda share, what: told.append(share), clock)
    forecast.plan(2.5e9)
    for tenth in range(1, 11):
        clock.now += 1.0
        forecast.enriching(tenth / 10, "enriching")
    # Somewhat slower than the first guess.
    for _ in range(41):
        clock.now += 0.5
        forecast.growing(2.5e9 / 40, "growing")
    halfway = told[30]  # 10 seconds of enriching and 10 of growing are over, 10 are to come.
    assert halfway == pytest.approx(20 / 30, abs=0.05)
    assert told == sorted(told)
    forecast.end("trained")
    assert told[-1] == 1.0


def test_the_share_never_falls_when_there_is_more_to_do_than_was_thought() -> None:
    clock, told = _Clock(), list[float]()
    forecast = Forecast(lambda share, what: told.append(share), clock)
    forecast.plan(1_000.0)
    for cells in (100.0, 100.0, 100.0):
        clock.now += 1.0
        forecast.growing(cells, "growing")
    forecast.plan(100_000.0)
    clock.now += 1.0
    forecast.growing(100.0, "growing")
    assert told == sorted(told)
    assert told[-1] < 1.0


def test_a_search_fills_its_budget() -> None:
    clock, told = _Clock(), list[float]()
    forecast = Forecast(lambda share, what: told.append(share), clock)
    clock.now += 10.0
    forecast.tuning(40.0, "trying recipe 2")
    assert told[-1] == pytest.approx(0.25)


def test_told_words_name_the_trees_and_the_recipes(data: DataSet) -> None:
    told: list[str] = []
    train(
        data,
        variables=["amount", "visits"],
        budget_seconds=1.5,
        progress=lambda share, what: told.append(what),
    )
    assert any(what.startswith("growing the version on all events: tree ") for what in told)


def test_a_score_stands_for_a_probability(trained: Trained) -> None:
    scorer = Scorer(trained.artifact)
    shares = [scorer.probability(float(score)) for score in range(0, 1_001, 50)]
    known = [share for share in shares if share is not None]
    assert len(known) == len(shares)
    assert known == sorted(known)
    assert known[0] < 0.1 < 0.8 < known[-1] < 1
