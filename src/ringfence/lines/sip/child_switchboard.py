"""The calls of a child process: placed, offered, turned away, and let go of when they are over."""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import pjsua2

from ringfence.lines.sip.child_callbacks import guarded
from ringfence.lines.sip.child_calls import TelephoneCall
from ringfence.lines.sip.child_engine import Engine
from ringfence.lines.sip.child_headers import header, identity_verified, uri
from ringfence.lines.sip.child_pace import Pace
from ringfence.lines.sip.child_sound import Recorder
from ringfence.lines.sip.child_timers import Timers
from ringfence.lines.sip.child_trunks import Trunk
from ringfence.lines.sip.messages import (
    CANNOT_DIAL,
    LARGEST_MESSAGE,
    NO_ROOM,
    Dial,
    Ended,
    FromChild,
    Offered,
    Setup,
)

_IDLE_SECONDS, _TURN_SECONDS, _HURRIED_SECONDS = 0.05, 0.02, 0.01
_PLACE_SECONDS = 0.5  # for the BYE of a call before to be answered, which keeps its room


class Switchboard:
    """Every call of the child, and those that are to be placed in a moment."""

    def __init__(
        self, setup: Setup, engine: Engine, timers: Timers, send: Callable[[FromChild], None]
    ) -> None:
        self.engine = engine
        self.timers = timers
        self.nothing_heard_seconds = setup.nothing_heard_seconds
        self.send = send
        self.calls: dict[str, TelephoneCall] = {}
        self.closed = False  # no call is taken any more
        self._setup = setup
        self._over: dict[str, TelephoneCall] = {}
        self._pace = Pace(engine.most_calls)
        self._waiting: dict[str, tuple[Dial, Trunk, float]] = {}  # and until when
        self._refused: deque[tuple[TelephoneCall, int]] = deque()

    @property
    def busy(self) -> bool:
        """Whether there is any call, or will be."""
        return bool(self.calls or self._waiting)

    @property
    def rest_seconds(self) -> float:
        """How long nothing need be looked at, unless the line says something."""
        if not self.busy:
            return _IDLE_SECONDS
        hurried = any(call.hurried for call in self.calls.values())
        return _HURRIED_SECONDS if hurried else _TURN_SECONDS

    def recorder(self) -> Recorder:
        """A new recording, as long as one message can carry."""
        return Recorder(LARGEST_MESSAGE - 4096)

    def over(self, call: TelephoneCall) -> None:
        """See `Surroundings.over`."""
        self._over[call.name] = call

    def turn(self, now: float) -> None:
        """Do what is due on every call."""
        for call in list(self.calls.values()):
            call.attend(now)
        # Not before now: PJSIP was still using them when it said that they are over.
        for name in self._over:
            self.calls.pop(name, None)
        taken = {call.getId() for call in self.calls.values()} if self._over else set()
        for name, call in list(self._over.items()):
            if call.getId() not in taken:
                del self._over[name]
                _destroy(call)
        for dial, trunk, until in list(self._waiting.values()):
            if self._pace.allows(now):
                self._place(dial, trunk, until, now)
        while self._refused and self._pace.allows(now):
            call, status = self._refused.popleft()
            guarded(None)(call.reply)(status)

    def dial(self, dial: Dial, trunk: Trunk | None) -> None:
        """Place a call, or say at once why not."""
        if dial.call in self.calls or dial.call in self._waiting:
            print("a call is dialled twice; the second is ignored", file=sys.stderr)
        elif self.closed or len(self.calls) + len(self._waiting) >= self.engine.most_calls:
            self.send(Ended(call=dial.call, status=503, reason=NO_ROOM))
        elif trunk is None or _breaks_lines(dial):
            self.send(Ended(call=dial.call, status=400, reason=CANNOT_DIAL))
        else:
            now = time.monotonic()
            self._waiting[dial.call] = (dial, trunk, now + _PLACE_SECONDS)
            if self._pace.allows(now):
                self._place(dial, trunk, now + _PLACE_SECONDS, now)

    def offered(self, trunk: Trunk, prm: Any) -> None:
        """Somebody calls: tell the line, or turn the call away."""
        self._pace.begin(time.monotonic())
        call = TelephoneCall(f"in-{os.urandom(16).hex()}", trunk, self, prm.callId)
        self.calls[call.name] = call
        room = len(self.calls) <= min(self._setup.calls, self.engine.most_calls)
        if not self._setup.takes_calls or self.closed or not room:
            self.refuse(call, 486 if self._setup.takes_calls else 488)
            return
        message = prm.rdata.wholeMsg
        self.engine.prefer(trunk.setup.codecs)
        call.reply(180)
        self.send(
            Offered(
                call=call.name,
                sip_call_id=header(message, "Call-ID"),
                trunk=trunk.setup.name,
                source=prm.rdata.srcAddress,
                from_uri=uri(header(message, "From")),
                to_uri=_request_uri(message),
                asserted_identity=uri(header(message, "P-Asserted-Identity")),
                identity_verified=identity_verified(message),
            )
        )

    def refuse(self, call: TelephoneCall, status: int) -> None:
        """Turn a call away that came in, but a flood of them no faster than PJSIP bears."""
        self._refused.append((call, status))

    def hang_up(self, name: str) -> None:
        """End a call, also one that is to be placed yet."""
        if self._waiting.pop(name, None) is not None:
            self.send(Ended(call=name, status=487, reason="Request Terminated"))
        elif name in self.calls:
            self.calls[name].end()

    def hang_up_all(self) -> None:
        """End every call, and take no other."""
        self.closed = True
        for name in [*self._waiting, *self.calls]:
            self.hang_up(name)

    def _place(self, dial: Dial, trunk: Trunk, until: float, now: float) -> None:
        if self.engine.calls_held >= self.engine.most_calls:
            if now >= until:
                del self._waiting[dial.call]
                self.send(Ended(call=dial.call, status=503, reason=NO_ROOM))
            return
        call = TelephoneCall(dial.call, trunk, self)
        self._pace.begin(now)
        try:
            call.dial(dial)
        except pjsua2.Error as error:
            print(f"{CANNOT_DIAL}: {error.info()}", file=sys.stderr)
            call.fail(400, f"{CANNOT_DIAL}: {error.reason}")
        del self._waiting[dial.call]
        self.calls[dial.call] = call


def _destroy(call: TelephoneCall) -> None:
    """Destroy what PJSIP has of a call that is over.

    Its destructor hangs up whichever call has the number of this one by then, so that it must not
    run whenever Python collects its garbage.
    """
    call.__swig_destroy__(call)
    del call.this


def _breaks_lines(dial: Dial) -> bool:
    """Whether a part of it would begin a header of its own."""
    parts = [dial.to_uri, dial.from_uri, *(part for entry in dial.headers for part in entry)]
    return any("\r" in part or "\n" in part for part in parts)


def _request_uri(message: str) -> str:
    words = message.split(" ", 2)
    return words[1] if len(words) == 3 else ""
