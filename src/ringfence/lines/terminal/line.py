"""The terminal line: a call held in the terminal of this process, for trying out a flow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TextIO

from ringfence.flows.participant import AnsweredBy, Destination, NotConnected, Recording
from ringfence.lines.dialled import Dialled
from ringfence.lines.handset import Handset
from ringfence.lines.holding import Refusal, Unanswered, hold
from ringfence.lines.journal import Journal
from ringfence.lines.line import (
    CallEnd,
    CallEventKind,
    CallRequest,
    CallResult,
    Conversation,
    Limits,
    Report,
)
from ringfence.lines.recordings import played
from ringfence.lines.replies import KEYS
from ringfence.lines.speech.audio import Caption, Speech
from ringfence.lines.speech.synthesizer import Synthesizer
from ringfence.lines.terminal.keyboard import Keyboard, Lines
from ringfence.lines.terminal.screen import Screen
from ringfence.lines.terminal.typed import typed

BELL_SECONDS = 3.0
HANG_UP_KEYS = frozenset("h\x1b")


class TerminalLine:
    """A `Line` named `terminal`: captions are written as they would be spoken.

    On a terminal the person answers with `a`, declines with `d`, presses `0-9 * #`, says words
    after `s`, and hangs up with `h` or Escape. Without one the call is answered at once, each time
    an answer is asked for the next line of the input gives it (keys, or else words), and the end
    of the input means that there is none. One call at a time; a second one finds the line busy.
    """

    name = "terminal"
    numbers: frozenset[str] | None = None
    limits = Limits()

    def __init__(
        self,
        synthesizer: Synthesizer | None = None,
        *,
        input_stream: TextIO | None = None,
        output_stream: TextIO | None = None,
        answered_by: AnsweredBy = AnsweredBy.HUMAN,
    ) -> None:
        """The streams are standard input and output when not given.

        `answered_by` is who is said to pick up, for trying what a flow does with a machine.
        """
        self._synthesizer = synthesizer or Synthesizer()
        self._input = input_stream
        self._screen = Screen(output_stream)
        self._lines: Lines | None = None
        self._in_call = False
        self._answered_by = answered_by
        self._dialled = Dialled()

    async def call(
        self, request: CallRequest, conversation: Conversation, report: Report
    ) -> CallResult:
        """See `Line.call`. A `call_id` that was dialled before fails at once."""
        if not self._dialled.add(request.call_id):
            refusal = Refusal(CallEnd.FAILED, f"{request.call_id} was dialled before")
            return await hold(request, refusal, conversation, report)
        if self._in_call:
            return await hold(request, Refusal(CallEnd.BUSY), conversation, report)
        self._in_call = True
        try:
            async with Keyboard(self._input) as keyboard:
                far_end: _Person | _Input
                if keyboard.is_terminal:
                    far_end = _Person(request, self._screen, keyboard, self._handset)
                else:
                    self._lines = lines = self._lines or Lines(self._input)
                    far_end = _Input(
                        request, self._screen, lambda journal: self._reading(journal, lines)
                    )
                async with self._synthesizer.preparing(request.foretell):
                    return await hold(request, far_end, conversation, report)
        finally:
            self._in_call = False

    def _handset(self, journal: Journal) -> TerminalHandset:
        return TerminalHandset(journal, self._synthesizer, self._answered_by, self._screen)

    def _reading(self, journal: Journal, lines: Lines) -> _ReadingHandset:
        return _ReadingHandset(journal, self._synthesizer, self._answered_by, self._screen, lines)


class TerminalHandset(Handset):
    """Speaks by writing each sentence at the moment at which it would be heard."""

    def __init__(
        self,
        journal: Journal,
        synthesizer: Synthesizer,
        answered_by: AnsweredBy,
        screen: Screen,
    ) -> None:
        super().__init__(journal, synthesizer, answered_by)
        self._screen = screen

    async def hear(self, speech: Speech, *, interruptible: bool) -> None:
        """See `Handset.hear`."""
        began = asyncio.get_running_loop().time()
        for caption in speech.captions:
            if await self._interrupted(began + caption.at_seconds, interruptible):
                return
            self.journal.note(CallEventKind.SAID, caption.text)
            self._screen.line("»", caption.text)
        await self._interrupted(began + speech.audio.duration_seconds, interruptible)

    async def play(self, recording: Recording, *, interruptible: bool) -> None:
        """See `Participant.play`. It is named, and takes its time."""
        self.check()
        sound = (await played(recording, self.rate)).audio
        shown = f"[recording {recording.name}, {sound.duration_seconds:.1f} s]"
        await self.hear(Speech(sound, (Caption(0.0, shown),)), interruptible=interruptible)

    async def connect(self, destination: Destination) -> None:
        """See `Participant.connect`: a terminal is a single telephone."""
        self.check()
        self._screen.line("☎", f"not put through to {destination.number}: no second telephone")
        raise NotConnected(
            f"{destination.number}: the terminal line has no second telephone, "
            "the browser line rings one"
        )

    def press(self, key: str) -> None:
        """The person pressed a key."""
        self._screen.line("›", f"key {key}")
        super().press(key)

    def speak(self, words: str) -> None:
        """The person said words."""
        self._screen.line("›", words)
        super().speak(words)

    async def _interrupted(self, until: float, interruptible: bool) -> bool:
        """Wait; True when a key or words interrupt. Raises `HungUp`."""
        left = until - asyncio.get_running_loop().time()
        await self.changes.until(
            lambda: self.over or (interruptible and bool(self.replies)), max(0.0, left)
        )
        self.check()
        return interruptible and bool(self.replies)


class _Person:
    """Somebody at the terminal's keyboard."""

    def __init__(
        self,
        request: CallRequest,
        screen: Screen,
        keyboard: Keyboard,
        pick_up: Callable[[Journal], TerminalHandset],
    ) -> None:
        self._request = request
        self._screen = screen
        self._keyboard = keyboard
        self._pick_up = pick_up
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
        self._screen.line("☎", "answered; 0-9 * # are keys, s says words, h hangs up")
        handset = self._pick_up(journal)
        self._reading = asyncio.create_task(self._read(handset))
        return handset

    def release(self, end: CallEnd | None) -> None:
        """See `FarEnd.release`."""
        if self._reading is not None:
            self._reading.cancel()
            self._screen.unfinished("", "")
        _show_end(self._screen, end)

    async def _ring_bell(self) -> None:
        while True:
            self._screen.bell()
            await asyncio.sleep(BELL_SECONDS)

    async def _read(self, handset: TerminalHandset) -> None:
        typing = typed(self._keyboard.keys(), self._screen, lambda: not handset.over)
        async for done in typing:
            if done.words:
                handset.speak(done.words)
            elif done.key in KEYS:
                handset.press(done.key)
            elif done.key.lower() in HANG_UP_KEYS and not handset.over:
                self.left = "hung up"
                handset.finish()
        if not handset.over:
            self.left = "the terminal was closed"
            handset.finish()


