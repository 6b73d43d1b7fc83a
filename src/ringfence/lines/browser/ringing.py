"""One call on browser phones: ringing together, answered by one, then the conversation on it."""

from __future__ import annotations

import asyncio

from ringfence.lines.browser.exchange import Phone
from ringfence.lines.browser.protocol import (
    Answer,
    Connected,
    Decline,
    Ended,
    Finished,
    FromPhone,
    HangUp,
    Key,
    Reason,
    Ring,
    Started,
)
from ringfence.lines.browser.speaking import BrowserHandset
from ringfence.lines.changes import Changes
from ringfence.lines.holding import Unanswered
from ringfence.lines.journal import Journal
from ringfence.lines.line import CallEnd, CallEventKind, CallRequest
from ringfence.lines.speech.synthesizer import Synthesizer

_REASONS = {
    CallEnd.COMPLETED: Reason.COMPLETED,
    CallEnd.HUNG_UP: Reason.HUNG_UP,
    CallEnd.NO_ANSWER: Reason.MISSED,
    CallEnd.FAILED: Reason.FAILED,
}


class BrowserCall:
    """A call from its ringing to its end: a `FarEnd` for the line, a `Ringable` for the phones."""

    def __init__(
        self,
        request: CallRequest,
        phones: list[Phone],
        synthesizer: Synthesizer,
        grace_seconds: float,
    ) -> None:
        """`phones` are the free phones of the number, at least one."""
        self.request = request
        self._synthesizer = synthesizer
        self._grace_seconds = grace_seconds
        self._journal: Journal | None = None
        self._changes = Changes()
        self._ringing: list[Phone] = []
        self._declined = 0
        self._ring_until = 0.0
        self._rings = False
        self._answered_by: Phone | None = None
        self._answered_at = 0.0
        self._handset: BrowserHandset | None = None
        self._left: str | None = None
        for phone in phones:
            self._ringing.append(phone)
            phone.call = self

    # --- for the line ---

    async def ring(self, journal: Journal) -> BrowserHandset | Unanswered:
        """Ring every phone; see `FarEnd.ring`."""
        self._journal = journal
        timeout = self.request.ring_timeout_seconds
        self._ring_until = asyncio.get_running_loop().time() + timeout
        for phone in self._ringing:
            self._offer(phone)
        await self._changes.until(lambda: self._handset is not None or not self._ringing, timeout)
        if self._handset is not None:
            return self._handset
        if self._ringing and self._rings:
            return Unanswered(CallEnd.NO_ANSWER)
        if self._declined:
            return Unanswered(CallEnd.REJECTED)
        return Unanswered(CallEnd.UNREACHABLE, "the last phone of the number went away")

    @property
    def left(self) -> str | None:
        """See `FarEnd.left`."""
        return self._left

    @property
    def rings(self) -> bool:
        """Whether a phone that comes now still rings."""
        return self._journal is not None and self._handset is None and bool(self._ringing)

    def release(self, end: CallEnd | None) -> None:
        """See `FarEnd.release`."""
        reason = Reason.CANCELLED if end is None else _REASONS.get(end, Reason.FAILED)
        for phone in [*self._ringing, *([self._answered_by] if self._answered_by else [])]:
            self._part(phone, reason)
        self._ringing.clear()
        if self._handset is not None:
            self._handset.finish()

    def join(self, phone: Phone) -> None:
        """Ring a phone that came to the number while others ring."""
        phone.call = self
        self._ringing.append(phone)
        self._offer(phone)

    # --- for the phones ---

    def heard(self, phone: Phone, message: FromPhone) -> None:
        """See `Ringable.heard`. What fits no more crossed with something and is ignored."""
        match message:
            case Answer(call_id) if call_id == self.request.call_id:
                self._answer(phone)
            case Decline(call_id) if call_id == self.request.call_id:
                if phone in self._ringing:
                    self._declined += 1
                    self._stop_ringing(phone, Reason.DECLINED)
            case HangUp(call_id) if call_id == self.request.call_id:
                if phone is self._answered_by:
                    self._leave("hung up")
            case _ if self._handset is None or phone is not self._answered_by:
                return
            case Key(call_id, key) if call_id == self.request.call_id:
                self._handset.press(key)
            case Started(prompt_id):
                self._handset.started(prompt_id)
            case Finished(prompt_id):
                self._handset.finished(prompt_id)

    def back(self, phone: Phone) -> None:
        """See `Ringable.back`."""
        if phone is self._answered_by and self._handset is not None:
            phone.send(self._connected())
            self._handset.back()
        elif phone in self._ringing and self._journal is not None:
            self._offer(phone)

    def away(self, phone: Phone) -> None:
        """See `Ringable.away`."""
        if phone is self._answered_by and self._handset is not None:
            self._handset.away()

    def gone(self, phone: Phone) -> None:
        """See `Ringable.gone`."""
        if phone in self._ringing:
            self._stop_ringing(phone, Reason.MISSED)
        elif phone is self._answered_by:
            self._leave(f"the phone was gone for {self._grace_seconds:g} s")

    def _offer(self, phone: Phone) -> None:
        if phone.connection is None or self._journal is None:
            return
        if not self._rings:
            self._rings = True
            self._journal.note(CallEventKind.RINGING)
        left = self._ring_until - asyncio.get_running_loop().time()
        phone.send(
            Ring(
                self.request.call_id,
                self.request.from_number,
                self.request.caller_name,
                max(0, round(left * 1000)),
            )
        )

    def _answer(self, phone: Phone) -> None:
        if phone not in self._ringing or self._journal is None:
            return
        self._ringing.remove(phone)
        self._answered_by = phone
        self._answered_at = asyncio.get_running_loop().time()
        self._handset = BrowserHandset(
            phone,
            self.request.call_id,
            self._synthesizer,
            self._journal,
            on_hang_up=lambda: self._part(phone, Reason.COMPLETED),
        )
        phone.send(self._connected())
        for other in list(self._ringing):
            self._stop_ringing(other, Reason.ANSWERED_ELSEWHERE)
        self._changes.notify()

    def _leave(self, how: str) -> None:
        if self._left is None and self._handset is not None and not self._handset.over:
            self._left = how
            self._handset.finish()

    def _stop_ringing(self, phone: Phone, reason: Reason) -> None:
        self._ringing.remove(phone)
        self._part(phone, reason)
        self._changes.notify()

    def _part(self, phone: Phone, reason: Reason) -> None:
        if phone.call is self:
            phone.call = None
            phone.send(Ended(self.request.call_id, reason))

    def _connected(self) -> Connected:
        elapsed = asyncio.get_running_loop().time() - self._answered_at
        return Connected(
            self.request.call_id,
            self.request.from_number,
            self.request.caller_name,
            round(elapsed * 1000),
        )
