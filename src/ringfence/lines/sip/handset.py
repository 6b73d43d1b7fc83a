"""The far end of a call on a trunk, from its answer on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ringfence.flows.participant import AnsweredBy, HungUp
from ringfence.lines.journal import Journal
from ringfence.lines.line import CallEventKind
from ringfence.lines.sip.messages import (
    Digit,
    Feed,
    FromChild,
    HangUp,
    Join,
    Listen,
    Play,
    Played,
    Record,
    Relay,
    SendDigits,
    Silence,
    Sound,
    ToChild,
    Voice,
)
from ringfence.lines.sip.pool import Slot
from ringfence.lines.sip.ring_back import ring_back
from ringfence.lines.sip.spoken import SpokenKeys
from ringfence.lines.speech.audio import Speech
from ringfence.lines.speech.synthesizer import TELEPHONE_RATE, WIDEBAND_RATE, Synthesizer
from ringfence.lines.talking import PutThrough, TalkingHandset

_CUT_SECONDS = 0.1
_NEXT_SECONDS = 1.0
_OVERDUE_SECONDS = 5.0  # after a prompt's end, when no word of it came


class SipHandset(TalkingHandset):
    """A `Participant` whose sound a child process plays.

    `slot` is its room on the child, to which `tell` sends. Two on one child hear each other there.
    """

    def __init__(
        self,
        slot: Slot,
        tell: Callable[[ToChild], None],
        journal: Journal,
        synthesizer: Synthesizer,
        answered_by: AnsweredBy,
        put_through: PutThrough,
        *,
        wideband: bool = False,
    ) -> None:
        super().__init__(journal, synthesizer, answered_by, put_through)
        self.rate = WIDEBAND_RATE if wideband else TELEPHONE_RATE
        self.left_how: str | None = None
        self.spoken: SpokenKeys | None = None  # who may say a word in place of a key
        self.slot = slot
        self._call = slot.call
        self._tell = tell
        self._rings_back = False  # what plays tells that another telephone rings
        self._playing = 0
        self._played = 0
        self._heard_seconds = 0.0

    async def hear(self, speech: Speech, *, interruptible: bool) -> None:
        """See `Handset.hear`."""
        self.check()
        if not speech.audio.pcm or (interruptible and self.replies):
            await self.journal.settled()
            return
        self._playing += 1
        playing = self._playing
        self._tell(Play(self._call, playing, speech.audio.pcm))
        stopped = await self._follow(speech, playing, interruptible)
        if stopped:
            self._tell(Silence(self._call))
        self.check()
        await self.journal.settled()

    async def digit(self, timeout_seconds: float) -> str | None:
        """See `Participant.digit`. A word may stand for the key, once it is said twice."""
        spoken = self.spoken
        if spoken is None:
            return await super().digit(timeout_seconds)
        spoken.listen(True)
        self._tell(Listen(self._call, True))
        try:
            while await self.replied(
                lambda: self.replies.has_key or spoken.waiting, timeout_seconds
            ):
                if self.replies.has_key:
                    return self.replies.take_key()
                said = spoken.take()
                if isinstance(said, str):
                    self.press(said)
                    continue
                await self.say(said, interruptible=True)
            return self.replies.take_key()
        finally:
            spoken.listen(False)
            self._tell(Listen(self._call, False))

    async def record(self, on: bool) -> bool:
        """See `Participant.record`."""
        self.check()
        self._tell(Record(self._call, on))
        return True

    async def hang_up(self) -> None:
        """See `Participant.hang_up`."""
        if not self.over:
            self.finish()
            self._tell(HangUp(self._call))

    def heard(self, message: FromChild) -> None:
        """What the child says of the call."""
        match message:
            case Digit(_, key):
                self.press(key)
            case Voice(_, frame):
                self.said(frame)
            case Sound(_, pcm) if self.spoken is not None:
                self.spoken.hear(pcm)
            case Played(_, playing, heard):
                self._played = max(self._played, playing)
                self._heard_seconds = heard
                if self._rings_back and playing == self._playing and heard > 0:
                    self._ring_back()
                self.changes.notify()

    def picked_up_by(self, answered_by: AnsweredBy) -> None:
        """Listening has found out who picked up."""
        self._answered_by = answered_by

    def left(self, how: str) -> None:
        """The far end is gone."""
        if self.left_how is None and not self.over:
            self.left_how = how
            self.finish()

    # --- for the switch, and the other telephone: see `TalkingHandset` ---

    def waits_for(self, number: str) -> None:
        """See `TalkingHandset.waits_for`."""
        super().waits_for(number)
        self._tell(Silence(self._call))  # of a prompt that nobody waits for any more
        self._rings_back = True
        self._ring_back()

    def joins(self, other: TalkingHandset, number: str, name: str) -> None:
        """See `TalkingHandset.joins`."""
        super().joins(other, number, name)
        self._ring_back_no_more()
        self._hears(other, True)

    def parts(self, reached: bool) -> None:
        """See `TalkingHandset.parts`."""
        self._ring_back_no_more()
        if self._other is not None:
            self._hears(self._other, False)
        super().parts(reached)

    def other_said(self, frame: bytes) -> None:
        """See `TalkingHandset.other_said`."""
        self._tell(Feed(self._call, frame))

    def other_pressed(self, key: str) -> None:
        """See `TalkingHandset.other_pressed`."""
        self._tell(SendDigits(self._call, key))

    def other_typed(self, words: str) -> None:
        """See `TalkingHandset.other_typed`: a telephone shows nothing."""

    def _hears(self, other: TalkingHandset, on: bool) -> None:
        if isinstance(other, SipHandset) and other.slot.child is self.slot.child:
            self._tell(Join(self._call, other.slot.call, on))
        else:
            self._tell(Relay(self._call, on))

    def _ring_back(self) -> None:
        self._playing += 1
        self._tell(Play(self._call, self._playing, ring_back(self.rate)))

    def _ring_back_no_more(self) -> None:
        if self._rings_back:
            self._rings_back = False
            self._tell(Silence(self._call))

    async def _follow(self, speech: Speech, playing: int, interruptible: bool) -> bool:
        """Note captions as they are heard; whether the prompt is to be stopped before its end."""

        def over() -> bool:
            return self.over or self._played >= playing or (interruptible and bool(self.replies))

        loop = asyncio.get_running_loop()
        began = loop.time()
        noted = 0
        for caption in speech.captions:
            due = began + caption.at_seconds - loop.time()
            if over() or (due > 0 and await self.changes.until(over, due)):
                break
            self.journal.note(CallEventKind.SAID, caption.text)
            noted += 1
        longest = began + speech.audio.duration_seconds + _OVERDUE_SECONDS - loop.time()
        await self.changes.until(over, max(longest, 0.0))
        cut_off = speech.audio.duration_seconds - self._heard_seconds > _CUT_SECONDS
        if self._played >= playing and cut_off:
            # Sound that ends too early does so with its call, of which the child tells next.
            await self.changes.until(lambda: self.over, _NEXT_SECONDS)
        if self.over:
            raise HungUp
        if self._played < playing:
            return True
        for caption in speech.captions[noted:]:
            self.journal.note(CallEventKind.SAID, caption.text)
        return False
