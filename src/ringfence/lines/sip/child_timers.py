"""What a child does later: a heap of moments on the monotonic clock."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable


class Timers:
    """Calls functions when their time has come. Time is an argument: seconds, ever rising."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._dropped: set[int] = set()

    def at(self, when: float, call: Callable[[], None]) -> int:
        """Call `call` at `when`, once; gives a number to drop it by."""
        number = next(self._numbers)
        heapq.heappush(self._heap, (when, number, call))
        return number

    def drop(self, number: int | None) -> None:
        """Do not call it after all. Harmless for what was called or is None."""
        if number is not None and any(entry[1] == number for entry in self._heap):
            self._dropped.add(number)

    def due(self, now: float) -> list[Callable[[], None]]:
        """What is to be called by `now`, in order; it is forgotten here."""
        calls = []
        while self._heap and self._heap[0][0] <= now:
            _, number, call = heapq.heappop(self._heap)
            if number in self._dropped:
                self._dropped.remove(number)
            else:
                calls.append(call)
        return calls
