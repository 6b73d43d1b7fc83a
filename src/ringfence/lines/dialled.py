"""Which calls a line has dialled, so that none is dialled twice."""

from __future__ import annotations

_KEPT = 100_000  # hours of calls at the rate of a busy line, and some 15 MB


class Dialled:
    """The latest identifiers of calls, no more than `kept` of them."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._kept = kept
        self._latest: dict[str, None] = {}

    def add(self, call_id: str) -> bool:
        """Whether it is dialled for the first time; from now on it is not."""
        if call_id in self._latest:
            return False
        self._latest[call_id] = None
        if len(self._latest) > self._kept:
            del self._latest[next(iter(self._latest))]
        return True
