"""How many requests a caller may send: a bucket of tokens for each access key."""

from __future__ import annotations

import time
from collections.abc import Callable

from ringfence.aws.wire.errors import Throttled

_MOST_CALLERS = 10_000


class Throttle:
    """Lets each caller send `per_second` requests in the long run, and as many, or `at_once`, at
    once.

    0 lets everybody send as many as they like.
    """

    def __init__(
        self,
        per_second: float,
        at_once: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._per_second = per_second
        self._most = max(per_second if at_once is None else at_once, 1.0)
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def admit(self, caller: str) -> None:
        """Count a request of that caller. Raises `Throttled` for one too many."""
        if not self._per_second:
            return
        at = self._clock()
        tokens, since = self._buckets.get(caller, (self._most, at))
        tokens = min(self._most, tokens + (at - since) * self._per_second)
        if len(self._buckets) >= _MOST_CALLERS:
            self._buckets.clear()
        if tokens < 1:
            self._buckets[caller] = tokens, at
            raise Throttled("Rate exceeded")
        self._buckets[caller] = tokens - 1, at
