"""How many calls a child may begin in a short time."""

from __future__ import annotations

from collections import deque

_WINDOW_SECONDS = 0.75
_LEAST = 20


class Pace:
    """Counts calls that begin, either way.

    PJSIP frees the sockets of a call half a second after it, and ends the process when it has more
    than it was built for: 64 in the wheel, of which a call takes two.
    """

    def __init__(self, most_calls: int) -> None:
        """`most_calls` is what this build holds at once."""
        self._most = max(_LEAST, most_calls // 2)
        self._begun: deque[float] = deque()

    def begin(self, now: float) -> None:
        """A call begins."""
        self._begun.append(now)

    def allows(self, now: float) -> bool:
        """Whether another may begin, or end at once to let another begin."""
        while self._begun and self._begun[0] <= now - _WINDOW_SECONDS:
            self._begun.popleft()
        return len(self._begun) < self._most
