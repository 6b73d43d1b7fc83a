"""The terminal line: a call held in the terminal of this process, for trying out a flow."""

from __future__ import annotations

import asyncio
from typing import TextIO

from ringfence.flows.participant import Prompt
from ringfence.lines.handset import Handset
from ringfence.lines.holding import Refusal, Unanswered, hold
from ringfence.lines.journal import Journal
from ringfence.lines.keypad import KEYS
from ringfence.lines.line import (
    CallEnd,
    CallEventKind,
    CallRequest,
    CallResult,
    Conversation,
    Report,
)
from ringfence.lines.speech.synthesizer import Synthesizer
from ringfence.lines.terminal.keyboard import Keyboard, Lines
from ringfence.lines.terminal.screen import Screen

BELL_SECONDS = 3.0
HANG_UP_KEYS = frozenset("h\x1b")


class TerminalLine:
    """A `Line` named `terminal`: captions are written as they would be spoken.

    On a terminal the person answers with `a`, declines with `d`, presses `0-9 * #` and hangs up
    with `h` or Escape. Without one the call is answered at once, each time a key is asked for the
    next line of the input gives it, and the end of the input means that no key is pressed.
    One call at a time; a second one finds the line busy.
    """

    name = "terminal"

    def __init__(
        self,
        synthesizer: Synthesizer | None = None,
        *,
        input_stream: TextIO | None = None,
        output_stream: TextIO | None = None,
    ) -> None:
        """The streams are standard input and output when not given."""
        self._synthesizer = synthesizer or Synthesizer()
        self._input = input_stream
        self._screen = Screen(output_stream)
        self._lines: Lines | None = None
        self._in_call = False
        self._dialled: set[str] = set()

    async def call(
        self, request: CallRequest, conversation: Conversation, report: Report
    ) -> CallResult:
        """See `Line.call`. A `call_id` that was dialled before fails at once."""
        if request.call_id in self._dialled:
            refusal = Refusal(CallEnd.FAILED, f"{request.call_id} was dialled before")
            return await hold(request, refusal, conversation, report)
        self._dialled.add(request.call_id)
        if self._in_call:
            return await hold(request, Refusal(CallEnd.BUSY), conversation, report)
        self._in_call = True
        try:
            async with Keyboard(self._input) as keyboard:
                far_end: _Person | _Input
                if keyboard.is_terminal:
                    far_end = _Person(request, self._synthesizer, self._screen, keyboard)
                else:
                    self._lines = self._lines or Lines(self._input)
                    far_end = _Input(request, self._synthesizer, self._screen, self._lines)
                return await hold(request, far_end, conversation, report)
        finally:
            self._in_call = False


class TerminalHandset(Handset):
    """Speaks by writing each sentence at the moment at which it would be heard."""

    def __init__(self, journal: Journal, synthesizer: Synthesizer, screen: Screen) -> None:
        super().__init__(journal)
        self._synthesizer = synthesizer
        self._screen = screen

    async def say(self, prompt: Prompt, *, interruptible: bool) -> None:
        """See `Participant.say`."""
        self.check()
        speech = await self._synthesizer.speak(prompt)
        began = asyncio.get_running_loop().time()
        for caption in speech.captions:
            if await self._interrupted(began + caption.at_seconds, interruptible):
                return
            self.journal.note(CallEventKind.SAID, caption.text)
            self._screen.line("»", caption.text)
        await self._interrupted(began + speech.audio.duration_seconds, interruptible)

    def press(self, key: str) -> None:
        """The person pressed a key."""
        self._screen.line("›", f"key {key}")
        super().press(key)

    async def _interrupted(self, until: float, interruptible: bool) -> bool:
        """Wait; True when a key interrupts. Raises `HungUp`."""
        left = until - asyncio.get_running_loop().time()
        await self.changes.until(
            lambda: self.over or (interruptible and bool(self.keypad)), max(0.0, left)
        )
        self.check()
        return interruptible and bool(self.keypad)


