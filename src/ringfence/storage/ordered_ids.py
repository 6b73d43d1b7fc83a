"""Ids that sort by when they were made: for messages that are to be sent in their order."""

from __future__ import annotations

import random
import threading
import time


class OrderedIds:
    """Ids whose order is that of their making in this process: UUIDs of version 7 (RFC 9562, with
    the fraction of the millisecond as in section 6.2, method 3). Safe in several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def new(self) -> str:
        """Another id, 36 characters."""
        milliseconds, rest = divmod(time.time_ns(), 1_000_000)
        with self._lock:
            # 12 bits count the 4096ths of a millisecond; a clock that is set back does not matter.
            self._last = max(self._last + 1, milliseconds << 12 | rest * 4096 // 1_000_000)
            tick = self._last
        # Nothing depends on nobody guessing an id.
        rest = random.getrandbits(62) | 1 << 63
        time_part = tick >> 12
        return (
            f"{time_part >> 16:08x}-{time_part & 0xFFFF:04x}-{tick & 0xFFF | 0x7000:04x}-"
            f"{rest >> 48:04x}-{rest & 0xFFFFFFFFFFFF:012x}"
        )
