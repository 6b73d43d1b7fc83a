"""The telephone that Twilio has connected, as the `Participant` of the conversation.

What is said is one document, which goes on listening behind it: by our clock we know when it has
been heard, and the wait for a key that follows most often needs no document of its own, so that
no key is lost between two. A prompt that is not to be interrupted is cut off by a key all the same,
as `Gather` knows nothing else; the key is kept and the sentence is said again. Twilio loses keys
that are pressed between two documents, so where another key is waited for right after one, all
that follow without a pause come together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from math import ceil

from ringfence.flows.participant import AnsweredBy, Destination, NotConnected, Prompt
from ringfence.flows.ssml import parse_ssml
from ringfence.lines.handset import Handset
from ringfence.lines.journal import Journal
from ringfence.lines.line import CallEventKind
from ringfence.lines.speech.audio import Audio, Speech
from ringfence.lines.speech.synthesizer import TELEPHONE_RATE, Synthesizer
from ringfence.lines.twilio import twiml
from ringfence.lines.twilio.api import Refused, TwilioApi, Uncertain, Unreachable
from ringfence.lines.twilio.leg import Leg

PATIENCE_SECONDS = 5  # how long is listened behind a prompt, until the conversation has said
START_SECONDS = 3.0  # within which Twilio asks for the sound; then it counts as begun
LATE_SECONDS = 0.5  # from the request for the sound to its first sample at the far end
SLACK_SECONDS = 2.0  # how much later than by our clock Twilio may stop listening
_WORTH_ASKING = 1.0  # seconds of listening that are cut short when something else is to be said
_BETWEEN_KEYS = 2  # seconds after which keys that come together are complete
_MOST_CUTS = 8  # after which a prompt is said without listening
_FASTEST_SPEECH = 20.0  # characters a second
_TALKED = frozenset({"completed", "answered"})


class TwilioHandset(Handset):
    """The far end of a call at Twilio."""

    rate = TELEPHONE_RATE

    def __init__(
        self,
        journal: Journal,
        synthesizer: Synthesizer,
        answered_by: AnsweredBy,
        leg: Leg,
        api: TwilioApi,
        *,
        rendered: bool,
        on_hang_up: Callable[[], None],
    ) -> None:
        """With `rendered` our synthesizer speaks, otherwise Twilio does."""
        super().__init__(journal, synthesizer, answered_by)
        self.left_how: str | None = None
        self.changes = leg.changes
        self._leg = leg
        self._api = api
        self._rendered = rendered
        self._on_hang_up = on_hang_up
        self._patience = PATIENCE_SECONDS
        self._idle_until = 0.0
        self._keys = 0
        self._entering = False  # the conversation waits for one key after the other
        self._several = False  # and Twilio for all of them
        leg.press, leg.gone = self.press, self._gone
        if leg.over:
            self._gone()

    def press(self, key: str) -> None:
        """See `Handset.press`."""
        self._keys += 1
        super().press(key)

    async def say(self, prompt: Prompt, *, interruptible: bool) -> None:
        """See `Participant.say`."""
        if self._rendered:
            await super().say(prompt, interruptible=interruptible)
            return
        self.check()
        spoken = twiml.say(prompt)
        words = "".join(parse_ssml(prompt.text).itertext()) if prompt.ssml else prompt.text
        await self._asked()
        if interruptible and self.replies:
            return
        self.journal.note(CallEventKind.SAID, " ".join(words.split()))
        began, keys = self._now(), self._keys
        self._leg.serve(twiml.gather(spoken, seconds=1, then=self._leg.next_turn))
        await self._carried_out()
        cut_off = self._keys > keys and self._now() - began < len(words) / _FASTEST_SPEECH
        if cut_off and not interruptible:
            self._leg.serve(spoken, twiml.redirect(self._leg.next_turn))
            await self._carried_out()
        await self.journal.settled()

    async def hear(self, speech: Speech, *, interruptible: bool) -> None:
        """See `Handset.hear`."""
        position, reported, cuts = 0.0, 0, 0
        while position < speech.audio.duration_seconds:
            await self._asked()
            if interruptible and self.replies:
                break
            sound = twiml.play(self._leg.offer(_rest(speech.audio, position).wav()))
            then = self._leg.next_turn
            if cuts < _MOST_CUTS:
                listening = self._patience if interruptible else 1
                self._leg.serve(twiml.gather(sound, seconds=listening, then=then))
            else:
                listening = 0
                self._leg.serve(sound, twiml.redirect(then))
            position, reported = await self._follow(speech, position, reported)
            cuts += 1
            self._idle_until = self._now() + listening
            if interruptible:
                break
        self.check()
        await self.journal.settled()

    async def pause(self, seconds: float) -> None:
        """See `Participant.pause`. Keys that are pressed meanwhile are kept."""
        self.check()
        self._entering = False
        until = self._now() + seconds
        while (left := until - self._now()) > 0:
            if self._leg.asking and left > 0.5:
                self._listen(round(left))
            await self._still(left)

    async def replied(self, holds: Callable[[], bool], timeout_seconds: float) -> bool:
        """See `Handset.replied`."""
        self.check()
        self._patience = max(1, ceil(timeout_seconds))
        deadline = self._now() + timeout_seconds
        while not holds():
            left = deadline - self._now()
            if self._leg.asking:
                if left <= 0:
                    return False
                self._listen(ceil(left))
            wait: float | None = max(0.0, left)
            if self._several:
                wait = None  # Twilio has keys of which it tells when there are no more
            elif self._idle_until <= deadline + SLACK_SECONDS:
                wait = max(0.0, left) + SLACK_SECONDS  # Twilio stops listening by itself
            if not await self.changes.until(lambda: self.over or holds() or self._leg.asking, wait):
                return False
            self.check()
        self._entering = True
        await self.journal.settled()
        return True

    async def connect(self, destination: Destination) -> None:
        """See `Participant.connect`."""
        await self._asked()
        through = False

        def answered() -> None:
            nonlocal through
            if not through:
                through = True
                self.journal.note(CallEventKind.PUT_THROUGH, destination.number)
                if destination.answered is not None:
                    destination.answered()

        leg = self._leg
        leg.through = answered
        leg.serve(twiml.dial(destination, then=leg.next_turn, told=leg.put_through))
        try:
            await self._carried_out()
        finally:
            leg.through = None
        status = leg.latest.get("DialCallStatus", "")
        if status not in _TALKED:
            raise NotConnected(
                f"{destination.number}: Twilio says {status or 'nothing'}",
                timed_out=status == "no-answer",
            )
        answered()
        self.journal.note(CallEventKind.TAKEN_BACK)
        await self.journal.settled()

    async def hang_up(self) -> None:
        """See `Participant.hang_up`."""
        if not self.over:
            self.finish()
            self._on_hang_up()

    def _gone(self) -> None:
        """Twilio has ended the call, or cannot be asked about it any more."""
        if not self.over:
            self.left_how = "Twilio cannot be reached" if self._leg.lost else "hung up"
            self.finish()

    async def _still(self, seconds: float) -> None:
        """Wait, and no longer than Twilio listens, if it does."""
        listening = not self._leg.asking
        await self.changes.until(lambda: self.over or (listening and self._leg.asking), seconds)
        self.check()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _listen(self, seconds: int) -> None:
        then, self._several = self._leg.next_turn, self._entering
        if self._several:
            seconds = min(seconds, _BETWEEN_KEYS)
        self._leg.serve(twiml.gather(seconds=seconds, then=then, several=self._several))
        self._idle_until = self._now() + max(1, seconds)

    async def _asked(self) -> None:
        """Wait until Twilio asks for a document; where it would listen on, have it ask now."""
        self.check()
        self._entering = self._several = False
        if not self._leg.asking and self._idle_until - self._now() > _WORTH_ASKING:
            with suppress(Refused, Unreachable, Uncertain):
                await self._api.redirect(self._leg.sid, self._leg.next_turn)
        await self._carried_out()

    async def _carried_out(self) -> None:
        await self.changes.until(lambda: self.over or self._leg.asking)
        self.check()
        self._idle_until = 0.0

    async def _follow(self, speech: Speech, position: float, reported: int) -> tuple[float, int]:
        """Until it has been heard, or a key cuts it off; captions are noted as they start.

        Returns where it was cut off, at the start of a sentence, and how many captions are noted.
        """
        leg, keys = self._leg, self._keys
        length = speech.audio.duration_seconds
        await self.changes.until(lambda: self.over or leg.asking or leg.fetched, START_SECONDS)
        began = self._now() + LATE_SECONDS - position
        captions = speech.captions
        while not (self.over or leg.asking):
            due = captions[reported].at_seconds if reported < len(captions) else length
            left = began + due - self._now()
            if left > 0:
                await self.changes.until(lambda: self.over or leg.asking, left)
            elif reported < len(captions):
                self.journal.note(CallEventKind.SAID, captions[reported].text)
                reported += 1
            else:
                break
        self.check()
        heard = self._now() - began
        if leg.asking and self._keys > keys and heard < length:
            starts = [caption.at_seconds for caption in captions if caption.at_seconds <= heard]
            return max(position, starts[-1] if starts else 0.0), reported
        for caption in captions[reported:]:
            self.journal.note(CallEventKind.SAID, caption.text)
        return length, len(captions)


def _rest(audio: Audio, position: float) -> Audio:
    return Audio(audio.pcm[2 * round(position * audio.rate) :], audio.rate)
