"""Keys on their way to the far end, as the trunk wants them."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import pjsua2

from ringfence.lines.sip.child_engine import Engine
from ringfence.lines.sip.child_timers import Timers

if TYPE_CHECKING:
    from typing import Protocol

    class Around(Protocol):
        """What of a call's surroundings its keys need."""

        engine: Engine
        timers: Timers


_METHODS = {
    "rfc4733": pjsua2.PJSUA_DTMF_METHOD_RFC2833,
    "info": pjsua2.PJSUA_DTMF_METHOD_SIP_INFO,
}
_KEY_MILLISECONDS = 120
_PAUSE_MILLISECONDS = 100
_COMMA_SECONDS = 1.0


class KeySender:
    """Sends keys of one call; a comma waits for a second."""

    def __init__(self, call: Any, method: str, around: Around) -> None:
        """`method` is `rfc4733`, `info` or `inband`."""
        self._call = call
        self._method = method
        self._around = around
        self._tones: Any = None
        self._to: list[Any] = []
        self._free_at = 0.0

    def connect(self, to: list[Any]) -> None:
        """Tones in the sound go to these media from now on."""
        self._to = to
        if self._tones is not None:
            for media in to:
                self._tones.startTransmit(media)

    def press(self, digits: str) -> None:
        """Send `digits` (`0-9*#`, commas) after those that are being sent."""
        at = max(time.monotonic(), self._free_at)
        for group in re.findall(r",|[0-9*#]+", digits):
            if group == ",":
                at += _COMMA_SECONDS
                continue
            self._around.timers.at(at, lambda keys=group: self._send(keys))  # type: ignore[misc]
            at += len(group) * (_KEY_MILLISECONDS + _PAUSE_MILLISECONDS) / 1000
        self._free_at = at

    def end(self) -> None:
        """The call is over."""
        if self._tones is not None:
            self._tones.stop()
            self._around.engine.tones.take_back(self._tones, self._to)
            self._tones = None
        self._to = []

    def _send(self, keys: str) -> None:
        if not self._call.isActive():
            return
        if self._method == "inband":
            self._sound(keys)
            return
        sending = pjsua2.CallSendDtmfParam()
        sending.method = _METHODS[self._method]
        sending.duration = _KEY_MILLISECONDS
        sending.digits = keys
        self._call.sendDtmf(sending)

    def _sound(self, keys: str) -> None:
        if self._tones is None:
            self._tones = self._around.engine.tones.lend()
            self.connect(self._to)
        digits = pjsua2.ToneDigitVector()
        for key in keys:
            digit = pjsua2.ToneDigit()
            digit.digit = key
            digit.on_msec = _KEY_MILLISECONDS
            digit.off_msec = _PAUSE_MILLISECONDS
            digit.volume = 0
            digits.append(digit)
        self._tones.playDigits(digits)
