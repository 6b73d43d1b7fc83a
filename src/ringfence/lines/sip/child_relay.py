"""The live sound of one call on its way to and from a telephone that is not in this process."""

from __future__ import annotations

from typing import Any

from ringfence.lines.sip.child_engine import Engine
from ringfence.lines.sip.child_sound import stop


class Relay:
    """What a call hears of another telephone, and lets it hear, until `end`."""

    def __init__(self, engine: Engine) -> None:
        """Raises `pjsua2.Error` when PJSIP has no port left."""
        self._engine = engine
        self._feed = engine.feeds.lend()
        self._ear = engine.live_ears.lend()
        self._feed.clear()
        self._ear.clear()

    def connect(self, media: Any, hearing: list[Any]) -> None:
        """The sound of the call is `media` from now on; `hearing` hear the other telephone."""
        media.startTransmit(self._ear)
        for listener in hearing:
            self._feed.startTransmit(listener)

    def put(self, pcm: bytes) -> None:
        """The other telephone says this."""
        self._feed.put(pcm)

    def take(self) -> bytes:
        """What the far end has said since the last time."""
        return self._ear.take(1)

    def end(self, media: Any, hearing: list[Any]) -> None:
        """It is over for those that are connected, `media` None when the call has no sound."""
        if media is not None:
            stop(media, [self._ear])
        self._engine.live_ears.take_back(self._ear, [])
        self._engine.feeds.take_back(self._feed, hearing)
