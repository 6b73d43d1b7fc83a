"""A circuit breaker: who has failed several times in a row is left alone for a while.

Closed, everybody may ask. After so many failures in a row it opens, and nobody may. Once the time
is over one may try, and on what comes of that it closes or opens again. Pure: time is an argument,
in seconds of any steady clock.
"""

from __future__ import annotations

from enum import StrEnum


class BreakerState(StrEnum):
    """Whether one may ask."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """One breaker, for use from one thread."""

    def __init__(self, failures_to_open: int, open_seconds: float):
        self._failures_to_open = failures_to_open
        self._open_seconds = open_seconds
        self._failures = 0
        self._opened_at: float | None = None
        # Counts the changes: what somebody has to say who asked before a change says nothing now.
        self._era = 0
        self._tried_at: float | None = None

    @property
    def state(self) -> BreakerState:
        """The state after what was last asked or told."""
        if self._opened_at is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if self._tried_at is None else BreakerState.HALF_OPEN

    def ask(self, at: float) -> int | None:
        """A permit to ask now, to be given back with what came of it; None when one may not."""
        if self._opened_at is None:
            return self._era
        if self._tried_at is None:
            if at - self._opened_at < self._open_seconds:
                return None
        elif at - self._tried_at < self._open_seconds:
            # One at a time, unless it has gone without a word.
            return None
        self._tried_at = at
        self._era += 1
        return self._era

    def tell(self, permit: int, succeeded: bool, at: float) -> None:
        """What came of asking with a permit."""
        if permit != self._era:
            return
        if succeeded:
            self._failures = 0
            if self._opened_at is not None:
                self._era += 1
            self._opened_at = self._tried_at = None
        else:
            self._failures += 1
            if self._opened_at is not None or self._failures >= self._failures_to_open:
                self._opened_at, self._tried_at = at, None
                self._era += 1
