"""When to begin to speak: after the far end's greeting, or when none comes."""

from __future__ import annotations

from ringfence.lines.listening.frames import Frames, level
from ringfence.lines.listening.speech import FRAME_SAMPLES, FRAME_SECONDS, words

_PAUSE_FRAMES = 25  # of 20 ms, after which a greeting is over
_LONGEST_FRAMES = 150  # after which one speaks in any case
_LOOK_FRAMES = 5


class Courtesy:
    """Waits for a greeting in sound of `rate` (8000 or 16000 Hz). `spoke` tells whether one came.

    `silence_seconds` is how long to wait for its beginning.
    """

    def __init__(self, rate: int, silence_seconds: float = 1.2) -> None:
        """Raises `ValueError` for another rate."""
        self.spoke = False
        self._frames = Frames(rate, FRAME_SAMPLES)
        self._levels: list[float] = []
        self._silence_frames = round(silence_seconds / FRAME_SECONDS)

    def hear(self, pcm: bytes) -> bool:
        """Whether one may speak now: the greeting is over, none came, or it takes too long."""
        for frame in self._frames.cut(pcm):
            self._levels.append(level(frame))
            if len(self._levels) % _LOOK_FRAMES == 0 and self._over():
                return True
        return False

    def _over(self) -> bool:
        heard = len(self._levels)
        spoken = words(self._levels)
        self.spoke = bool(spoken)
        if heard >= _LONGEST_FRAMES + self._silence_frames:
            return True
        if not spoken:
            return heard >= self._silence_frames
        return heard - spoken[-1].end >= _PAUSE_FRAMES
