"""A leg: a call as the phones of one number have it, rung together and answered by one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from ringfence.flows.participant import AnsweredBy
from ringfence.lines.browser.exchange import Exchange, Phone
from ringfence.lines.browser.protocol import (
    Answer,
    Connected,
    Decline,
    Ended,
    FromPhone,
    HangUp,
    Reason,
    Ring,
)
from ringfence.lines.changes import Changes
from ringfence.lines.holding import Unanswered
from ringfence.lines.line import CallEnd


class Holder(Protocol):
    """Who talks with the phone that answered, and is told what becomes of it."""

    def heard(self, message: FromPhone | bytes) -> None:
        """The phone sent a message of this call, or a frame of what is said at it."""

    def away(self) -> None:
        """The phone lost its connection and may come back."""

    def back(self) -> None:
        """The phone is connected again, and knows no more than that it has the call."""

    def left(self, how: str) -> None:
        """The phone hung up, or did not come back."""


class Leg:
    """A call from its ringing on some phones to its end on one of them.

    A `Ringable` for these phones, and an `Offer` to those that come while it rings.
    """

    def __init__(
        self,
        call_id: str,
        caller_number: str,
        caller_name: str,
        phones: list[Phone],
        exchange: Exchange,
        *,
        answered: Callable[[Phone, AnsweredBy], Holder],
        language: str = "",
    ) -> None:
        """`phones` are free phones of one number, at least one. They are taken at once.

        `answered` is called when one picks up, and gives who attends to it from then on.
        """
        self.call_id = call_id
        self._caller_number = caller_number
        self._caller_name = caller_name
        self._exchange = exchange
        self._answered = answered
        self._language = language
        self._changes = Changes()
        self._number = phones[0].number
        self._ringing = list(phones)
        self._declined = 0
        self._ring_until: float | None = None
        self._on_ringing: Callable[[], object] | None = None
        self._phone: Phone | None = None
        self._holder: Holder | None = None
        self._answered_at = 0.0
        for phone in phones:
            phone.call = self

    async def ring(
        self, timeout_seconds: float, on_ringing: Callable[[], object]
    ) -> Unanswered | None:
        """Ring every phone; why nobody picked up, or None when one has.

        `on_ringing` is called once the first of them rings.
        """
        self._ring_until = asyncio.get_running_loop().time() + timeout_seconds
        self._on_ringing = on_ringing
        for phone in self._ringing:
            self._offer(phone)
        with self._exchange.offering(self._number, self):
            await self._changes.until(
                lambda: self._holder is not None or not self._ringing, timeout_seconds
            )
        if self._holder is not None:
            return None
        if self._ringing and self._on_ringing is None:
            return Unanswered(CallEnd.NO_ANSWER)
        if self._declined:
            return Unanswered(CallEnd.REJECTED)
        return Unanswered(CallEnd.UNREACHABLE, "the last phone of the number went away")

    @property
    def rings(self) -> bool:
        """See `Offer.rings`."""
        return self._ring_until is not None and self._holder is None and bool(self._ringing)

    def join(self, phone: Phone) -> None:
        """See `Offer.join`."""
        phone.call = self
        self._ringing.append(phone)
        self._offer(phone)

    def end(self, reason: Reason) -> None:
        """The call is over for every phone that has it. Harmless when it is over already."""
        for phone in [*self._ringing, *([self._phone] if self._phone else [])]:
            self._part(phone, reason)
        self._ringing.clear()
        self._changes.notify()

    def heard(self, phone: Phone, message: FromPhone | bytes) -> None:
        """See `Ringable.heard`. What fits no more crossed with something and is ignored."""
        match message:
            case Answer(call_id, answered_by) if call_id == self.call_id:
                self._answer(phone, answered_by)
            case Decline(call_id) if call_id == self.call_id:
                if phone in self._ringing:
                    self._declined += 1
                    self._stop_ringing(phone, Reason.DECLINED)
            case _ if self._holder is None or phone is not self._phone:
                return
            case HangUp(call_id) if call_id == self.call_id:
                self._holder.left("hung up")
            case _ if getattr(message, "call_id", self.call_id) == self.call_id:
                self._holder.heard(message)

    def back(self, phone: Phone) -> None:
        """See `Ringable.back`."""
        if phone is self._phone and self._holder is not None:
            phone.send(self._connected())
            self._holder.back()
        elif phone in self._ringing and self._ring_until is not None:
            self._offer(phone)

    def away(self, phone: Phone) -> None:
        """See `Ringable.away`."""
        if phone is self._phone and self._holder is not None:
            self._holder.away()

    def gone(self, phone: Phone) -> None:
        """See `Ringable.gone`."""
        if phone in self._ringing:
            self._stop_ringing(phone, Reason.MISSED)
        elif phone is self._phone and self._holder is not None:
            self._holder.left(f"the phone was gone for {self._exchange.grace_seconds:g} s")

    def _offer(self, phone: Phone) -> None:
        if phone.connection is None or self._ring_until is None:
            return
        if self._on_ringing is not None:
            self._on_ringing()
            self._on_ringing = None
        left = self._ring_until - asyncio.get_running_loop().time()
        phone.send(
            Ring(
                self.call_id,
                self._caller_number,
                self._caller_name,
                max(0, round(left * 1000)),
            )
        )

    def _answer(self, phone: Phone, answered_by: AnsweredBy) -> None:
        if phone not in self._ringing or self._ring_until is None:
            return
        self._ringing.remove(phone)
        self._phone = phone
        self._answered_at = asyncio.get_running_loop().time()
        phone.send(self._connected())
        self._holder = self._answered(phone, answered_by)
        for other in list(self._ringing):
            self._stop_ringing(other, Reason.ANSWERED_ELSEWHERE)
        self._changes.notify()

    def _stop_ringing(self, phone: Phone, reason: Reason) -> None:
        self._ringing.remove(phone)
        self._part(phone, reason)
        self._changes.notify()

    def _part(self, phone: Phone, reason: Reason) -> None:
        if phone.call is self:
            phone.call = None
            phone.send(Ended(self.call_id, reason))

    def _connected(self) -> Connected:
        elapsed = asyncio.get_running_loop().time() - self._answered_at
        return Connected(
            self.call_id,
            self._caller_number,
            self._caller_name,
            round(elapsed * 1000),
            self._language,
        )
