"""One call in a child process, from its INVITE to its end."""

from __future__ import annotations

import time
from typing import Any, Protocol

import pjsua2

from ringfence.lines.sip.child_call_sound import CallSound
from ringfence.lines.sip.child_callbacks import guarded
from ringfence.lines.sip.child_engine import Engine
from ringfence.lines.sip.child_events import new_contact, received
from ringfence.lines.sip.child_headers import header, status_line, uri
from ringfence.lines.sip.child_keys import KeySender
from ringfence.lines.sip.child_sound import Recorder
from ringfence.lines.sip.child_stream import Stream
from ringfence.lines.sip.child_timers import Timers
from ringfence.lines.sip.child_trunks import Trunk
from ringfence.lines.sip.messages import (
    NOTHING_HEARD,
    RING_TIMEOUT,
    Answered,
    Dial,
    Digit,
    Ended,
    FromChild,
    Greeted,
    MachineHeard,
    Played,
    Recording,
    Ringing,
    Sound,
    Trying,
    Voice,
)

_FAREWELL_SECONDS = 3.0  # for the far end to answer a BYE or CANCEL; PJSIP itself waits for 32 s
_FAULT = "a fault in the telephone process"
_SILENT = "neither ringing nor an answer"  # where nothing says that a telephone rang in vain
_LOOKS = 6  # for sound, within the time that a call may be without any
_TRYING = 100  # the status of a trunk that has the call
_KEYS = frozenset("0123456789*#")


class Surroundings(Protocol):
    """What a call has around it."""

    engine: Engine
    timers: Timers
    nothing_heard_seconds: float

    def send(self, message: FromChild) -> None:
        """Tell the line."""

    def recorder(self) -> Recorder:
        """A new recording."""

    def over(self, call: TelephoneCall) -> None:
        """The call is over; its object is let go of when PJSIP no longer uses it."""


