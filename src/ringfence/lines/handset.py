"""The far end of a call whose keys, words and hang-up arrive in this process."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable

from ringfence.flows.participant import AnsweredBy, Destination, HungUp, Prompt, Recording, Reply
from ringfence.lines.changes import Changes
from ringfence.lines.journal import Journal
from ringfence.lines.line import CallEventKind
from ringfence.lines.recordings import played
from ringfence.lines.replies import Replies
from ringfence.lines.speech.audio import Speech
from ringfence.lines.speech.synthesizer import WIDEBAND_RATE, Synthesizer


class Handset(ABC):
    """A `Participant` but for how sound reaches it (`hear`) and for `connect`: the line's own.

    `present` is False while the far end is away for a moment (a page that reloads); the time to
    answer stands still then.
    """

    rate = WIDEBAND_RATE

    def __init__(self, journal: Journal, synthesizer: Synthesizer, answered_by: AnsweredBy) -> None:
        self.changes = Changes()
        self.journal = journal
        self.replies = Replies()
        self.present = True
        self.over = False
        self._synthesizer = synthesizer
        self._answered_by = answered_by

    @property
    def answered_by(self) -> AnsweredBy:
        """See `Participant.answered_by`."""
        return self._answered_by

    def press(self, key: str) -> None:
        """The far end pressed a key."""
        if not self.over and self.replies.press(key):
            self.journal.note(CallEventKind.DIGIT, key)
            self.changes.notify()

    def speak(self, words: str) -> None:
        """The far end said words."""
        if not self.over and self.replies.say(words):
            self.journal.note(CallEventKind.WORDS)
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
    async def hear(self, speech: Speech, *, interruptible: bool) -> None:
        """Let the far end hear `speech`, as `Participant.say` promises it."""

    @abstractmethod
    async def connect(self, destination: Destination) -> None:
        """See `Participant.connect`."""

    async def say(self, prompt: Prompt, *, interruptible: bool) -> None:
        """See `Participant.say`."""
        self.check()
        speech = await self._synthesizer.speak(prompt, self.rate)
        await self.hear(speech, interruptible=interruptible)

    async def play(self, recording: Recording, *, interruptible: bool) -> None:
        """See `Participant.play`."""
        self.check()
        await self.hear(await played(recording, self.rate), interruptible=interruptible)

    async def digit(self, timeout_seconds: float) -> str | None:
        """See `Participant.digit`."""
        await self.replied(lambda: self.replies.has_key, timeout_seconds)
        return self.replies.take_key()

    async def reply(self, timeout_seconds: float) -> Reply | None:
        """See `Participant.reply`."""
        if await self.replied(lambda: bool(self.replies), timeout_seconds):
            return self.replies.take()
        return None

    def clear_digits(self) -> None:
        """See `Participant.clear_digits`."""
        self.check()
        self.replies.clear()

    async def pause(self, seconds: float) -> None:
        """See `Participant.pause`."""
        await self.changes.until(lambda: self.over, seconds)
        self.check()

    async def record(self, on: bool) -> bool:
        """See `Participant.record`: not unless the line does."""
        return False

    async def hang_up(self) -> None:
        """See `Participant.hang_up`."""
        self.finish()

    async def replied(self, holds: Callable[[], bool], timeout_seconds: float) -> bool:
        """Wait until `holds()`; False after the time, in which the far end was there.

        What was done is on record before anything follows from it. Raises `HungUp`.
        """
        loop = asyncio.get_running_loop()
        left = timeout_seconds
        while True:
            await self.changes.until(lambda: self.over or self.present or holds())
            began = loop.time()
            await self.changes.until(
                lambda: self.over or not self.present or holds(), max(left, 0.0)
            )
            self.check()
            if holds():
                await self.journal.settled()
                return True
            left -= loop.time() - began
            if self.present and left <= 0:
                return False
