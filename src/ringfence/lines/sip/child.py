"""The process in which PJSIP runs: `python -m ringfence.lines.sip.child`.

It is told what to do on its standard input and tells what happens on its standard output
(`messages`). It holds no state of ours but its calls, so that its death costs those alone; when
the line is gone, or asks it to go, it hangs up and ends.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
import traceback
from collections import deque
from typing import Any

import pjsua2

from ringfence.lines.sip.child_callbacks import guarded
from ringfence.lines.sip.child_calls import TelephoneCall
from ringfence.lines.sip.child_engine import CannotWork, Engine
from ringfence.lines.sip.child_headers import header, identity_verified, uri
from ringfence.lines.sip.child_pace import Pace
from ringfence.lines.sip.child_pipes import LineGone, Pipes
from ringfence.lines.sip.child_sound import Recorder
from ringfence.lines.sip.child_timers import Timers
from ringfence.lines.sip.child_trunks import Trunk
from ringfence.lines.sip.messages import (
    CANNOT_DIAL,
    LARGEST_MESSAGE,
    NO_ROOM,
    Accept,
    Broken,
    Decline,
    Dial,
    Drain,
    Ended,
    Feed,
    FromChild,
    HangUp,
    Join,
    Listen,
    Offered,
    Play,
    Played,
    Record,
    SendDigits,
    Setup,
    Silence,
    ToChild,
)

_PUMP_MILLISECONDS = 10
_IDLE_MILLISECONDS = 20  # while there is no call
_PLACE_SECONDS = 2.0  # for PJSIP to have room for a call that it should have room for
_TOO_MANY = 70010  # PJ_ETOOMANY
_LAST_SECONDS = 2.0  # for BYE, CANCEL and REGISTER to be answered when the child ends


class Child:
    """A running child: its trunks, its calls, and what the line says."""

    def __init__(self, setup: Setup, pipes: Pipes) -> None:
        """Raises `CannotWork`."""
        self.timers = Timers()
        self.engine = Engine(setup)
        self.nothing_heard_seconds = setup.nothing_heard_seconds
        self._setup = setup
        self._pipes = pipes
        self._calls: dict[str, TelephoneCall] = {}
        self._over: list[TelephoneCall] = []
        self._pace = Pace(self.engine.most_calls)
        self._waiting: dict[str, tuple[Dial, float]] = {}  # and until when
        self._refused: deque[tuple[TelephoneCall, int]] = deque()
        self._draining = False
        self._stopped = False
        self._trunks = {
            trunk.name: Trunk(trunk, setup, self.engine, self.send, self._offered)
            for trunk in setup.trunks
        }

    def run(self) -> None:
        """Work until the line is gone, asks to drain and no call is left, or `stop`."""
        self.send(self.engine.ready())
        if self._setup.registers:
            for trunk in self._trunks.values():
                self._keep_alive(trunk)
        try:
            while not self._stopped and not (self._draining and not self._busy):
                self._turn()
                for message in self._pipes.receive():
                    self._take(message)
                self._pipes.flush()
        except LineGone:
            pass
        finally:
            self._finish()

    def stop(self) -> None:
        """Hang up all calls, and end."""
        self._stopped = True

    def send(self, message: FromChild) -> None:
        """Tell the line, if it is there to listen."""
        with contextlib.suppress(LineGone):
            self._pipes.send(message)

    def recorder(self) -> Recorder:
        """A new recording, as long as one message can carry."""
        return Recorder(LARGEST_MESSAGE - 4096)

    def over(self, call: TelephoneCall) -> None:
        """See `Surroundings.over`."""
        self._over.append(call)

    def _turn(self) -> None:
        self.engine.pump(_PUMP_MILLISECONDS if self._calls else _IDLE_MILLISECONDS)
        now = time.monotonic()
        for due in self.timers.due(now):
            guarded(None)(due)()
        for call in list(self._calls.values()):
            call.attend(now)
        # Not before now: PJSIP was still using them when it said that they are over.
        for call in self._over:
            self._calls.pop(call.name, None)
        self._over.clear()
        for dial, until in list(self._waiting.values()):
            if self._pace.allows(now):
                self._place(dial, until, now)
        while self._refused and self._pace.allows(now):
            call, status = self._refused.popleft()
            guarded(None)(call.reply)(status)

    def _take(self, message: ToChild) -> None:
        try:
            self._do(message)
        except pjsua2.Error as error:
            print(f"{type(message).__name__}: {error.info()}", file=sys.stderr)
            if isinstance(message, Play):
                self.send(Played(message.call, message.playing, 0.0))

    def _do(self, message: ToChild) -> None:
        match message:
            case Dial():
                self._dial(message)
            case Drain():
                self._drain()
            case Setup():
                print("a second Setup is ignored", file=sys.stderr)
            case HangUp(name) if name in self._waiting:
                self._give_up(name)
            case _ if message.call not in self._calls:
                return
            case Join(name, other, on):
                call = self._calls[name]
                if other in self._calls:
                    (call.join if on else call.part)(self._calls[other])
            case _:
                _tell(self._calls[message.call], message)

    def _dial(self, dial: Dial) -> None:
        if dial.call in self._calls or dial.call in self._waiting:
            print("a call is dialled twice; the second is ignored", file=sys.stderr)
        elif self._draining or len(self._calls) + len(self._waiting) >= self.engine.most_calls:
            self.send(Ended(call=dial.call, status=503, reason=NO_ROOM))
        elif dial.trunk not in self._trunks or _breaks_lines(dial):
            self.send(Ended(call=dial.call, status=400, reason=CANNOT_DIAL))
        else:
            now = time.monotonic()
            self._waiting[dial.call] = (dial, now + _PLACE_SECONDS)
            if self._pace.allows(now):
                self._place(dial, now + _PLACE_SECONDS, now)

    def _place(self, dial: Dial, until: float, now: float) -> None:
        call = TelephoneCall(dial.call, self._trunks[dial.trunk], self)
        self._pace.begin(now)
        try:
            call.dial(dial)
        except pjsua2.Error as error:
            if error.status == _TOO_MANY and now < until:  # PJSIP is not done with a call before
                call.forget()
                return
            print(f"{CANNOT_DIAL}: {error.info()}", file=sys.stderr)
            call.fail(400, f"{CANNOT_DIAL}: {error.reason}")
        del self._waiting[dial.call]
        self._calls[dial.call] = call

    def _give_up(self, name: str) -> None:
        del self._waiting[name]
        self.send(Ended(call=name, status=487, reason="Request Terminated"))

    def _offered(self, trunk: Trunk, prm: Any) -> None:
        now = time.monotonic()
        self._pace.begin(now)
        call = TelephoneCall(f"in-{os.urandom(16).hex()}", trunk, self, prm.callId)
        self._calls[call.name] = call
        room = len(self._calls) <= min(self._setup.calls, self.engine.most_calls)
        if not self._setup.takes_calls or self._draining or not room:
            # A flood of calls is turned away no faster than PJSIP bears.
            self._refused.append((call, 486 if self._setup.takes_calls else 488))
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

    def _drain(self) -> None:
        self._draining = True
        for trunk in self._trunks.values():
            try:
                trunk.unregister()
            except pjsua2.Error as error:
                print(f"{trunk.setup.name}: {error.info()}", file=sys.stderr)

    @property
    def _busy(self) -> bool:
        return bool(self._calls or self._waiting)

    @property
    def _registered(self) -> bool:
        return any(trunk.registered for trunk in self._trunks.values())

    def _keep_alive(self, trunk: Trunk) -> None:
        every = trunk.setup.keep_alive_seconds
        if every > 0:
            trunk.ask()
            self.timers.at(time.monotonic() + every, lambda: self._keep_alive(trunk))

    def _finish(self) -> None:
        for name in list(self._waiting):
            self._give_up(name)
        for call in list(self._calls.values()):
            call.end()
        if not self._draining:
            self._drain()
        last = time.monotonic() + _LAST_SECONDS
        while time.monotonic() < last and (self._calls or self._registered):
            self._turn()
        with contextlib.suppress(LineGone):
            self._pipes.finish()


def _tell(call: TelephoneCall, message: ToChild) -> None:
    match message:
        case Play(_, number, pcm):
            call.play(number, pcm)
        case Silence():
            call.silence()
        case SendDigits(_, digits):
            call.press(digits)
        case Listen(_, on):
            call.listen(on)
        case Feed(_, pcm):
            call.feed(pcm)
        case Record(_, on):
            call.record(on)
        case Accept():
            call.reply(200)
        case Decline(_, status):
            call.reply(status)
        case HangUp():
            call.end()


def _breaks_lines(dial: Dial) -> bool:
    """Whether a part of it would begin a header of its own."""
    parts = [dial.to_uri, dial.from_uri, *(part for entry in dial.headers for part in entry)]
    return any("\r" in part or "\n" in part for part in parts)


def _request_uri(message: str) -> str:
    words = message.split(" ", 2)
    return words[1] if len(words) == 3 else ""


def main() -> None:
    """Run a child over this process's standard streams, and end the process."""
    # Whatever else prints must not come between our messages: PJSIP does until it has its log.
    out = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    pipes = Pipes(0, out)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal; what to do, the line decides
    status = 1
    try:
        setup = _setup(pipes)
        child = Child(setup, pipes)
        signal.signal(signal.SIGTERM, lambda *_: child.stop())
        child.run()
        status = 0
    except CannotWork as error:
        with contextlib.suppress(LineGone):
            pipes.send(Broken(str(error)))
            pipes.finish()
        status = 0
    except LineGone:
        status = 0
    except Exception:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        # PJSIP waits for a second in its own end, and Python destroys its objects in any order.
        os._exit(status)


def _setup(pipes: Pipes) -> Setup:
    while True:
        for message in pipes.receive():
            if isinstance(message, Setup):
                return message
            raise LineGone(f"Setup expected, not {type(message).__name__}")
        time.sleep(0.005)


if __name__ == "__main__":
    main()
