"""The tone by which a caller hears that another telephone rings."""

from __future__ import annotations

import struct
from functools import cache
from math import pi, sin

_HERTZ = 425  # with these times: the ringing tone of most of Europe (ITU-T E.180, supplement 2)
_TONE_SECONDS, _PERIOD_SECONDS = 1, 5
_LEVEL = 3300  # of 32768: -23 dBov
_EDGE_SECONDS = 0.01  # over which it comes and goes, so that it does not click


@cache
def ring_back(rate: int) -> bytes:
    """One ring and the pause after it: signed 16-bit little-endian mono PCM at `rate`."""
    length, edge = _TONE_SECONDS * rate, _EDGE_SECONDS * rate
    samples = [
        round(_LEVEL * min(1.0, at / edge, (length - at) / edge) * sin(2 * pi * _HERTZ * at / rate))
        for at in range(length)
    ]
    pause = bytes(2 * rate * (_PERIOD_SECONDS - _TONE_SECONDS))
    return struct.pack(f"<{length}h", *samples) + pause
