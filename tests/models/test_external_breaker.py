"""The circuit breaker: an oracle that keeps a plain history beside it, and the way in words."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ringfence.models.external.breaker import Breaker, BreakerState

FAILURES, PAUSE = 3, 10.0


def test_it_opens_after_failures_in_a_row_and_one_may_try_after_the_pause() -> None:
    breaker = Breaker(2, PAUSE)
    for at in (0.0, 1.0):
        permit = breaker.ask(at)
        assert permit is not None
        breaker.tell(permit, False, at)
    assert breaker.state is BreakerState.OPEN
    assert breaker.ask(1.0 + PAUSE - 0.1) is None
    trial = breaker.ask(1.0 + PAUSE)
    assert trial is not None
    assert breaker.state is BreakerState.HALF_OPEN
    assert breaker.ask(1.0 + PAUSE) is None
    breaker.tell(trial, True, 12.0)
    assert breaker.state is BreakerState.CLOSED
    assert breaker.ask(12.0) is not None


def test_a_trial_that_fails_opens_it_for_the_whole_pause_again() -> None:
    breaker = Breaker(1, PAUSE)
    breaker.tell(breaker.ask(0.0) or 0, False, 0.0)
    trial = breaker.ask(PAUSE)
    assert trial is not None
    breaker.tell(trial, False, PAUSE + 5)
    assert breaker.ask(PAUSE + 5 + PAUSE - 0.1) is None
    assert breaker.ask(PAUSE + 5 + PAUSE) is not None


def test_what_was_asked_before_a_change_says_nothing_after_it() -> None:
    breaker = Breaker(1, PAUSE)
    slow, failing = breaker.ask(0.0), breaker.ask(0.0)
    assert slow is not None
    assert failing is not None
    breaker.tell(failing, False, 1.0)
    breaker.tell(slow, True, 2.0)
    assert breaker.state is BreakerState.OPEN
    trial = breaker.ask(1.0 + PAUSE)
    assert trial is not None
    breaker.tell(slow, True, 12.0)
    assert breaker.state is BreakerState.HALF_OPEN


def test_a_trial_that_goes_without_a_word_does_not_close_it_for_ever() -> None:
    breaker = Breaker(1, PAUSE)
    breaker.tell(breaker.ask(0.0) or 0, False, 0.0)
    assert breaker.ask(PAUSE) is not None
    assert breaker.ask(2 * PAUSE - 0.1) is None
    assert breaker.ask(2 * PAUSE) is not None


class Breaking(RuleBasedStateMachine):
    """Asks and answers in any order; what has been allowed is remembered beside the breaker."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker(FAILURES, PAUSE)
        self.at = 0.0
        self.out: list[int] = []
        self.in_a_row = 0
        self.opened_at: float | None = None

    @rule(seconds=st.floats(0, 2 * PAUSE))
    def time_passes(self, seconds: float) -> None:
        self.at += seconds

    @rule()
    def ask(self) -> None:
        before = self.breaker.state
        permit = self.breaker.ask(self.at)
        if before is BreakerState.CLOSED:
            assert permit is not None
        if before is BreakerState.OPEN:
            assert self.opened_at is not None
            assert (permit is not None) == (self.at - self.opened_at >= PAUSE)
        if permit is not None:
            if before is not BreakerState.CLOSED:
                self.out.clear()  # those say nothing any more
            self.out.append(permit)

    @precondition(lambda self: self.out)
    @rule(succeeded=st.booleans(), which=st.integers(0, 1_000))
    def tell(self, succeeded: bool, which: int) -> None:
        permit = self.out.pop(which % len(self.out))
        before = self.breaker.state
        self.breaker.tell(permit, succeeded, self.at)
        self.in_a_row = 0 if succeeded else self.in_a_row + 1
        opens = not succeeded and (before is BreakerState.HALF_OPEN or self.in_a_row >= FAILURES)
        assert self.breaker.state is (BreakerState.OPEN if opens else BreakerState.CLOSED)
        if opens:
            self.opened_at = self.at
            self.out.clear()
        elif before is BreakerState.HALF_OPEN:
            self.in_a_row = 0
            self.out.clear()

    @invariant()
    def it_is_closed_unless_it_failed_enough(self) -> None:
        if self.opened_at is None:
            assert self.breaker.state is BreakerState.CLOSED


TestBreaking = Breaking.TestCase