class TelephoneCall(pjsua2.Call):  # type: ignore[misc]
    """A call. It tells the line what happens on it, and ends it when nothing does for long."""

    def __init__(
        self, name: str, trunk: Trunk, around: Surroundings, pjsip_number: int | None = None
    ) -> None:
        """`pjsip_number` is of a call that came in."""
        super().__init__(trunk, pjsua2.PJSUA_INVALID_ID if pjsip_number is None else pjsip_number)
        self.name = name
        self._trunk = trunk
        self._around = around
        self._keys = KeySender(self, trunk.setup.dtmf, around)
        self._sound = CallSound(around.engine, self._keys, self._tell_played)
        self._dial: Dial | None = None
        self._ringing: int | None = None  # the timer
        self._why = ""  # we ended it ourselves
        self._hung_up = False
        self._rang = False
        self._trying = False
        self._answered = False
        self._faulty = False  # a fault of ours: nothing more is done on it than to end it
        self._is_over = False
        self._gone = False  # from PJSIP, too, which may take a while to learn that it is over
        self._last: Ended | None = None  # said when the recordings are whole
        self._contact = ""
        self._redirected = (0, "")
        self._stream = Stream(self)

    # What the line asks for.

    def dial(self, dial: Dial) -> None:
        """Send the INVITE. Raises `pjsua2.Error`."""
        self._dial = dial
        call = pjsua2.CallOpParam(True)
        call.opt.audioCount = 1
        call.opt.videoCount = 0
        call.txOption.localUri = dial.from_uri
        for name, value in dial.headers:
            entry = pjsua2.SipHeader()
            entry.hName, entry.hValue = name, value
            call.txOption.headers.append(entry)
        self._around.engine.prefer(self._trunk.setup.codecs)
        if not self._trunk.registers:  # where it is registered, calls go too
            self._trunk.go_by(dial.route)
        self._ringing = self._around.timers.at(
            time.monotonic() + dial.ring_seconds, self._ring_no_more
        )
        self.makeCall(dial.to_uri, call)

    def reply(self, status: int) -> None:
        """Answer a call that came in: 180, 200, or a status of failure."""
        answer = pjsua2.CallOpParam(True)
        answer.statusCode = status
        answer.opt.audioCount = 1
        answer.opt.videoCount = 0
        if status >= 300:
            self._hung_up = True
        self.answer(answer)

    def play(self, number: int, pcm: bytes) -> None:
        """Play after what is playing."""
        self._sound.playback.play(number, pcm)

    def silence(self) -> None:
        """Stop what is playing."""
        self._sound.playback.silence()

    def press(self, digits: str) -> None:
        """Send keys to the far end."""
        self._keys.press(digits)

    def listen(self, on: bool) -> None:
        """Send `Sound`, or no more."""
        self._sound.listener.sound_wanted = on

    def relay(self, on: bool) -> None:
        """Send `Voice` and take `feed`, or no more. Raises `pjsua2.Error`."""
        self._sound.relay(on)

    def feed(self, pcm: bytes) -> None:
        """Live sound for the far end."""
        self._sound.feed(pcm)

    def record(self, on: bool) -> None:
        """Record both sides from now on, or no more. Raises `pjsua2.Error`."""
        if on:
            self._sound.record(self._around.recorder())
        else:
            self._sound.stop_recording()

    def join(self, other: TelephoneCall) -> None:
        """Let both hear each other."""
        self._sound.join(other._sound)

    def part(self, other: TelephoneCall) -> None:
        """Let both hear each other no more."""
        self._sound.part(other._sound)

    def end(self, why: str = "") -> None:
        """CANCEL, BYE or decline. `why` is what `Ended` says of it."""
        if self._is_over or self._hung_up:
            return
        self._hung_up = True
        self._why = why
        self._stream.look()
        try:
            self.hangup(pjsua2.CallOpParam(True))
        except pjsua2.Error as error:
            self.fail(500, error.reason)
        self._around.timers.at(time.monotonic() + _FAREWELL_SECONDS, self._wait_no_more)

    @property
    def hurried(self) -> bool:
        """Whether it is to be attended to sooner than usual."""
        return self._sound.hurried

    def attend(self, now: float) -> None:
        """Do what is due. Called fifty times a second, or more often."""
        if not self._faulty and not self._attend(now):
            self._faulty = True
            self.end(_FAULT)

    @guarded(False)
    def _attend(self, now: float) -> bool:
        for wav in self._sound.recordings():
            self._around.send(Recording(self.name, wav))
        if self._is_over:
            self._tell_last()
            return True
        self._sound.playback.attend()
        if not self._answered:
            return True
        if voice := self._sound.voice():
            self._around.send(Voice(self.name, voice))
        heard = self._sound.listener.hear(now)
        if heard.pcm:
            self._around.send(Sound(self.name, heard.pcm))
        for key in heard.keys:
            self._around.send(Digit(self.name, key))
        if heard.machine is not None:
            self._around.send(MachineHeard(self.name, heard.machine.answered_by, heard.machine.why))
        if heard.greeted is not None:
            self._around.send(Greeted(self.name, heard.greeted))
        return True

    def fail(self, status: int, reason: str) -> None:
        """It is over without an answer of the far end: PJSIP cannot place or end it."""
        self._gone = True
        if not self._is_over:
            self._tell_ended(Ended(call=self.name, status=status, reason=reason))

    # What PJSIP tells.

    @guarded(None)
    def onCallState(self, prm: Any) -> None:  # noqa: N802
        """The call rings, is answered, or is over."""
        info = self.getInfo()
        self._gone = info.state == pjsua2.PJSIP_INV_STATE_DISCONNECTED
        if self._is_over:
            self._tell_last()
            return
        if info.state == pjsua2.PJSIP_INV_STATE_EARLY and self._dial is not None:
            sound = "sdp" in header(received(prm.e), "Content-Type").lower()
            early = self._trunk.setup.early_media and sound
            self._rang = True
            self._around.send(Ringing(self.name, info.lastStatusCode, early))
        elif info.state == pjsua2.PJSIP_INV_STATE_CONFIRMED:
            self._around.timers.drop(self._ringing)
            self._tell_answered()
        elif info.state == pjsua2.PJSIP_INV_STATE_DISCONNECTED:
            self._around.timers.drop(self._ringing)
            self._over(info, received(prm.e))

    @guarded(None)
    def onCallTsxState(self, prm: Any) -> None:  # noqa: N802
        """Something has come of a request: told is only that the trunk has our INVITE."""
        if self._trying or self._dial is None:
            return
        transaction = prm.e.body.tsxState.tsx
        if transaction.method == "INVITE" and transaction.statusCode == _TRYING:
            self._trying = True
            self._around.send(Trying(self.name))

    @guarded(None)
    def onCallMediaState(self, prm: Any) -> None:  # noqa: N802
        """Sound flows, no longer flows, or flows another way: after the answer, or a re-INVITE."""
        try:
            media = self.getAudioMedia(-1)
        except pjsua2.Error:
            media = None
        self._stream.flows(media is not None)
        self._sound.connect(media)
        self._tell_answered()

    @guarded(None)
    def onDtmfDigit(self, prm: Any) -> None:  # noqa: N802
        """A key, by RFC 4733 or SIP INFO."""
        if prm.digit in _KEYS and (key := self._sound.listener.key(prm.digit, time.monotonic())):
            self._around.send(Digit(self.name, key))

    @guarded(pjsua2.PJSIP_REDIRECT_STOP)
    def onCallRedirected(self, prm: Any) -> int:  # noqa: N802
        """A 3xx names another address."""
        message = received(prm.e)
        self._contact = uri(header(message, "Contact")) or uri(prm.targetUri)
        if self._trunk.setup.redirects:
            return int(pjsua2.PJSIP_REDIRECT_ACCEPT)
        self._redirected = status_line(message)
        return int(pjsua2.PJSIP_REDIRECT_STOP)

    @guarded(None)
    def onCallTransferRequest(self, prm: Any) -> None:  # noqa: N802
        """The far end wants us to call somebody else (REFER), which we never do."""
        prm.statusCode = 603

    @guarded(None)
    def onCallReplaceRequest(self, prm: Any) -> None:  # noqa: N802
        """Somebody wants to take the far end's place (Replaces), which nobody may."""
        prm.statusCode = 603
        prm.reason = "Declined"

    @guarded(None)
    def onStreamDestroyed(self, prm: Any) -> None:  # noqa: N802
        """The sound is over: the last time that PJSIP can tell how it came in."""
        self._stream.flows(False)
        self._sound.connect(None)

    # Between both.

    def _tell_answered(self) -> None:
        if self._answered or not self._sound.flows:
            return
        if self.getInfo().state != pjsua2.PJSIP_INV_STATE_CONFIRMED:
            return
        self._answered = True
        stream = self.getStreamInfo(0)
        self._around.send(
            Answered(
                call=self.name,
                codec=stream.codecName,
                secure=bool(stream.proto & pjsua2.PJMEDIA_TP_PROFILE_SRTP),
            )
        )
        self._stream.began(time.monotonic())
        self._watch_later()
        if self._dial is not None:
            self._sound.listener.sound_wanted |= self._dial.listen
            self._listen_for(self._dial)

    def _listen_for(self, dial: Dial) -> None:
        listener = self._sound.listener
        if dial.detect_machine:
            listener.find_machine()
        if dial.courtesy_seconds > 0:
            listener.find_greeting(dial.courtesy_seconds)
        if dial.inband_digits:
            listener.find_keys()

    def _watch(self) -> None:
        """End the call when nothing comes: a telephone without power or network sends no BYE."""
        if self._is_over or self._hung_up:
            return
        most = self._around.nothing_heard_seconds
        if self._stream.silent_seconds(time.monotonic()) >= most:
            self.end(NOTHING_HEARD)
        else:
            self._watch_later()

    def _watch_later(self) -> None:
        every = self._around.nothing_heard_seconds / _LOOKS
        self._around.timers.at(time.monotonic() + every, self._watch)

    def _ring_no_more(self) -> None:
        if not self._answered:
            self.end(RING_TIMEOUT)

    def _over(self, info: Any, message: str) -> None:
        self._stream.look()
        status, reason = info.lastStatusCode, info.lastReason
        if self._redirected[0] and not self._why:  # PJSIP says 487 of what it does not follow
            status, reason = self._redirected
        if self._why == RING_TIMEOUT and not self._rang:
            status, reason = 408, _SILENT
        elif self._why:
            reason = self._why
            status = 487 if self._why == RING_TIMEOUT else status
        self._tell(status, reason, message)

    def _tell(self, status: int, reason: str, message: str) -> None:
        reception = self._stream.reception()
        self._tell_ended(
            Ended(
                call=self.name,
                status=status,
                reason=reason,
                by_far_end=self._by_far_end(status, message),
                answered=self._answered,
                contact=self._contact or new_contact(message),
                reason_header=header(message, "Reason"),
                lost_packets=reception.lost_packets,
                received_packets=reception.received_packets,
                jitter_ms=reception.jitter_ms,
            )
        )

    def _wait_no_more(self) -> None:
        if self._is_over:
            return
        self._stream.look()
        if self._answered or self._rang:
            self._tell(200 if self._answered else 487, self._why or "no answer to our goodbye", "")
        else:
            self._tell(408, _SILENT, "")

    def _by_far_end(self, status: int, message: str) -> bool:
        if self._hung_up:
            return self._why == NOTHING_HEARD
        given_up = self._dial is None and status == 487  # our own answer to its CANCEL
        return given_up or bool(message or self._redirected[0])

    def _tell_ended(self, ended: Ended) -> None:
        self._is_over = True
        self._around.timers.drop(self._ringing)
        self._sound.end()
        self._last = ended
        self._tell_last()

    def _tell_last(self) -> None:
        if self._last is not None and (self._faulty or not self._sound.recorded):
            self._around.send(self._last)
            self._last = None
        if self._last is None and self._gone:
            self._around.over(self)

    def _tell_played(self, number: int, heard: float) -> None:
        self._around.send(Played(self.name, number, heard))
