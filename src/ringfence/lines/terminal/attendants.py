"""Who sits at a terminal phone: a person, or a script that stands in for one."""

from __future__ import annotations

import asyncio
from typing import Protocol

from ringfence.lines.terminal.screen import Screen

ANSWER_AFTER_SECONDS = 1.0
PRESS_AFTER_SECONDS = 0.4


class Answering(Protocol):
    """What a script does with a phone."""

    async def answer(self) -> None:
        """Pick up."""

    async def asked(self) -> None:
        """Wait until somebody waits for a key."""

    async def press(self, key: str) -> None:
        """Press a key."""


class Attendant(Protocol):
    """Who sits at the phone, and is told what happens on it."""

    def ringing(self) -> None:
        """A call comes in."""

    def answered(self) -> None:
        """The call is on this phone."""

    def call_over(self) -> None:
        """There is no call any more."""


class Hand:
    """A person, told which keys there are."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def ringing(self) -> None:
        """See `Attendant.ringing`."""
        self._screen.line("☎", "a answers, d declines")

    def answered(self) -> None:
        """See `Attendant.answered`."""
        self._screen.line("☎", "0-9 * # are keys, s says words, h hangs up")

    def call_over(self) -> None:
        """The person sees it."""


class Script:
    """Picks up, waits to be asked, presses the keys once."""

    def __init__(self, phone: Answering, answer: str | None) -> None:
        self._phone = phone
        self._answer = answer
        self._doing: asyncio.Task[None] | None = None

    def ringing(self) -> None:
        """See `Attendant.ringing`."""
        self.call_over()  # a ring means that no answer has arrived
        if self._answer is not None:
            self._doing = asyncio.create_task(self._attend(self._answer))

    def answered(self) -> None:
        """Part of `_attend`."""

    def call_over(self) -> None:
        """See `Attendant.call_over`."""
        if self._doing is not None:
            self._doing.cancel()
            self._doing = None

    async def _attend(self, answer: str) -> None:
        await asyncio.sleep(ANSWER_AFTER_SECONDS)
        await self._phone.answer()
        await self._phone.asked()
        for key in answer:
            await asyncio.sleep(PRESS_AFTER_SECONDS)
            await self._phone.press(key)
