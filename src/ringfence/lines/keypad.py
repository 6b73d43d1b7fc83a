"""Keys that the far end presses, in order, until the conversation asks for them."""

from __future__ import annotations

from collections import deque

KEYS = frozenset("0123456789*#")

MOST_QUEUED = 32
MOST_PER_CALL = 256


class Keypad:
    """A bounded queue of keys. Keys beyond its limits are lost, as on a deaf line."""

    def __init__(self) -> None:
        self._queued: deque[str] = deque()
        self._pressed = 0

    def press(self, key: str) -> bool:
        """Queue `key`; False when it is no key, or one too many."""
        if key not in KEYS or len(self._queued) >= MOST_QUEUED or self._pressed >= MOST_PER_CALL:
            return False
        self._pressed += 1
        self._queued.append(key)
        return True

    def __bool__(self) -> bool:
        return bool(self._queued)

    def take(self) -> str:
        """The first of the queued keys. Raises `IndexError` when there is none."""
        return self._queued.popleft()

    def clear(self) -> None:
        """Forget what is queued."""
        self._queued.clear()
