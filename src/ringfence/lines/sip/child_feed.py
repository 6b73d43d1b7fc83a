"""Live sound from a telephone elsewhere on its way into a call, made even.

PJSIP converts between its rate and that of the bridge.
"""

from __future__ import annotations

from typing import Any

import pjsua2

from ringfence.lines.live_sound import LIVE_RATE
from ringfence.lines.sip.child_callbacks import guarded
from ringfence.lines.sip.child_sound import FRAME_SECONDS, sound_format

_FRAME = int(LIVE_RATE * FRAME_SECONDS) * 2  # bytes
_MARGIN = 3 * _FRAME  # that wait before it flows: a browser sends two frames at a time
_MOST = 20 * _FRAME
_LOOK_FRAMES = 100  # after which is looked whether more waits than needs to


class Feed(pjsua2.AudioMediaPort):  # type: ignore[misc]
    """Sound that comes as it is spoken: what hesitates on its way is made even, late is lost.

    What waits is never more than 0.4 s, and soon no more than it must be: when a burst has come, or
    the far clock is faster, the oldest is left out.
    """

    def __init__(self) -> None:
        super().__init__()
        self.clear()
        self.createPort("feed", sound_format(LIVE_RATE))

    def clear(self) -> None:
        """Forget what waits."""
        self._waiting = bytearray()
        self._flows = False
        self._frames = 0
        self._least = _MOST

    def put(self, pcm: bytes) -> None:
        """Add sound that has come."""
        self._waiting += pcm
        if len(self._waiting) > _MOST:
            del self._waiting[: len(self._waiting) - _MOST]

    def next(self) -> bytes:
        """The next frame; empty while there is none to be heard."""
        if len(self._waiting) < (_FRAME if self._flows else _MARGIN):
            self._flows = False
            return b""
        self._flows = True
        self._hurry()
        frame = bytes(self._waiting[:_FRAME])
        del self._waiting[:_FRAME]
        return frame

    @guarded(None)
    def onFrameRequested(self, frame: Any) -> None:  # noqa: N802
        """Called by PJSIP's clock for every frame that goes out."""
        pcm = self.next()
        if not pcm:
            frame.type = pjsua2.PJMEDIA_FRAME_TYPE_NONE
            return
        frame.type = pjsua2.PJMEDIA_FRAME_TYPE_AUDIO
        frame.buf = pjsua2.ByteVector(pcm)
        frame.size = len(pcm)

    def _hurry(self) -> None:
        self._least = min(self._least, len(self._waiting))
        self._frames += 1
        if self._frames < _LOOK_FRAMES:
            return
        if self._least > _MARGIN:
            del self._waiting[: self._least - _MARGIN]
        self._frames, self._least = 0, _MOST
