"""Sound that is kept for the next time: the least recently used goes first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class Kept(Generic[_Key, _Value]):
    """Values by their keys, up to `most_bytes` of them. Safe to use from many threads."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._values: OrderedDict[_Key, tuple[_Value, int]] = OrderedDict()
        self._lock = threading.Lock()
        self.held_bytes = 0

    def get(self, key: _Key) -> _Value | None:
        """The value of `key`, if it is still here."""
        with self._lock:
            found = self._values.get(key)
            if found is None:
                return None
            self._values.move_to_end(key)
            return found[0]

    def keep(self, key: _Key, value: _Value, size: int) -> None:
        """Keep `value`, of `size` bytes; one that is larger than all there may be is not kept."""
        if size > self._most_bytes:
            return
        with self._lock:
            _, previous = self._values.pop(key, (None, 0))
            self.held_bytes += size - previous
            self._values[key] = (value, size)
            while self.held_bytes > self._most_bytes:
                _, (_, evicted) = self._values.popitem(last=False)
                self.held_bytes -= evicted
