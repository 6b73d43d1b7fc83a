from __future__ import annotations

import pytest

from ringfence.aws.throttling import Throttle
from ringfence.aws.wire.errors import Throttled


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_as_many_as_a_second_allows_come_through_at_once_and_more_as_time_goes_by() -> None:
    clock = Clock()
    throttle = Throttle(3, clock=clock)
    for _ in range(3):
        throttle.admit("one")
    with pytest.raises(Throttled):
        throttle.admit("one")
    throttle.admit("another")
    clock.seconds += 0.34
    throttle.admit("one")
    with pytest.raises(Throttled):
        throttle.admit("one")


def test_a_rate_below_one_a_second_still_lets_one_through() -> None:
    clock = Clock()
    throttle = Throttle(0.5, clock=clock)
    throttle.admit("one")
    with pytest.raises(Throttled):
        throttle.admit("one")
    clock.seconds += 2
    throttle.admit("one")


def test_without_a_rate_nobody_is_throttled() -> None:
    throttle = Throttle(0)
    for _ in range(1_000):
        throttle.admit("one")
