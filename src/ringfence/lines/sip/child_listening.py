"""What a child makes of the sound that comes in: keys, who picked up, and the sound itself."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ringfence.lines.sip.child_engine import Engine
from ringfence.lines.sip.child_sound import Ear, stop

_FRAMES = 5  # that are passed on together: 100 ms
_ECHO_SECONDS = 1.0


class Listener:
    """Listens to one call, for as long as anything is to be found out."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ear: Ear | None = None
        self._media: Any = None
        self._machine: Any = None
        self._keys: Any = None
        self._told_otherwise = False
        self._last: tuple[str, float] = ("", float("-inf"))
        self.sound_wanted = False

    def find_machine(self) -> None:
        """Find out who picked up, from now on."""
        machine = import_module("ringfence.lines.listening.machine")
        self._machine = machine.MachineDetector(self._engine.rate)

    def find_keys(self) -> None:
        """Find keys in the sound, from now on, unless they come another way."""
        tones = import_module("ringfence.lines.listening.tones")
        self._keys = tones.KeyDetector(self._engine.rate)

    def connect(self, media: Any) -> None:
        """Listen to this sound of the call, or none, whenever something is to be found out."""
        self._media = media
        if self._ear is not None and media is not None:
            media.startTransmit(self._ear)

    def key(self, key: str, now: float) -> str:
        """`key`, which came beside the sound; empty when it was found in the sound already."""
        self._told_otherwise = True
        self._keys = None
        heard, at = self._last
        return "" if heard == key and now - at < _ECHO_SECONDS else key

    def hear(self, now: float) -> tuple[bytes, str, Any]:
        """What came in: the sound if it is wanted, keys in it, and who picked up if found."""
        wanted = self.sound_wanted or self._machine is not None or self._keys is not None
        if not wanted:
            self.end()
            return b"", "", None
        if self._ear is None and self._media is not None:
            self._ear = self._engine.ears.lend()
            self._ear.clear()
            self._media.startTransmit(self._ear)
        pcm = self._ear.take(_FRAMES) if self._ear else b""
        if not pcm:
            return b"", "", None
        keys = self._keys.hear(pcm) if self._keys else ""
        if keys:
            self._last = (keys[-1], now)
        found = self._machine.hear(pcm) if self._machine else None
        if found is not None:
            self._machine = None
        return (pcm if self.sound_wanted else b""), keys, found

    def end(self) -> None:
        """Listen no more until something is to be found out."""
        if self._ear is not None:
            if self._media is not None:
                stop(self._media, [self._ear])
            self._engine.ears.take_back(self._ear, [])
        self._ear = None
