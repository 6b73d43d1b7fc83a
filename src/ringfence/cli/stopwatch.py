"""How long each step took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Collects named times, in seconds."""

    def __init__(self) -> None:
        self.laps: list[tuple[str, float]] = []

    @contextmanager
    def time(self, what: str) -> Iterator[None]:
        """Time the block."""
        began = time.perf_counter()
        yield
        self.note(what, time.perf_counter() - began)

    def note(self, what: str, seconds: float) -> None:
        """Add a time that was measured elsewhere."""
        self.laps.append((what, seconds))
