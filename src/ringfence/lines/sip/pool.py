"""The children of a line: enough of them, the calls spread over them, and new ones for the dead.

A child holds as many calls as its build of PJSIP does. Some room is kept ready, so that no call
waits for a process to start. The first child watches the trunks, and takes what comes in.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import msgspec
import structlog

from ringfence.errors import Unavailable
from ringfence.lines.changes import Changes
from ringfence.lines.sip.child_process import ChildProcess
from ringfence.lines.sip.messages import Alive, FromChild, Offered, Ready, Registered, Setup

_WAIT_SECONDS = 5.0  # for a child that is starting
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.2, 30.0
_LINGER_SECONDS = 32.0  # PJSIP waits so long for an answer to a BYE: 64 times T1 of RFC 3261
_QUIET_SECONDS = 60.0  # after which a child that died is no sign that the next one will
_log = structlog.get_logger(__name__)


class Holder(Protocol):
    """Who holds a call on a child."""

    def heard(self, message: FromChild) -> None:
        """The child says something about the call."""
        ...

    def lost(self) -> None:
        """The child is gone, and the call with it."""
        ...


@dataclass(eq=False, slots=True)
class Slot:
    """Room for one call on a child. Give it back with `Pool.release`."""

    child: Child
    call: str


@dataclass(eq=False, slots=True)
class Child:
    """A child in the pool and its calls."""

    process: ChildProcess
    capacity: int
    watches: bool
    calls: dict[str, Holder] = field(default_factory=dict)
    lingering: int = 0  # calls that are over, and PJSIP is not done with
    leaving: bool = False

    @property
    def free(self) -> int:
        """How many more calls it takes."""
        if self.leaving or not self.process.alive:
            return 0
        return self.capacity - self.lingering - len(self.calls)


class Pool:
    """The children. `setup` is that of the first; the others register nothing."""

    def __init__(
        self,
        setup: Setup,
        *,
        calls_at_once: int,
        spare_calls: int,
        offered: Callable[[Child, Offered], None],
        told: Callable[[Registered | Alive | None], None],
        check: Callable[[Ready], None],
    ) -> None:
        """`offered` is called for calls that come in, `told` with what the first child says of the
        trunks (None when it is gone). `check` raises for a build that is not to be used."""
        self._setup = setup
        self._most = calls_at_once
        self._spare = min(spare_calls, calls_at_once)
        self._offered = offered
        self._told = told
        self._check = check
        self._children: list[Child] = []
        self._starting = 0
        self._stopping = False
        self._changes = Changes()
        self._tasks: set[asyncio.Task[None]] = set()
        self._pause = 0.0
        self._last_death = 0.0
        self.ready: Ready | None = None
        self.problem = ""

    async def start(self) -> None:
        """Start the first child. Raises `Unavailable` when it cannot work."""
        await self._add(watches=True)
        self._grow()

    async def stop(self) -> None:
        """Take no more calls, and end all children. Blocks for a few seconds at most."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(child.process.end(drain=True) for child in self._children))

    @property
    def processes(self) -> list[tuple[int, int, int]]:
        """The process id, the calls and the capacity of each child that can place calls."""
        return [
            (child.process.pid, len(child.calls), child.capacity)
            for child in self._children
            if child.process.alive and child.capacity
        ]

    @property
    def calls(self) -> int:
        """How many calls there are."""
        return sum(len(child.calls) for child in self._children)

    async def take(self, call: str, holder: Holder) -> Slot | None:
        """Room for `call`; None when there is none, after waiting for children that start."""
        if self._find() is None:
            self._grow()
            await self._changes.until(
                lambda: self._find() is not None or not self._starting, _WAIT_SECONDS
            )
        child = self._find()
        if child is None:
            return None
        slot = self.hold(child, call, holder)
        self._grow()
        return slot

    def take_beside(self, slot: Slot, call: str, holder: Holder) -> Slot | None:
        """Room for another call on the child of `slot`, for both to hear each other, if that is one
        of these and has any."""
        ours = slot.child in self._children
        return self.hold(slot.child, call, holder) if ours and slot.child.free > 0 else None

    def hold(self, child: Child, call: str, holder: Holder) -> Slot:
        """`holder` holds `call` on this child from now on."""
        child.calls[call] = holder
        return Slot(child, call)

    def release(self, slot: Slot) -> None:
        """The call is over."""
        slot.child.calls.pop(slot.call, None)
        self._changes.notify()

    def full(self, child: Child) -> None:
        """The child holds no further call, though it should: its PJSIP is not done with one that
        is over, because the far end does not answer our BYE."""
        child.lingering += 1
        asyncio.get_running_loop().call_later(_LINGER_SECONDS, self._done_with, child)

    def _done_with(self, child: Child) -> None:
        child.lingering -= 1
        self._changes.notify()

    def _find(self) -> Child | None:
        """The child with the most room; the one that watches the trunks last of all, and not at
        all when calls come in on it."""
        able = [
            child
            for child in self._children
            if child.free > 0 and not (child.watches and self._setup.takes_calls)
        ]
        return max(able, key=lambda child: (not child.watches, child.free), default=None)

    def _grow(self) -> None:
        """Start as many children as it takes to have room ready, within the limit of calls."""
        if self.ready is None or self._stopping:
            return
        capacity = self._capacity(self.ready)
        usable = [c for c in self._children if not (c.watches and self._setup.takes_calls)]
        room = sum(child.free for child in usable) + self._starting * capacity
        total = sum(child.capacity - child.lingering for child in usable)
        total += self._starting * capacity
        while room < self._spare and total < self._most:
            self._starting += 1
            room += capacity
            total += capacity
            self._spawn(watches=False)

    def _spawn(self, *, watches: bool) -> None:
        task = asyncio.get_running_loop().create_task(self._add_later(watches=watches))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _add_later(self, *, watches: bool) -> None:
        try:
            if self._pause:
                await asyncio.sleep(self._pause)
            await self._add(watches=watches)
        except (Unavailable, OSError) as error:
            _log.error("a process of the SIP line does not start", error=str(error))
            self.problem = str(error)
            self._died()
        finally:
            if not watches:
                self._starting -= 1
            self._changes.notify()
        watched = any(child.watches and child.process.alive for child in self._children)
        if watches and not watched and not self._stopping:
            self._spawn(watches=True)

    async def _add(self, *, watches: bool) -> None:
        setup = self._setup
        if not watches:
            setup = msgspec.structs.replace(setup, registers=False, takes_calls=False, port=0)
        process = ChildProcess(setup, self._heard, self._gone)
        child = Child(process, 0, watches)
        self._children.append(child)
        try:
            ready = await process.start()
            self._check(ready)
        except BaseException:
            # Out of the pool first: one that is sent away has not died, and is not to be replaced.
            if child in self._children:
                self._children.remove(child)
            await process.end()
            raise
        self.ready = ready
        self.problem = ""
        child.capacity = self._capacity(ready)

    def _capacity(self, ready: Ready) -> int:
        return max(1, min(ready.most_calls, self._setup.calls))

    def _heard(self, process: ChildProcess, message: FromChild) -> None:
        child = next((each for each in self._children if each.process is process), None)
        if child is None:
            return
        match message:
            case Registered() | Alive():
                self._told(message)
            case Offered():
                self._offered(child, message)
            case _:
                holder = child.calls.get(getattr(message, "call", ""))
                if holder is not None:
                    holder.heard(message)

    def _gone(self, process: ChildProcess) -> None:
        child = next((each for each in self._children if each.process is process), None)
        if child is None:
            return
        self._children.remove(child)
        lost = list(child.calls.values())
        child.calls.clear()
        for holder in lost:
            holder.lost()
        self._changes.notify()
        if self._stopping or process.ready is None:
            return
        _log.error("a process of the SIP line died", child=process.pid, calls=len(lost))
        self._died()
        if child.watches:
            self._told(None)
            self._spawn(watches=True)
        self._grow()

    def _died(self) -> None:
        now = time.monotonic()
        again = now - self._last_death < _QUIET_SECONDS
        self._last_death = now
        longer = max(_FIRST_PAUSE_SECONDS, self._pause * 2) if again else 0.0
        self._pause = min(longer, _LONGEST_PAUSE_SECONDS)
