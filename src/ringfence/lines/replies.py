"""What the far end did, in order, until the conversation asks: keys pressed and words said."""

from __future__ import annotations

from collections import deque

from ringfence.flows.participant import Reply

KEYS = frozenset("0123456789*#")

MOST_QUEUED = 32
MOST_PER_CALL = 256
LONGEST_WORDS = 500  # characters


class Replies:
    """A bounded queue of replies. What is beyond its limits is lost, as on a deaf line."""

    def __init__(self) -> None:
        self._queued: deque[Reply] = deque()
        self._heard = 0

    def press(self, key: str) -> bool:
        """Queue `key`; False when it is no key, or one too many."""
        return key in KEYS and self._queue(Reply(key=key))

    def say(self, words: str) -> bool:
        """Queue `words`; False when there are none, or too many."""
        words = " ".join(words.split())
        return 0 < len(words) <= LONGEST_WORDS and self._queue(Reply(words=words))

    def __bool__(self) -> bool:
        return bool(self._queued)

    @property
    def has_key(self) -> bool:
        """Whether a key is among them."""
        return any(reply.key for reply in self._queued)

    def take(self) -> Reply:
        """The first. Raises `IndexError` when there is none."""
        return self._queued.popleft()

    def take_key(self) -> str | None:
        """The first key; words before it are forgotten. None, and nothing left, without one."""
        while self._queued:
            if key := self._queued.popleft().key:
                return key
        return None

    def clear(self) -> None:
        """Forget what is queued."""
        self._queued.clear()

    def _queue(self, reply: Reply) -> bool:
        if len(self._queued) >= MOST_QUEUED or self._heard >= MOST_PER_CALL:
            return False
        self._heard += 1
        self._queued.append(reply)
        return True
