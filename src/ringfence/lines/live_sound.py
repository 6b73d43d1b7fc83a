"""The live sound of a talk within a server: mono signed 16-bit little-endian PCM at 16 kHz."""

from __future__ import annotations

LIVE_RATE = 16_000
LARGEST_FRAME = 3200  # bytes that go from one telephone to the other at a time: 100 ms
