"""What a process remembers of the tokens it has seen, and when it must look again.

On the hot path a token is recognised from memory. What is remembered is read again after two
seconds, so that a revocation made by another process counts then; one made in this process counts
at once.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Engine

Known = TypeVar("Known")

REREAD_SECONDS = 2.0
# A revocation is noted inside its transaction. Until that has surely been committed, nothing that
# was read can be relied on later.
_SETTLE_SECONDS = 1.0
_MOST_REMEMBERED = 10_000


class Revocations:
    """When something was last taken away in this process, from one database."""

    def __init__(self) -> None:
        self.settled_at = 0.0

    def note(self) -> None:
        """Something was taken away just now; what is read until `settled_at` (monotonic seconds)
        may not show it yet."""
        self.settled_at = time.monotonic() + _SETTLE_SECONDS


_revocations: WeakKeyDictionary[Engine, Revocations] = WeakKeyDictionary()
_revocations_lock = threading.Lock()


def revocations_from(engine: Engine) -> Revocations:
    """The revocations of that database in this process, whoever made them."""
    with _revocations_lock:
        return _revocations.setdefault(engine, Revocations())


class Recall(Generic[Known]):
    """Remembers what `look_up(token_hash)` found. Tokens that were not found are not kept."""

    def __init__(
        self,
        look_up: Callable[[bytes], Known | None],
        revocations: Revocations,
        reread_seconds: float,
    ):
        self._look_up = look_up
        self._revocations = revocations
        self._reread_seconds = reread_seconds
        self._known: dict[bytes, tuple[float, Known]] = {}
        self._lock = threading.Lock()

    def get(self, token: str) -> Known | None:
        """What is known of the holder of `token`; None for nobody."""
        hashed = token_hash(token)
        at = time.monotonic()
        # Finding a hash of the token in a dict takes no longer for a nearly right token, since
        # its hash is not nearly right.
        remembered = self._known.get(hashed)
        if (
            remembered is not None
            and at - remembered[0] < self._reread_seconds
            and remembered[0] >= self._revocations.settled_at
        ):
            return remembered[1]
        known = self._look_up(hashed)
        with self._lock:
            if known is None:
                self._known.pop(hashed, None)
            else:
                if len(self._known) >= _MOST_REMEMBERED:
                    self._known.clear()
                self._known[hashed] = at, known
        return known

    def forget(self) -> None:
        """Remember nothing."""
        with self._lock:
            self._known.clear()


def token_hash(token: str) -> bytes:
    """SHA-256 of a token. Without salt or stretching: tokens are 256 random bits, not passwords."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()
