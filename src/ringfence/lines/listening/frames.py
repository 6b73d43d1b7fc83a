"""Sound cut into frames of equal length, and how loud a frame is."""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Iterator
from operator import mul

RATE = 8000  # Hz, of frames; a telephone's sound has nothing above 4 kHz that tells more
SILENCE_DB = -70.0  # what digital silence counts as

_FULL_SCALE = 32768.0


class Frames:
    """Cuts sound as it comes into frames of `samples` at 8000 Hz."""

    def __init__(self, rate: int, samples: int) -> None:
        """`rate` is 8000 or 16000 Hz. Raises `ValueError` for another one."""
        if rate not in (RATE, 2 * RATE):
            raise ValueError(f"sound of {rate} Hz; expected 8000 or 16000")
        self._halved = rate != RATE
        self._samples = samples * (2 if self._halved else 1)
        self._waiting = bytearray()

    def cut(self, pcm: bytes) -> Iterator[array[int]]:
        """Every frame that is whole with `pcm` (signed 16-bit little-endian, mono)."""
        self._waiting += pcm
        size = 2 * self._samples
        while len(self._waiting) >= size:
            frame = array("h", bytes(self._waiting[:size]))
            del self._waiting[:size]
            if sys.byteorder == "big":
                frame.byteswap()
            if self._halved:
                pairs = zip(frame[::2], frame[1::2], strict=True)
                frame = array("h", [(one + other) // 2 for one, other in pairs])
            yield frame


def energy(frame: array[int]) -> int:
    """The sum of the squares of its samples."""
    return sum(map(mul, frame, frame))


def level(frame: array[int]) -> float:
    """How loud a frame is, in dB below full scale; `SILENCE_DB` at the least."""
    mean = energy(frame) / len(frame) / _FULL_SCALE**2
    return max(SILENCE_DB, 10 * math.log10(mean)) if mean > 0 else SILENCE_DB
