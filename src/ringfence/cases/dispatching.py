"""Which call is placed next when there are more than the lines take.

A slot is one call on one line. Within what each line takes (at once, and in a second) and what
this server may hold in all, the most valuable suspicion goes first. Waiting holds no thread.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

from ringfence.lines import Limits, Line

# How soon calls that others place on this server are looked at again when there is no room.
_LOOK_AGAIN_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Urgency:
    """How much a call matters. By plan, then by amount (whatever the currency), then by age."""

    priority: int
    amount: float
    since: datetime

    @property
    def order(self) -> tuple[float, ...]:
        """The most urgent has the least."""
        return (-self.priority, -self.amount, self.since.timestamp())


class Slot:
    """A place on a line that somebody waits for, has, or has withdrawn from."""

    def __init__(self, line: str) -> None:
        self.line = line
        self._granted: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.placed = False

    @property
    def decided(self) -> bool:
        """Whether it need not be waited for any more."""
        return self._granted.done()

    @property
    def taken(self) -> bool:
        """Whether it was granted."""
        return self.decided and not self._granted.cancelled() and self._granted.result()

    async def granted(self) -> bool:
        """Wait for it. False when it was withdrawn from meanwhile."""
        return await self._granted

    def grant(self) -> None:
        """Let whoever waits go on."""
        self._granted.set_result(True)

    def withdraw(self) -> None:
        """Wait no longer. A slot that was granted stays so."""
        if not self.decided:
            self._granted.set_result(False)


@dataclass(slots=True)
class _Place:
    """One line: the calls on it, those that wait, and when it takes the next one."""

    limits: Limits
    taken: int = 0
    free_at: float = 0.0
    waiting: list[tuple[tuple[float, ...], int, Slot]] = field(default_factory=list)

    @property
    def interval(self) -> float:
        """The seconds between the beginnings of two calls."""
        return 1.0 / self.limits.calls_per_second if self.limits.calls_per_second else 0.0

    @property
    def full(self) -> bool:
        """Whether it takes no call before another one ends."""
        return self.limits.calls_at_once is not None and self.taken >= self.limits.calls_at_once

    def head(self) -> tuple[tuple[float, ...], int] | None:
        """Where the most urgent of those that still wait stands; None when nobody does."""
        while self.waiting and self.waiting[0][2].decided:
            heapq.heappop(self.waiting)
        return self.waiting[0][:2] if self.waiting else None


class Dispatcher:
    """Hands out the slots of one process. Used on the event loop that has the lines.

    `in_progress` counts all calls of this process, also those that no slot was asked for.
    """

    def __init__(
        self, lines: Mapping[str, Line], *, calls_at_once: int, in_progress: Callable[[], int]
    ) -> None:
        self._lines = lines
        self._calls_at_once = calls_at_once
        self._in_progress = in_progress
        self._places: dict[str, _Place] = {}
        self._numbers = count()
        self._taken = 0
        self._placed = 0
        self._timer: asyncio.TimerHandle | None = None

    @contextmanager
    def slot(self, line: str, urgency: Urgency) -> Iterator[Slot]:
        """A slot on a line, to be waited for; it is free again after the context."""
        slot = Slot(line)
        place = self._place(line)
        heapq.heappush(place.waiting, (urgency.order, next(self._numbers), slot))
        self._dispatch()
        try:
            yield slot
        finally:
            if slot.taken:
                self._release(slot, place)
            slot.withdraw()
            self._dispatch()

    def place(self, slot: Slot) -> None:
        """Told when the call of a slot begins; `in_progress` counts it from now on."""
        slot.placed = True
        self._placed += 1

    def waiting(self, line: str) -> int:
        """How many calls wait for a line."""
        return sum(not slot.decided for _, _, slot in self._place(line).waiting)

    def _release(self, slot: Slot, place: _Place) -> None:
        self._taken -= 1
        place.taken -= 1
        if slot.placed:
            self._placed -= 1
        else:
            place.free_at -= place.interval  # nothing was dialled

    def _dispatch(self) -> None:
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        at = loop.time()
        while True:
            heads = [
                (head, place)
                for place in self._places.values()
                if not place.full and (head := place.head()) is not None
            ]
            if not heads:
                return
            if self._taken - self._placed + self._in_progress() >= self._calls_at_once:
                self._timer = loop.call_later(_LOOK_AGAIN_SECONDS, self._dispatch)
                return
            ready = [(head, place) for head, place in heads if place.free_at <= at]
            if not ready:
                soonest = min(place.free_at for _, place in heads)
                self._timer = loop.call_at(soonest, self._dispatch)
                return
            _, place = min(ready, key=lambda each: each[0])
            self._grant(place, at)

    def _grant(self, place: _Place, at: float) -> None:
        _, _, slot = heapq.heappop(place.waiting)
        place.taken += 1
        self._taken += 1
        place.free_at = max(place.free_at, at) + place.interval
        slot.grant()

    def _place(self, name: str) -> _Place:
        if name not in self._places:
            line = self._lines.get(name)
            self._places[name] = _Place(Limits() if line is None else line.limits)
        return self._places[name]