class _Person:
    """Somebody at the terminal's keyboard."""

    def __init__(
        self, request: CallRequest, synthesizer: Synthesizer, screen: Screen, keyboard: Keyboard
    ) -> None:
        self._request = request
        self._synthesizer = synthesizer
        self._screen = screen
        self._keyboard = keyboard
        self._reading: asyncio.Task[None] | None = None
        self.left: str | None = None

    async def ring(self, journal: Journal) -> TerminalHandset | Unanswered:
        """See `FarEnd.ring`."""
        _show_ringing(self._screen, self._request)
        self._screen.line("☎", "a answers, d declines")
        journal.note(CallEventKind.RINGING)
        ringing = asyncio.create_task(self._ring_bell())
        try:
            async with asyncio.timeout(self._request.ring_timeout_seconds):
                async for key in self._keyboard.keys():
                    if key in "aA\r\n":
                        break
                    if key in "dD\x1b":
                        return Unanswered(CallEnd.REJECTED)
                else:
                    return Unanswered(CallEnd.UNREACHABLE, "the terminal was closed")
        except TimeoutError:
            return Unanswered(CallEnd.NO_ANSWER)
        finally:
            ringing.cancel()
        self._screen.line("☎", "answered; 0-9 * # are keys, h hangs up")
        handset = TerminalHandset(journal, self._synthesizer, self._screen)
        self._reading = asyncio.create_task(self._read(handset))
        return handset

    def release(self, end: CallEnd | None) -> None:
        """See `FarEnd.release`."""
        if self._reading is not None:
            self._reading.cancel()
        _show_end(self._screen, end)

    async def _ring_bell(self) -> None:
        while True:
            self._screen.bell()
            await asyncio.sleep(BELL_SECONDS)

    async def _read(self, handset: TerminalHandset) -> None:
        async for key in self._keyboard.keys():
            if key in KEYS:
                handset.press(key)
            elif key.lower() in HANG_UP_KEYS and not handset.over:
                self.left = "hung up"
                handset.finish()
        if not handset.over:
            self.left = "the terminal was closed"
            handset.finish()


class _Input:
    """A pipe or a file instead of a person."""

    left = None

    def __init__(
        self, request: CallRequest, synthesizer: Synthesizer, screen: Screen, lines: Lines
    ) -> None:
        self._request = request
        self._synthesizer = synthesizer
        self._screen = screen
        self._lines = lines

    async def ring(self, journal: Journal) -> TerminalHandset:
        """See `FarEnd.ring`."""
        _show_ringing(self._screen, self._request)
        journal.note(CallEventKind.RINGING)
        self._screen.line("☎", "answered; keys are read from the input")
        return _ReadingHandset(journal, self._synthesizer, self._screen, self._lines)

    def release(self, end: CallEnd | None) -> None:
        """See `FarEnd.release`."""
        _show_end(self._screen, end)


class _ReadingHandset(TerminalHandset):
    """Takes keys from lines, a line each time the conversation waits for a key and has none."""

    def __init__(
        self, journal: Journal, synthesizer: Synthesizer, screen: Screen, lines: Lines
    ) -> None:
        super().__init__(journal, synthesizer, screen)
        self._lines = lines

    async def digit(self, timeout_seconds: float) -> str | None:
        """See `Participant.digit`."""
        self.check()
        if not self.keypad:
            loop = asyncio.get_running_loop()
            deadline = loop.time() + timeout_seconds
            line = await self._lines.next(timeout_seconds)
            for key in line or "":
                if key in KEYS:
                    self.press(key)
            timeout_seconds = max(0.0, deadline - loop.time())
        return await super().digit(timeout_seconds)


def _show_ringing(screen: Screen, request: CallRequest) -> None:
    screen.begin()
    caller = f"{request.caller_name}, {request.from_number}".lstrip(", ")
    screen.line("☎", f"ringing {request.to_number}: {caller}")


def _show_end(screen: Screen, end: CallEnd | None) -> None:
    screen.line("☎", f"call ended: {'cancelled' if end is None else end.replace('_', ' ')}")
