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

import pjsua2

from ringfence.lines.sip.child_callbacks import guarded
from ringfence.lines.sip.child_calls import TelephoneCall
from ringfence.lines.sip.child_engine import CannotWork, Engine
from ringfence.lines.sip.child_pipes import LineGone, Pipes
from ringfence.lines.sip.child_switchboard import Switchboard
from ringfence.lines.sip.child_timers import Timers
from ringfence.lines.sip.child_trunks import Trunk
from ringfence.lines.sip.messages import (
    Accept,
    Broken,
    Decline,
    Dial,
    Drain,
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
    Setup,
    Silence,
    ToChild,
)

_LAST_TURN_SECONDS = 0.01
_NICENESS = -10
_LAST_SECONDS = 2.0  # for BYE, CANCEL and REGISTER to be answered when the child ends


class Child:
    """A running child: its trunks, its calls, and what the line says."""

    def __init__(self, setup: Setup, pipes: Pipes) -> None:
        """Raises `CannotWork`."""
        self._pipes = pipes
        self._setup = setup
        self._timers = Timers()
        self._engine = Engine(setup)
        self._board = Switchboard(setup, self._engine, self._timers, self.send)
        self._stopped = False
        self._trunks = {
            trunk.name: Trunk(trunk, setup, self._engine, self.send, self._board.offered)
            for trunk in setup.trunks
        }

    def run(self) -> None:
        """Work until the line is gone, asks to drain and no call is left, or `stop`."""
        self.send(self._engine.ready())
        if self._setup.registers:
            for trunk in self._trunks.values():
                self._keep_alive(trunk)
        try:
            while not self._stopped and (self._board.busy or not self._board.closed):
                self._pipes.wait(self._board.rest_seconds)
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

    def _turn(self) -> None:
        self._engine.pump()
        now = time.monotonic()
        for due in self._timers.due(now):
            guarded(None)(due)()
        self._board.turn(now)

    def _take(self, message: ToChild) -> None:
        try:
            self._do(message)
        except pjsua2.Error as error:
            print(f"{type(message).__name__}: {error.info()}", file=sys.stderr)
            if isinstance(message, Play):
                self.send(Played(message.call, message.playing, 0.0))

    def _do(self, message: ToChild) -> None:
        calls = self._board.calls
        match message:
            case Dial():
                self._board.dial(message, self._trunks.get(message.trunk))
            case HangUp(name):
                self._board.hang_up(name)
            case Drain():
                self._drain()
            case Setup():
                print("a second Setup is ignored", file=sys.stderr)
            case _ if message.call not in calls:
                return
            case Decline(name, status):
                self._board.refuse(calls[name], status)
            case Join(name, other, on):
                if other in calls:
                    (calls[name].join if on else calls[name].part)(calls[other])
            case _:
                _tell(calls[message.call], message)

    def _drain(self) -> None:
        self._board.closed = True
        for trunk in self._trunks.values():
            try:
                trunk.unregister()
            except pjsua2.Error as error:
                print(f"{trunk.setup.name}: {error.info()}", file=sys.stderr)

    @property
    def _registered(self) -> bool:
        return any(trunk.registered for trunk in self._trunks.values())

    def _keep_alive(self, trunk: Trunk) -> None:
        every = trunk.setup.keep_alive_seconds
        if every > 0:
            trunk.ask()
            self._timers.at(time.monotonic() + every, lambda: self._keep_alive(trunk))

    def _finish(self) -> None:
        self._board.hang_up_all()
        self._drain()
        last = time.monotonic() + _LAST_SECONDS
        while time.monotonic() < last and (self._board.busy or self._registered):
            time.sleep(_LAST_TURN_SECONDS)
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
        case Relay(_, on):
            call.relay(on)
        case Feed(_, pcm):
            call.feed(pcm)
        case Record(_, on):
            call.record(on)
        case Accept():
            call.reply(200)


def main() -> None:
    """Run a child over this process's standard streams, and end the process."""
    # Whatever else prints must not come between our messages: PJSIP does until it has its log.
    out = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    # A packet every 20 ms does not wait until a model is trained; only root may ask for that.
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _NICENESS)
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