class _Input:
    """A pipe or a file instead of a person."""

    left = None

    def __init__(
        self,
        request: CallRequest,
        screen: Screen,
        pick_up: Callable[[Journal], TerminalHandset],
    ) -> None:
        self._request = request
        self._screen = screen
        self._pick_up = pick_up

    async def ring(self, journal: Journal) -> TerminalHandset:
        """See `FarEnd.ring`."""
        _show_ringing(self._screen, self._request)
        journal.note(CallEventKind.RINGING)
        self._screen.line("☎", "answered; keys and words are read from the input")
        return self._pick_up(journal)

    def release(self, end: CallEnd | None) -> None:
        """See `FarEnd.release`."""
        _show_end(self._screen, end)


class _ReadingHandset(TerminalHandset):
    """Takes keys and words from lines, one each time the conversation waits and has none."""

    def __init__(
        self,
        journal: Journal,
        synthesizer: Synthesizer,
        answered_by: AnsweredBy,
        screen: Screen,
        lines: Lines,
    ) -> None:
        super().__init__(journal, synthesizer, answered_by, screen)
        self._lines = lines

    async def replied(self, holds: Callable[[], bool], timeout_seconds: float) -> bool:
        """See `Handset.replied`."""
        self.check()
        if not holds():
            loop = asyncio.get_running_loop()
            deadline = loop.time() + timeout_seconds
            self._take(await self._lines.next(timeout_seconds) or "")
            timeout_seconds = max(0.0, deadline - loop.time())
        return await super().replied(holds, timeout_seconds)

    def _take(self, line: str) -> None:
        keys = "".join(line.split())
        if not KEYS.issuperset(keys):
            self.speak(line)
        else:
            for key in keys:
                self.press(key)


def _show_ringing(screen: Screen, request: CallRequest) -> None:
    screen.begin()
    caller = f"{request.caller_name}, {request.from_number}".lstrip(", ")
    screen.line("☎", f"ringing {request.to_number}: {caller}")


def _show_end(screen: Screen, end: CallEnd | None) -> None:
    screen.line("☎", f"call ended: {'cancelled' if end is None else end.replace('_', ' ')}")
