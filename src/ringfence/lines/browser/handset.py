"""The browser phone that answered: sound is sent ahead, captions are reported as they start."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ringfence.flows.participant import AnsweredBy, Destination, HungUp, NotConnected
from ringfence.lines.browser.bridge import Bridge
from ringfence.lines.browser.exchange import Exchange, Phone
from ringfence.lines.browser.protocol import (
    CaptionAt,
    Finished,
    FromPhone,
    Key,
    PlayPrompt,
    Say,
    Started,
    StopPrompt,
)
from ringfence.lines.handset import Handset
from ringfence.lines.journal import Journal
from ringfence.lines.line import CallEventKind
from ringfence.lines.speech.audio import Speech
from ringfence.lines.speech.synthesizer import Synthesizer

START_SECONDS = 2.0  # how long a phone may take to begin; then it counts as begun
OVERDUE_SECONDS = 2.0  # how long after its length a prompt counts as heard, whatever the phone says


class BrowserHandset(Handset):
    """The phone that answered, as the `Participant` of the conversation."""

    def __init__(
        self,
        phone: Phone,
        call_id: str,
        exchange: Exchange,
        synthesizer: Synthesizer,
        journal: Journal,
        answered_by: AnsweredBy,
        *,
        on_hang_up: Callable[[], None],
    ) -> None:
        """`on_hang_up` tells the phone that we hung up."""
        super().__init__(journal, synthesizer, answered_by)
        self.left_how: str | None = None
        self._phone = phone
        self._call_id = call_id
        self._exchange = exchange
        self._on_hang_up = on_hang_up
        self._bridge: Bridge | None = None
        self._prompt_id = 0
        self._started = False
        self._finished = False
        self._interruptions = 0
        self.present = phone.connection is not None

    async def hear(self, speech: Speech, *, interruptible: bool) -> None:
        """See `Handset.hear`. After a reload the sentence that was cut off is said again."""
        wav = speech.audio.wav()
        self._prompt_id += 1
        position = 0.0
        reported = 0
        while speech.audio.pcm:
            await self.changes.until(lambda: self.over or self.present)
            self.check()
            if interruptible and self.replies:
                break
            self._started = self._finished = False
            self._phone.send(self._play(speech, position, interruptible), wav)
            position, reported, cut_off = await self._listen(
                speech, position, reported, interruptible
            )
            if not cut_off:
                break
        self.check()
        await self.journal.settled()

    async def hang_up(self) -> None:
        """See `Participant.hang_up`."""
        if not self.over:
            self.finish()
            self._on_hang_up()

    async def connect(self, destination: Destination) -> None:
        """See `Participant.connect`."""
        self.check()
        self._bridge = bridge = Bridge(self._phone, self._call_id, destination, self._exchange)
        try:
            await bridge.ring()
            self.check()
            self.journal.note(CallEventKind.PUT_THROUGH, destination.number)
            await bridge.talk()
            self.check()
            self.journal.note(CallEventKind.TAKEN_BACK)
            await self.journal.settled()
        except NotConnected:
            self.check()
            raise
        finally:
            self._bridge = None
            bridge.close()

    def finish(self) -> None:
        """See `Handset.finish`."""
        super().finish()
        if self._bridge is not None:
            self._bridge.close()

    # --- for the leg: see `Holder` ---

    def heard(self, message: FromPhone | bytes) -> None:
        """See `Holder.heard`. What is done while put through is for the other phone alone."""
        if self._bridge is not None:
            self._bridge.near_heard(message)
            return
        match message:
            case Key(_, key):
                self.press(key)
            case Say(_, text):
                self.speak(text)
            case Started(prompt_id) if prompt_id == self._prompt_id:
                self._started = True
                self.changes.notify()
            case Finished(prompt_id) if prompt_id == self._prompt_id:
                self._finished = True
                self.changes.notify()

    def away(self) -> None:
        """See `Holder.away`."""
        self.present = False
        self._interruptions += 1
        self.changes.notify()

    def back(self) -> None:
        """See `Holder.back`."""
        self.present = True
        if self._bridge is not None:
            self._bridge.near_back()
        self.changes.notify()

    def left(self, how: str) -> None:
        """See `Holder.left`."""
        if self.left_how is None and not self.over:
            self.left_how = how
            self.finish()

    async def _listen(
        self, speech: Speech, position: float, reported: int, interruptible: bool
    ) -> tuple[float, int, bool]:
        """Follow the phone as it plays from `position`, reporting captions as they start.

        Returns where to go on, how many captions are reported, and whether the phone was cut off.
        """
        interruptions = self._interruptions

        def disturbed() -> bool:
            return (
                self.over
                or self._interruptions != interruptions
                or (interruptible and bool(self.replies))
            )

        await self.changes.until(
            lambda: self._started or self._finished or disturbed(), START_SECONDS
        )
        loop = asyncio.get_running_loop()
        began = loop.time() - position
        captions = speech.captions
        while not self._finished and not disturbed():
            due = speech.audio.duration_seconds + OVERDUE_SECONDS
            if reported < len(captions):
                due = captions[reported].at_seconds
            left = began + due - loop.time()
            if left > 0:
                await self.changes.until(lambda: self._finished or disturbed(), left)
            elif reported < len(captions):
                self.journal.note(CallEventKind.SAID, captions[reported].text)
                reported += 1
            else:
                break
        if self.over:
            raise HungUp
        if self._interruptions != interruptions:
            heard = loop.time() - began
            starts = [caption.at_seconds for caption in captions if caption.at_seconds <= heard]
            return (starts[-1] if starts else 0.0), reported, True
        if interruptible and self.replies and not self._finished:
            self._phone.send(StopPrompt(self._prompt_id))
            return position, reported, False
        for caption in captions[reported:]:
            self.journal.note(CallEventKind.SAID, caption.text)
        return position, len(captions), False

    def _play(self, speech: Speech, position: float, interruptible: bool) -> PlayPrompt:
        return PlayPrompt(
            self._call_id,
            self._prompt_id,
            round(speech.audio.duration_seconds * 1000),
            round(position * 1000),
            interruptible,
            [CaptionAt(round(c.at_seconds * 1000), c.text) for c in speech.captions],
        )
