"""Requests that were accepted, so that none is accepted twice.

A signature is made anew for every request, but its time is in whole seconds, and botocore does not
sign what tells one call or attempt from the next (the headers `amz-sdk-invocation-id` and
`amz-sdk-request`). So two calls alike in one second, and an attempt right after one that failed,
have the same signature, and must be taken. What is refused is the same signature with the same
marks, whenever it comes, and with other marks from `_TOGETHER_SECONDS` after the first on, when no
client sends it any more; so whoever copies a request has no use for it.

Kept in memory, by the second in which they were made, for as long as that second is accepted. A
server forgets them when it ends, and servers that share a database do not know each other's.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Hashable

# Of the 32 bytes of a signature. Two of a million agree in these by a chance of 1 to 10^13.
_KEPT_BYTES = 8
# One process verifies fewer, and looking through more would take longer than verifying.
_MOST_OF_A_SECOND = 16_384
# A second in which signatures are alike, and how much longer one may be on its way than another.
_TOGETHER_SECONDS = 10
_MOST_TOGETHER = 1_000


class AcceptedSignatures:
    """At most `most` signatures of the last `keep_seconds`, 8 bytes each.

    Were there more, the oldest would be forgotten, and nothing as old as those accepted any more.
    """

    def __init__(self, keep_seconds: int, most: int = 4_000_000):
        self._keep_seconds = keep_seconds
        self._most = most
        self._by_second: dict[int, bytearray] = {}
        self._count = 0
        self._forgotten_until: int | None = None
        # The marks that those of the last seconds came with, and when each came first.
        self._recent: dict[bytes, set[Hashable]] = {}
        self._recent_order: deque[tuple[int, bytes]] = deque()
        self._lock = threading.Lock()

    def add(self, signature: bytes, marks: Hashable, made_at: int, at: int) -> bool:
        """Remember a signature made at the second `made_at` (Unix time), where `at` is now.

        `marks` are what the request says of the call and the attempt. Returns whether it is
        surely no repetition.
        """
        kept = signature[:_KEPT_BYTES]
        with self._lock:
            self._settle(at)
            if self._forgotten_until is not None and made_at <= self._forgotten_until:
                return False
            of_second = self._by_second.get(made_at)
            if of_second is None:
                self._forget_before(at - self._keep_seconds)
                of_second = self._by_second[made_at] = bytearray()
            if kept in of_second:
                return self._is_another(kept, marks)
            if len(of_second) >= _MOST_OF_A_SECOND * _KEPT_BYTES:
                return False
            of_second += kept
            self._count += 1
            self._recent[kept] = {marks}
            self._recent_order.append((at, kept))
            if self._count > self._most:
                oldest = min(self._by_second)
                self._forgotten_until = oldest
                self._forget(oldest)
            return True

    def __len__(self) -> int:
        return self._count

    def _is_another(self, kept: bytes, marks: Hashable) -> bool:
        seen = self._recent.get(kept)
        if seen is None or marks in seen or len(seen) >= _MOST_TOGETHER:
            return False
        seen.add(marks)
        return True

    def _settle(self, at: int) -> None:
        while self._recent_order and self._recent_order[0][0] <= at - _TOGETHER_SECONDS:
            self._recent.pop(self._recent_order.popleft()[1], None)

    def _forget_before(self, second: int) -> None:
        for made_at in [made_at for made_at in self._by_second if made_at < second]:
            self._forget(made_at)

    def _forget(self, made_at: int) -> None:
        self._count -= len(self._by_second.pop(made_at)) // _KEPT_BYTES
