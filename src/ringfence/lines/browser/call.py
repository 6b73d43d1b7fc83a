"""One call on browser phones: its leg, and the conversation with the phone that answered."""

from __future__ import annotations

from ringfence.flows.participant import AnsweredBy
from ringfence.lines.browser.exchange import Exchange, Phone
from ringfence.lines.browser.handset import BrowserHandset
from ringfence.lines.browser.leg import Leg
from ringfence.lines.browser.protocol import Reason
from ringfence.lines.holding import Unanswered
from ringfence.lines.journal import Journal
from ringfence.lines.line import CallEnd, CallEventKind, CallRequest
from ringfence.lines.speech.synthesizer import Synthesizer
from ringfence.lines.talking import PutThrough

_REASONS = {
    CallEnd.COMPLETED: Reason.COMPLETED,
    CallEnd.HUNG_UP: Reason.HUNG_UP,
    CallEnd.NO_ANSWER: Reason.MISSED,
    CallEnd.FAILED: Reason.FAILED,
}


class BrowserCall:
    """A call from its ringing to its end: a `FarEnd` for the line."""

    def __init__(
        self,
        request: CallRequest,
        phones: list[Phone],
        exchange: Exchange,
        synthesizer: Synthesizer,
        put_through: PutThrough,
    ) -> None:
        """`phones` are the free phones of the number, at least one."""
        self._request = request
        self._synthesizer = synthesizer
        self._put_through = put_through
        self._journal: Journal | None = None
        self._handset: BrowserHandset | None = None
        self._leg = Leg(
            request.call_id,
            request.from_number,
            request.caller_name,
            phones,
            exchange,
            answered=self._answered,
            language=request.language,
        )

    async def ring(self, journal: Journal) -> BrowserHandset | Unanswered:
        """Ring every phone; see `FarEnd.ring`."""
        self._journal = journal
        unanswered = await self._leg.ring(
            self._request.ring_timeout_seconds, lambda: journal.note(CallEventKind.RINGING)
        )
        if unanswered is not None:
            return unanswered
        assert self._handset is not None
        return self._handset

    @property
    def left(self) -> str | None:
        """See `FarEnd.left`."""
        return None if self._handset is None else self._handset.left_how

    def release(self, end: CallEnd | None) -> None:
        """See `FarEnd.release`."""
        self._leg.end(Reason.CANCELLED if end is None else _REASONS.get(end, Reason.FAILED))
        if self._handset is not None:
            self._handset.finish()

    def _answered(self, phone: Phone, answered_by: AnsweredBy) -> BrowserHandset:
        assert self._journal is not None
        self._handset = BrowserHandset(
            phone,
            self._request.call_id,
            self._synthesizer,
            self._journal,
            answered_by,
            self._put_through,
            on_hang_up=lambda: self._leg.end(Reason.COMPLETED),
        )
        return self._handset
