"""What a child makes of the sound that comes in: keys, greetings, who picked up, the sound itself.

How any of it is recognised is the business of `ringfence.lines.listening`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ringfence.lines.listening.courtesy import Courtesy
from ringfence.lines.listening.machine import Finding, MachineDetector
from ringfence.lines.listening.tones import KeyDetector
from ringfence.lines.sip.child_engine import Engine
from ringfence.lines.sip.child_sound import Ear, stop

_FRAMES = 5  # that are passed on together: 100 ms
_ECHO_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What came in since the last time.

    `pcm` is empty unless it is wanted. `machine` is a finding of who picked up. `greeted` is None
    until one may speak; then whether the far end has spoken.
    """

    pcm: bytes = b""
    keys: str = ""
    machine: Finding | None = None
    greeted: bool | None = None


_NOTHING = Heard()


class Listener:
    """Listens to one call, for as long as anything is to be found out."""

    def __init__(self, engine: Engine) -> None:
        self.sound_wanted = False
        self._engine = engine
        self._ear: Ear | None = None
        self._media: Any = None
        self._machine: MachineDetector | None = None
        self._keys: KeyDetector | None = None
        self._courtesy: Courtesy | None = None
        self._last: tuple[str, float] = ("", float("-inf"))

    def find_machine(self) -> None:
        """Find out who picked up, from now on."""
        self._machine = MachineDetector(self._engine.rate)

    def find_keys(self) -> None:
        """Find keys in the sound, from now on, unless they come another way."""
        self._keys = KeyDetector(self._engine.rate)

    def find_greeting(self, silence_seconds: float) -> None:
        """Find out when one may speak: a greeting is over, or none came for so long."""
        self._courtesy = Courtesy(self._engine.rate, silence_seconds)

    def connect(self, media: Any) -> None:
        """Listen to this sound of the call, or none, whenever something is to be found out."""
        self._media = media
        if self._ear is not None and media is not None:
            media.startTransmit(self._ear)

    def key(self, key: str, now: float) -> str:
        """`key`, which came beside the sound; empty when it was found in the sound already."""
        self._keys = None
        heard, at = self._last
        return "" if heard == key and now - at < _ECHO_SECONDS else key

    def hear(self, now: float) -> Heard:
        """What came in, as far as anybody wants to know."""
        searching = (self._machine, self._keys, self._courtesy)
        if not self.sound_wanted and not any(one is not None for one in searching):
            self.end()
            return _NOTHING
        if self._ear is None and self._media is not None:
            self._ear = self._engine.ears.lend()
            self._ear.clear()
            self._media.startTransmit(self._ear)
        pcm = self._ear.take(_FRAMES) if self._ear else b""
        if not pcm:
            return _NOTHING
        keys = self._keys.hear(pcm) if self._keys is not None else ""
        if keys:
            self._last = (keys[-1], now)
        return Heard(
            pcm if self.sound_wanted else b"", keys, self._find_machine(pcm), self._greeted(pcm)
        )

    def end(self) -> None:
        """Listen no more until something is to be found out."""
        if self._ear is not None:
            if self._media is not None:
                stop(self._media, [self._ear])
            self._engine.ears.take_back(self._ear, [])
        self._ear = None

    def _find_machine(self, pcm: bytes) -> Finding | None:
        found = self._machine.hear(pcm) if self._machine is not None else None
        if found is not None:
            self._machine = None
        return found

    def _greeted(self, pcm: bytes) -> bool | None:
        if self._courtesy is None or not self._courtesy.hear(pcm):
            return None
        spoke = self._courtesy.spoke
        self._courtesy = None
        return spoke
