"""The browser phone that answered: sound is sent ahead, captions are reported as they start."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ringfence.flows.participant import AnsweredBy, HungUp
from ringfence.lines.browser.exchange import Phone
from ringfence.lines.browser.protocol import (
    Bridged,
    CaptionAt,
    Connecting,
    Finished,
    FromPhone,
    Key,
    Parted,
    PlayPrompt,
    Said,
    Say,
    Started,
    StopPrompt,
    Tone,
)
from ringfence.lines.journal import Journal
from ringfence.lines.line import CallEventKind
from ringfence.lines.speech.audio import Speech
from ringfence.lines.speech.synthesizer import Synthesizer
from ringfence.lines.talking import PutThrough, TalkingHandset

START_SECONDS = 2.0  # how long a phone may take to begin; then it counts as begun
OVERDUE_SECONDS = 2.0  # how long after its length a prompt counts as heard, whatever the phone says


class BrowserHandset(TalkingHandset):
    """The phone that answered, as the `Participant` of the conversation."""

    def __init__(
        self,
        phone: Phone,
        call_id: str,
        synthesizer: Synthesizer,
        journal: Journal,
        answered_by: AnsweredBy,
        put_through: PutThrough,
        *,
        on_hang_up: Callable[[], None],
    ) -> None:
        """`on_hang_up` tells the phone that we hung up."""
        super().__init__(journal, synthesizer, answered_by, put_through)
        self.left_how: str | None = None
        self._phone = phone
        self._call_id = call_id
        self._on_hang_up = on_hang_up
        self._talk: Connecting | Bridged | None = None  # which a phone that comes back is to know
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

    # --- for the switch, and the other telephone: see `TalkingHandset` ---

    def waits_for(self, number: str) -> None:
        """See `TalkingHandset.waits_for`."""
        super().waits_for(number)
        self._talk = Connecting(self._call_id, number)
        self._phone.send(self._talk)

    def joins(self, other: TalkingHandset, number: str, name: str) -> None:
        """See `TalkingHandset.joins`."""
        super().joins(other, number, name)
        self._talk = Bridged(self._call_id, number, name)
        self._phone.send(self._talk)

    def parts(self, reached: bool) -> None:
        """See `TalkingHandset.parts`."""
        super().parts(reached)
        self._talk = None
        self._phone.send(Parted(self._call_id, reached))

    def other_said(self, frame: bytes) -> None:
        """See `TalkingHandset.other_said`."""
        self._phone.send_frame(frame)

    def other_pressed(self, key: str) -> None:
        """See `TalkingHandset.other_pressed`."""
        self._phone.send(Tone(self._call_id, key))

    def other_typed(self, words: str) -> None:
        """See `TalkingHandset.other_typed`."""
        self._phone.send(Said(self._call_id, words))

    # --- for the leg: see `Holder` ---

    def heard(self, message: FromPhone | bytes) -> None:
        """See `Holder.heard`."""
        match message:
            case bytes():
                self.said(message)
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
        if self._talk is not None:
            self._phone.send(self._talk)
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
