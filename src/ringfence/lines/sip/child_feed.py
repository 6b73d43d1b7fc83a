"""Live sound from a telephone elsewhere on its way into a call, made even.

PJSIP converts between its rate and that of the bridge.
"""

from __future__ import annotations

from typing import Any

import pjsua2

from ringfence.lines.live_sound import LIVE_RATE
from ringfence.lines.sip.child_callbacks import guarded
from ringfence.lines.sip.child_sound import FRAME_SECONDS, sound_format

FRAME = int(LIVE_RATE * FRAME_SECONDS) * 2  # bytes
MARGIN = 3 * FRAME  # that wait before it flows: a browser sends two frames at a time
MOST = 20 * FRAME
LOOK_FRAMES = 100  # after which is looked whether more waits than needs to


class Evener:
    """Sound that comes as it may and goes frame by frame. Late is lost.

    What waits is never more than 0.4 s, and soon no more than it must be: when a burst has come, or
    the far clock is faster, the oldest is left out.
    """

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._flows = False
        self._frames = 0
        self._least = MOST

    @property
    def waiting(self) -> int:
        """How many bytes wait."""
        return len(self._waiting)

    def put(self, pcm: bytes) -> None:
        """Add sound that has come."""
        self._waiting += pcm
        if len(self._waiting) > MOST:
            del self._waiting[: len(self._waiting) - MOST]

    def next(self) -> bytes:
        """The next frame; empty while there is none to be heard."""
        if len(self._waiting) < (FRAME if self._flows else MARGIN):
            self._flows = False
            return b""
        self._flows = True
        self._hurry()
        frame = bytes(self._waiting[:FRAME])
        del self._waiting[:FRAME]
        return frame

    def _hurry(self) -> None:
        self._least = min(self._least, len(self._waiting))
        self._frames += 1
        if self._frames < LOOK_FRAMES:
            return
        if self._least > MARGIN:
            del self._waiting[: self._least - MARGIN]
        self._frames, self._least = 0, MOST


class Feed(pjsua2.AudioMediaPort):  # type: ignore[misc]
    """A port that lets a call hear what `put` brings."""

    def __init__(self) -> None:
        super().__init__()
        self._evener = Evener()
        self.createPort("feed", sound_format(LIVE_RATE))

    def clear(self) -> None:
        """Forget what waits."""
        self._evener = Evener()

    def put(self, pcm: bytes) -> None:
        """Add sound that has come."""
        self._evener.put(pcm)

    @guarded(None)
    def onFrameRequested(self, frame: Any) -> None:  # noqa: N802
        """Called by PJSIP's clock for every frame that goes out."""
        pcm = self._evener.next()
        if not pcm:
            frame.type = pjsua2.PJMEDIA_FRAME_TYPE_NONE
            return
        frame.type = pjsua2.PJMEDIA_FRAME_TYPE_AUDIO
        frame.buf = pjsua2.ByteVector(pcm)
        frame.size = len(pcm)
