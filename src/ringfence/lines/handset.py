"""The far end of a call whose keys and hang-up arrive in this process."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod

from ringfence.flows.participant import HungUp, Prompt
from ringfence.lines.changes import Changes
from ringfence.lines.journal import Journal
from ringfence.lines.keypad import Keypad
from ringfence.lines.line import CallEventKind


class Handset(ABC):
    """A `Participant` but for how it speaks: `say` is the line's own.

    `present` is False while the far end is away for a moment (a page that reloads); the time to
    press a key stands still then.
    """

    def __init__(self, journal: Journal) -> None:
        self.changes = Changes()
        self.journal = journal
        self.keypad = Keypad()
        self.present = True
        self.over = False

    def press(self, key: str) -> None:
        """The far end pressed a key."""
        if not self.over and self.keypad.press(key):
            self.journal.note(CallEventKind.DIGIT, key)
            self.changes.notify()

    def finish(self) -> None:
        """The call is over, whoever ended it."""
        self.over = True
        self.changes.notify()

    def check(self) -> None:
        """Raise `HungUp` when the call is over."""
        if self.over:
            raise HungUp

    @abstractmethod
    async def say(self, prompt: Prompt, *, interruptible: bool) -> None:
        """See `Participant.say`."""

    async def digit(self, timeout_seconds: float) -> str | None:
        """See `Participant.digit`."""
        loop = asyncio.get_running_loop()
        left = timeout_seconds
        while True:
            await self.changes.until(lambda: self.over or self.present or bool(self.keypad))
            began = loop.time()
            await self.changes.until(
                lambda: self.over or not self.present or bool(self.keypad), max(left, 0.0)
            )
            self.check()
            if self.keypad:
                # The key is on record before anything follows from it.
                await self.journal.settled()
                return self.keypad.take()
            left -= loop.time() - began
            if self.present and left <= 0:
                return None

    def clear_digits(self) -> None:
        """See `Participant.clear_digits`."""
        self.check()
        self.keypad.clear()

    async def pause(self, seconds: float) -> None:
        """See `Participant.pause`."""
        await self.changes.until(lambda: self.over, seconds)
        self.check()

    async def hang_up(self) -> None:
        """See `Participant.hang_up`."""
        self.finish()
