"""Short utterances in what a far end says: where one begins and ends, and its sound."""

from __future__ import annotations

from array import array
from collections import deque

from ringfence.lines.listening.frames import Frames, level
from ringfence.lines.listening.speech import FRAME_SAMPLES

_FAINTEST_DB = -45.0
_ABOVE_DB = 9.0  # over the quietest of late, for a frame to be speech
_QUIET_FRAMES = 100  # of 20 ms, of which the quietest is what is quiet
_BEFORE_FRAMES = 10  # of sound that goes with an utterance before it is loud
_BEGIN_FRAMES = 3
_END_FRAMES = 25
_SHORTEST_FRAMES = 6
_LONGEST_FRAMES = 100  # a word or two; who talks on answers nothing


class Utterances:
    """Cuts short utterances out of sound of `rate` (8000 or 16000 Hz)."""

    def __init__(self, rate: int) -> None:
        """Raises `ValueError` for another rate."""
        self._frames = Frames(rate, FRAME_SAMPLES)
        self._late: deque[float] = deque(maxlen=_QUIET_FRAMES)
        self._before: deque[array[int]] = deque(maxlen=_BEFORE_FRAMES)
        self._sound: list[array[int]] = []
        self._loud = 0
        self._quiet = 0

    def hear(self, pcm: bytes) -> list[bytes]:
        """The utterances that have ended with `pcm`: signed 16-bit PCM at 8000 Hz."""
        ended = []
        for frame in self._frames.cut(pcm):
            loudness = level(frame)
            self._late.append(loudness)
            least = max(_FAINTEST_DB, min(self._late) + _ABOVE_DB)
            sound = self._with(frame, loudness >= least)
            if sound is not None:
                ended.append(sound)
        return ended

    def _with(self, frame: array[int], loud: bool) -> bytes | None:
        if not self._sound:
            self._before.append(frame)
            self._loud = self._loud + 1 if loud else 0
            if self._loud >= _BEGIN_FRAMES:
                self._sound = list(self._before)
                self._quiet = 0
            return None
        self._sound.append(frame)
        self._loud += loud
        self._quiet = 0 if loud else self._quiet + 1
        if self._quiet < _END_FRAMES:
            return None
        sound, spoken = self._sound, len(self._sound) - self._quiet
        self._sound, self._loud = [], 0
        self._before.clear()
        if not _SHORTEST_FRAMES + _BEFORE_FRAMES <= spoken <= _LONGEST_FRAMES:
            return None
        return b"".join(each.tobytes() for each in sound)
