"""Keys in the sound itself, for far ends that send no telephone events (DTMF, ITU-T Q.23, Q.24).

Each key is one tone of a low and one of a high group. A key counts when two blocks in a row hold it
and little else, and is over when two blocks in a row do not: 40 ms are enough, for a key as for the
pause after it, while speech hardly ever holds two such tones so purely.
"""

from __future__ import annotations

import math
from array import array
from operator import mul
from typing import TypeAlias

from ringfence.lines.listening.frames import RATE, Frames, energy

_LOW = (697, 770, 852, 941)
_HIGH = (1209, 1336, 1477, 1633)
_KEYS = ("123A", "456B", "789C", "*0#D")
BLOCK = 102  # samples, 12.75 ms: narrow enough to part the tones, wide enough for 1.5% of drift
_BLOCKS = 2  # in a row, for a key and for its end

_QUIETEST = BLOCK * (32768 * 10 ** (-42 / 20)) ** 2  # both tones together, -42 dB
_LOW_SHARE = 0.05  # that the low tone has of a block's energy at the least
_SHARE = 0.72  # that both tones have of it together
_TWIST = 8.0  # by which one tone may have more energy than the other, 9 dB
_PEAK = 5.0  # by which a tone has more energy than the next in its group, 7 dB

_Wave: TypeAlias = "tuple[array[float], array[float]]"


def _wave(frequency: int) -> _Wave:
    steps = [2 * math.pi * frequency * index / RATE for index in range(BLOCK)]
    return array("d", map(math.cos, steps)), array("d", map(math.sin, steps))


_LOW_WAVES = tuple(map(_wave, _LOW))
_HIGH_WAVES = tuple(map(_wave, _HIGH))


class KeyDetector:
    """Finds keys in sound of `rate` (8000 or 16000 Hz)."""

    def __init__(self, rate: int) -> None:
        """Raises `ValueError` for another rate."""
        self._frames = Frames(rate, BLOCK)
        self._last = ""  # what the block before held
        self._skipped: array[int] | None = None  # the block before, when nobody looked at it yet
        self._pressed = ""
        self._others = 0  # blocks since the pressed key was held last

    def hear(self, pcm: bytes) -> str:
        """The keys that began to sound, `0`-`9`, `*`, `#` and `A`-`D`; mostly none."""
        return "".join(map(self._next, self._frames.cut(pcm)))

    def _next(self, block: array[int]) -> str:
        if not (self._pressed or self._last or self._skipped):
            # A key holds two blocks in a row, so that one of any two tells whether to look closer.
            self._skipped = block
            return ""
        key, last = held_key(block), self._last
        if self._skipped:
            last = held_key(self._skipped) if key else ""
            self._skipped = None
        self._last = key
        if self._pressed:
            self._others = 0 if key == self._pressed else self._others + 1
            if self._others < _BLOCKS:
                return ""
            self._pressed = ""
        if key and key == last:
            self._pressed, self._others = key, 0
            return key
        return ""


def held_key(block: array[int]) -> str:
    """The key that `BLOCK` samples hold; empty for none."""
    total = energy(block)
    if total < _QUIETEST:
        return ""
    row, low = _strongest(block, _LOW_WAVES)
    if low < _LOW_SHARE * total:
        return ""
    # What a much louder low tone spills over the high group would hide the high tone.
    column, high = _strongest(_without(block, _LOW_WAVES[row]), _HIGH_WAVES)
    if low + high < _SHARE * total or low > _TWIST * high or high > _TWIST * low:
        return ""
    return _KEYS[row][column]


def _without(block: array[int], wave: _Wave) -> array[float]:
    cosine, sine = wave
    real = sum(map(mul, block, cosine)) * 2 / BLOCK
    imaginary = sum(map(mul, block, sine)) * 2 / BLOCK
    return array(
        "d",
        [
            value - real * one - imaginary * other
            for value, one, other in zip(block, cosine, sine, strict=True)
        ],
    )


def _strongest(block: array[int] | array[float], waves: tuple[_Wave, ...]) -> tuple[int, float]:
    """Which tone of a group a block holds, and its energy; 0.0 when none stands out."""
    found = [
        (sum(map(mul, block, cosine)) ** 2 + sum(map(mul, block, sine)) ** 2) * 2 / BLOCK
        for cosine, sine in waves
    ]
    best = max(found)
    which = found.index(best)
    rest = max(found[:which] + found[which + 1 :])
    return which, best if best > _PEAK * rest else 0.0
