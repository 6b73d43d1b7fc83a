"""One call as Twilio and we exchange it: documents asked for in turns, and what became of it.

The document of a turn names the address of the next one, so a request that Twilio repeats gets the
same document again, and nothing that it brings counts twice.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping

from ringfence.lines.changes import Changes
from ringfence.lines.holding import Unanswered
from ringfence.lines.twilio import twiml
from ringfence.lines.twilio.results import IN_PROGRESS, OVER, RANKS

HOLD_SECONDS = 8.0  # Twilio waits 15 s for a document
_LISTENED = 1  # seconds in a document that only passes the time
_SOUNDS_KEPT = 3  # a request may be repeated once the next prompt is being said


class Leg:
    """A call at Twilio. `place` is the address below which Twilio asks about it."""

    def __init__(self, place: str, sid: str = "") -> None:
        self.changes = Changes()
        self.sid = sid
        self.status = ""
        self.ended: Mapping[str, str] | None = None  # what was said of its end
        self.placing: asyncio.Task[Unanswered | None] | None = None
        self.lost = False  # Twilio cannot be asked about it any more
        self.called_back = False
        self.heard_at = 0.0  # when Twilio last told something of it, by the event loop's clock
        self.first: Mapping[str, str] = {}  # what came with the first turn
        self.latest: Mapping[str, str] = {}  # what came with the last turn
        self.press: Callable[[str], None] | None = None
        self.gone: Callable[[], None] | None = None
        self.through: Callable[[], None] | None = None
        self.fetched = False
        self._place = place
        self._documents: list[str] = []
        self._asked = -1
        self._heard: set[tuple[int, str]] = set()
        self._sounds: dict[str, bytes] = {}
        self._closing: str | None = None

    # --- for the conversation ---

    @property
    def asking(self) -> bool:
        """Whether Twilio waits for a document."""
        return self._asked == len(self._documents)

    @property
    def next_turn(self) -> str:
        """The address of the turn that follows the document that is being carried out or made."""
        return f"{self._place}/turn/{len(self._documents) + (1 if self.asking else 0)}"

    @property
    def put_through(self) -> str:
        """The address that hears of another telephone's answer."""
        return f"{self._place}/put-through"

    @property
    def status_address(self) -> str:
        """The address that hears what becomes of the call."""
        return f"{self._place}/status"

    def serve(self, *verbs: str) -> None:
        """Give Twilio the document that it waits for."""
        assert self.asking
        self._documents.append(twiml.document(*verbs))
        self.changes.notify()

    def offer(self, wav: bytes) -> str:
        """The address of a sound, for as long as it may be asked for."""
        name = secrets.token_urlsafe(16)
        self._sounds[name] = wav
        while len(self._sounds) > _SOUNDS_KEPT:
            del self._sounds[next(iter(self._sounds))]
        self.fetched = False
        return f"{self._place}/sound/{name}.wav"

    def close(self) -> bool:
        """We want nothing more of the call: it is hung up at the next turn. True if Twilio waits
        for one."""
        waits = self.asking and self._closing is None
        if self._closing is None:
            self._closing = twiml.document(twiml.hang_up())
        self._sounds.clear()
        self.changes.notify()
        return waits

    # --- for what Twilio asks ---

    async def turn(self, number: int, again: str, form: Mapping[str, str]) -> str | None:
        """The document of a turn; None for one that cannot have come yet.

        `again` tells requests of a turn apart that each may bring a key. A document that is not
        ready in time is preceded by ones that pass the time and listen.
        """
        if number > len(self._documents):
            return None
        self.note({"CallStatus": IN_PROGRESS, **form})
        if number == len(self._documents) and self._asked < number:
            self._asked = number
            if number == 0:
                self.first = form
            self.latest = form
            self.changes.notify()
        self._hear(number, again, form)
        await self.changes.until(
            lambda: len(self._documents) > number or self._closing is not None, HOLD_SECONDS
        )
        if len(self._documents) > number:
            return self._documents[number]
        if self._closing is not None:
            return self._closing
        passing = f"{self._place}/turn/{number}/{int(again or 0) + 1}"
        return twiml.document(twiml.gather(seconds=_LISTENED, then=passing))

    def sound(self, name: str) -> bytes | None:
        """The sound of this name, if there is one now."""
        wav = self._sounds.get(name)
        if wav is not None:
            self.fetched = True
            self.changes.notify()
        return wav

    def answered_elsewhere(self) -> None:
        """The other telephone has been answered."""
        if self.through is not None:
            self.through()

    def note(self, form: Mapping[str, str]) -> None:
        """What became of the call, in the words of a status call-back; also late or again."""
        status = form.get("CallStatus", "")
        if self.ended is not None:
            # The first word of an end may come without its reason.
            if status == self.ended.get("CallStatus"):
                self.ended = {**self.ended, **{k: v for k, v in form.items() if v}}
            return
        if status in OVER:
            self.status, self.ended = status, dict(form)
        elif RANKS.get(status, -1) > RANKS.get(self.status, -1):
            self.status = status
        else:
            return
        self._changed()

    def lose(self) -> None:
        """Twilio cannot be asked what becomes of the call."""
        self.lost = True
        self._changed()

    def adopt(self, sid: str) -> bool:
        """Twilio calls us back about the call `sid`; False when this is another one."""
        self.sid = self.sid or sid
        if sid != self.sid:
            return False
        self.called_back = True
        self.heard_at = asyncio.get_running_loop().time()
        return True

    @property
    def over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.ended is not None or self.lost

    @property
    def closed(self) -> bool:
        """Whether we are done with it."""
        return self._closing is not None

    def _changed(self) -> None:
        if self.over and self.gone is not None:
            self.gone()
        self.changes.notify()

    def _hear(self, number: int, again: str, form: Mapping[str, str]) -> None:
        keys = form.get("Digits", "")
        if not keys or (number, again) in self._heard or number < len(self._documents) - 1:
            return
        self._heard.add((number, again))
        if self.press is not None:
            for key in keys:
                self.press(key)
