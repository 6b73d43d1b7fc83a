"""A bridge: the phone of a call is put through to another one, and both hear each other.

What is said at one is handed on to the other as it comes and is kept nowhere. A phone that does
not take it loses it (`Connection.send_frame`), which the other one does not notice.
"""

from __future__ import annotations

import secrets

from ringfence.flows.participant import AnsweredBy, Destination, NotConnected
from ringfence.lines.browser.exchange import Exchange, Phone
from ringfence.lines.browser.leg import Leg
from ringfence.lines.browser.protocol import (
    Bridged,
    Connecting,
    FromPhone,
    Key,
    Parted,
    Reason,
    Said,
    Say,
    Tone,
)
from ringfence.lines.changes import Changes
from ringfence.lines.holding import Unanswered
from ringfence.lines.line import CallEnd
from ringfence.lines.replies import KEYS

TONE_SECONDS = 0.25  # from one of the destination's keys to the next
COMMA_SECONDS = 1.0
_UNANSWERED = {
    CallEnd.NO_ANSWER: "nobody answered in time",
    CallEnd.REJECTED: "the call was declined",
}


class Bridge:
    """Two phones from the ringing of the second to the end of their talk.

    Told by the near handset what its phone does; as the `Holder` of the far phone it hears the
    other side. `over` once the far phone is gone or was never reached.
    """

    def __init__(
        self, near: Phone, call_id: str, destination: Destination, exchange: Exchange
    ) -> None:
        """`call_id` is the near phone's call. Raises `NotConnected` when no phone can be rung."""
        self.over = False
        self._near = near
        self._call_id = call_id
        self._destination = destination
        self._changes = Changes()
        self._far: Phone | None = None
        self._parted = False
        free = exchange.free(destination.number)
        if isinstance(free, Unanswered):
            raise NotConnected(free.detail or f"{destination.number} is busy")
        self._leg = Leg(
            f"{call_id[:180]}.{secrets.token_hex(4)}",
            destination.caller_number,
            destination.caller_name,
            free,
            exchange,
            answered=self._answered,
        )

    async def ring(self) -> None:
        """Ring the far phone until it answers, and join both. Raises `NotConnected`."""
        self._tell_near()
        unanswered = await self._leg.ring(self._destination.ring_seconds, _ringing)
        if unanswered is not None:
            why = _UNANSWERED.get(unanswered.end) or unanswered.detail
            raise NotConnected(
                f"{self._destination.number}: {why}",
                timed_out=unanswered.end is CallEnd.NO_ANSWER,
            )

    async def talk(self) -> None:
        """Send the destination's keys, then wait until the far phone is gone or `close`."""
        for key in self._destination.digits:
            if key in KEYS and not self.over:
                self._tell_far(Tone(self._leg.call_id, key))
            await self._over_within(TONE_SECONDS if key in KEYS else COMMA_SECONDS)
        await self._changes.until(lambda: self.over)

    def close(self) -> None:
        """Take the near phone back, and hang up the far one. Harmless when that has been done."""
        if self._parted:
            return
        self._parted = self.over = True
        self._leg.end(Reason.MISSED if self._far is None else Reason.COMPLETED)
        self._near.send(Parted(self._call_id, self._far is not None))
        self._changes.notify()

    # --- what the near phone does ---

    def near_heard(self, message: FromPhone | bytes) -> None:
        """Hand on what the near phone sent. While the far one rings nobody hears it."""
        if self._far is not None and not self.over:
            _hand_on(message, self._far, self._leg.call_id)

    def near_back(self) -> None:
        """The near phone is connected again."""
        if not self.over:
            self._tell_near()

    # --- the far phone: see `Holder` ---

    def heard(self, message: FromPhone | bytes) -> None:
        """See `Holder.heard`."""
        if not self.over:
            _hand_on(message, self._near, self._call_id)

    def away(self) -> None:
        """See `Holder.away`."""

    def back(self) -> None:
        """See `Holder.back`."""
        self._join_far()

    def left(self, how: str) -> None:
        """See `Holder.left`."""
        self.over = True
        self._leg.end(Reason.HUNG_UP)
        self._changes.notify()

    def _answered(self, phone: Phone, answered_by: AnsweredBy) -> Bridge:
        self._far = phone
        self._join_far()
        self._tell_near()
        if self._destination.answered is not None:
            self._destination.answered()
        return self

    def _tell_near(self) -> None:
        number = self._destination.number
        if self._far is None:
            self._near.send(Connecting(self._call_id, number))
        else:
            self._near.send(Bridged(self._call_id, number, ""))

    def _join_far(self) -> None:
        self._tell_far(
            Bridged(
                self._leg.call_id, self._destination.caller_number, self._destination.caller_name
            )
        )

    def _tell_far(self, message: Bridged | Tone) -> None:
        if self._far is not None:
            self._far.send(message)

    async def _over_within(self, seconds: float) -> None:
        await self._changes.until(lambda: self.over, seconds)


def _hand_on(message: FromPhone | bytes, phone: Phone, call_id: str) -> None:
    match message:
        case bytes():
            phone.send_frame(message)
        case Key(_, key):
            phone.send(Tone(call_id, key))
        case Say(_, text):
            phone.send(Said(call_id, text))


def _ringing() -> None:
    """The near phone has been told that it rings."""
