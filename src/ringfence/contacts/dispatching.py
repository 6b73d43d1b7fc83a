"""Whose turn it is when there are more calls than the lines take.

Every call of this process has a slot, which is one call on one line. Calls that are placed wait for
theirs, within what the line takes (at once, and in a second) and what this server may hold in all.
Of those that say how urgent they are, as cases do, the most urgent goes first; the others go in the
order in which they came, and are passed by a few times at most. Calls that come in wait for
nothing. Waiting holds no thread.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import TypeAlias

from ringfence.lines import Limits, Line

# How many urgent calls may go before one that only waits its turn: it gets every fourth slot.
PASSED_BY = 3


@dataclass(frozen=True, slots=True)
class Urgency:
    """How much a call matters. By priority, then by amount (whatever the currency), then by age."""

    priority: int
    amount: float
    since: datetime

    @property
    def order(self) -> tuple[float, ...]:
        """The most urgent has the least."""
        return (-self.priority, -self.amount, self.since.timestamp())


class Slot:
    """A place on a line that somebody waits for, has, or has withdrawn from.

    `dialled` is for its holder to set when the call begins: one in which nothing was dialled does
    not count for what the line takes in a second.
    """

    def __init__(self, line: str) -> None:
        self.line = line
        self.dialled = False
        self._granted: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

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


# Whoever waits, behind those with less; the number is that of their coming.
_Waiting: TypeAlias = tuple[tuple[float, ...], int, Slot]
# A due turn goes before the urgent, and they before any other turn.
_DUE, _URGENT, _IN_TURN = range(3)


@dataclass(slots=True)
class _Place:
    """One line: the calls on it, those that wait, and when it takes the next one."""

    limits: Limits
    taken: int = 0
    free_at: float = 0.0
    urgent: list[_Waiting] = field(default_factory=list)
    in_turn: list[_Waiting] = field(default_factory=list)
    passed_by: int = 0  # how often the first of `in_turn` was

    @property
    def interval(self) -> float:
        """The seconds between the beginnings of two calls."""
        return 1.0 / self.limits.calls_per_second if self.limits.calls_per_second else 0.0

    @property
    def full(self) -> bool:
        """Whether it takes no call before another one ends."""
        return self.limits.calls_at_once is not None and self.taken >= self.limits.calls_at_once

    @property
    def wanted(self) -> bool:
        """Whether anybody waits for it."""
        for waiting in (self.urgent, self.in_turn):
            while waiting and waiting[0][2].decided:
                heapq.heappop(waiting)
        return bool(self.urgent or self.in_turn)

    @property
    def next(self) -> tuple[int, tuple[float, ...], int]:
        """How whoever goes next on this line, which is wanted, stands beside those of others."""
        due = bool(self.in_turn) and self.passed_by >= PASSED_BY
        if self.urgent and not due:
            return (_URGENT, *self.urgent[0][:2])
        return (_DUE if due else _IN_TURN, *self.in_turn[0][:2])


class Dispatcher:
    """Hands out the slots of one process. Used on the event loop that has the lines."""

    def __init__(self, lines: Mapping[str, Line], *, calls_at_once: int) -> None:
        self._lines = lines
        self._places: dict[str, _Place] = {}
        self._numbers = count()
        self._timer: asyncio.TimerHandle | None = None
        self.calls_at_once = calls_at_once
        self.taken = 0

    @contextmanager
    def slot(self, line: str, urgency: Urgency | None = None) -> Iterator[Slot]:
        """A slot on a line, to be waited for; it is free again after the context."""
        slot, place = Slot(line), self._place(line)
        waiting = place.in_turn if urgency is None else place.urgent
        order = () if urgency is None else urgency.order
        heapq.heappush(waiting, (order, next(self._numbers), slot))
        self._dispatch()
        try:
            yield slot
        finally:
            if slot.taken:
                self._release(slot, place)
            slot.withdraw()
            self._dispatch()

    @asynccontextmanager
    async def turn(self, line: str) -> AsyncIterator[None]:
        """Wait for a slot in turn, and have it for a call that is dialled at once."""
        with self.slot(line) as slot:
            await slot.granted()
            slot.dialled = True
            yield

    def enter(self, line: str) -> Slot | None:
        """A slot for a call that has come in, to be given back with `leave`; None when this server
        holds as many as it may. The line has room for it, or would not have brought it."""
        if self.taken >= self.calls_at_once:
            return None
        slot = Slot(line)
        slot.dialled = True
        self._take(slot, self._place(line))
        return slot

    def leave(self, slot: Slot) -> None:
        """The call that had come in is over."""
        self._release(slot, self._place(slot.line))
        self._dispatch()

    def _take(self, slot: Slot, place: _Place) -> None:
        place.taken += 1
        self.taken += 1
        slot.grant()

    def _release(self, slot: Slot, place: _Place) -> None:
        place.taken -= 1
        self.taken -= 1
        if not slot.dialled:
            place.free_at -= place.interval

    def _dispatch(self) -> None:
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        at = loop.time()
        while self.taken < self.calls_at_once:
            able = [each for each in self._places.values() if each.wanted and not each.full]
            if not able:
                return
            ready = [each for each in able if each.free_at <= at]
            if not ready:
                soonest = min(each.free_at for each in able)
                self._timer = loop.call_at(soonest, self._dispatch)
                return
            self._grant(min(ready, key=lambda each: each.next), ready, at)

    def _grant(self, place: _Place, ready: list[_Place], at: float) -> None:
        if place.next[0] == _URGENT:
            _, _, slot = heapq.heappop(place.urgent)
            for each in ready:
                each.passed_by += bool(each.in_turn)
        else:
            _, _, slot = heapq.heappop(place.in_turn)
            place.passed_by = 0
        place.free_at = max(place.free_at, at) + place.interval
        self._take(slot, place)

    def _place(self, name: str) -> _Place:
        if name not in self._places:
            line = self._lines.get(name)
            self._places[name] = _Place(Limits() if line is None else line.limits)
        return self._places[name]
