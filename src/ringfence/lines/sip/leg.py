"""One SIP call on a child: what has become of it, for whoever waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ringfence.flows.participant import AnsweredBy
from ringfence.lines.changes import Changes
from ringfence.lines.sip.handset import SipHandset
from ringfence.lines.sip.messages import (
    Answered,
    Ended,
    FromChild,
    Greeted,
    HangUp,
    MachineHeard,
    Recording,
    Ringing,
    ToChild,
    Trying,
)
from ringfence.lines.sip.pool import Pool, Slot

_END_SECONDS = 10.0  # for a child to say that a call is over that it was told to end
_GONE_SECONDS = 45.0  # after which it holds none; a trunk that is away keeps it for 32 s


class Leg:
    """A call from its dialling to its end: a `Holder` for the pool.

    It keeps its room on the child until the child says that the call is over.
    """

    def __init__(self, name: str, pool: Pool, over: Callable[[], None] = lambda: None) -> None:
        """`over` is called once, when the call is over."""
        self.name = name
        self.tried = False
        self.rang = False
        self.answered: Answered | None = None
        self.ended: Ended | None = None
        self.gone = False  # with its child
        self.answered_by: AnsweredBy | None = None
        self.greeted = False
        self.recording: bytes | None = None
        self.handset: SipHandset | None = None
        self.changes = Changes()
        self.slot: Slot | None = None
        self._pool = pool
        self._over = over
        self._on_ringing: Callable[[], object] | None = None

    @property
    def over(self) -> bool:
        """Whether the call is over, or was never placed."""
        return self.ended is not None or self.gone

    def tell(self, message: ToChild) -> None:
        """Send to the child, unless the call is over."""
        if self.slot is not None and not self.over:
            self.slot.child.process.tell(message)

    @property
    def silent(self) -> bool:
        """Whether nothing at all has come from the far end."""
        return not (self.tried or self.rang or self.answered or self.over)

    async def ringing(
        self, on_ringing: Callable[[], object], silent_seconds: float | None = None
    ) -> None:
        """Wait until it is answered or over; `on_ringing` is called when it rings.

        Returns too when it is still `silent` after `silent_seconds`.
        """
        self._on_ringing = on_ringing
        if self.rang:
            self._rings()
        if silent_seconds is not None and not await self.changes.until(
            lambda: not self.silent, silent_seconds
        ):
            return
        await self.changes.until(lambda: self.answered is not None or self.over)

    def hang_up(self) -> None:
        """End the call. Harmless when it is over."""
        if self.slot is None or self.over:
            return
        self.tell(HangUp(self.name))
        # A child that does not say so is none to wait for.
        asyncio.get_running_loop().call_later(_GONE_SECONDS, self._give_up)

    async def until_over(self) -> None:
        """Wait until the child says that the call is over, for a while at most."""
        await self.changes.until(lambda: self.over, _END_SECONDS)

    def heard(self, message: FromChild) -> None:
        """See `Holder.heard`."""
        match message:
            case Trying():
                self.tried = True
            case Ringing():
                self.rang = True
                self._rings()
            case Answered():
                self.answered = message
            case MachineHeard(_, answered_by, _):
                self.answered_by = AnsweredBy(answered_by)
            case Greeted():
                self.greeted = True
            case Recording(_, wav):
                self.recording = wav
            case Ended():
                self.ended = message
                self._end("hung up" if message.by_far_end else f"lost: {message.reason}".strip())
            case _:
                if self.handset is not None:
                    self.handset.heard(message)
        self.changes.notify()

    def lost(self) -> None:
        """See `Holder.lost`."""
        if not self.over:
            self.gone = True
            self._end("the telephone process died")
            self.changes.notify()

    def _rings(self) -> None:
        if self._on_ringing is not None:
            self._on_ringing()
            self._on_ringing = None

    def _give_up(self) -> None:
        self.lost()

    def _end(self, how: str) -> None:
        if self.slot is not None:
            self._pool.release(self.slot)
        if self.handset is not None:
            self.handset.left(how)
        self._over()
