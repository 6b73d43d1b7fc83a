"""What a process remembers of the tokens and keys it has seen, and when it must look again.

On the hot path a caller is recognised from memory. What is remembered is read again after two
seconds, so that a revocation made by another process counts then; one made in this process counts
at once.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Engine

Name = TypeVar("Name", bound=Hashable)
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


class Recall(Generic[Name, Known]):
    """Remembers what `look_up(name)` found. Names that were not found are not kept.

    A name is the hash of a token, or the id of an access key.
    """

    def __init__(
        self,
        look_up: Callable[[Name], Known | None],
        revocations: Revocations,
        reread_seconds: float,
    ):
        self._look_up = look_up
        self._revocations = revocations
        self._reread_seconds = reread_seconds
        self._known: dict[Name, tuple[float, Known]] = {}
        self._lock = threading.Lock()

    def get(self, name: Name) -> Known | None:
        """What is known of whoever has that name; None for nobody."""
        at = time.monotonic()
        # Finding a hash of a token in a dict takes no longer for a nearly right token, since
        # its hash is not nearly right; and the id of an access key is no secret.
        remembered = self._known.get(name)
        if (
            remembered is not None
            and at - remembered[0] < self._reread_seconds
            and remembered[0] >= self._revocations.settled_at
        ):
            return remembered[1]
        known = self._look_up(name)
        with self._lock:
            if known is None:
                self._known.pop(name, None)
            else:
                if len(self._known) >= _MOST_REMEMBERED:
                    self._known.clear()
                self._known[name] = at, known
        return known

    def forget(self) -> None:
        """Remember nothing."""
        with self._lock:
            self._known.clear()


def token_hash(token: str) -> bytes:
    """SHA-256 of a token. Without salt or stretching: tokens are 256 random bits, not passwords."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()
