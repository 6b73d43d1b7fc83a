"""What a person types: single keys, and now and then a line of words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from ringfence.lines.replies import LONGEST_WORDS
from ringfence.lines.terminal.screen import Screen

SPEAK_KEY = "s"
_ENTER = frozenset("\r\n")
_ESCAPE = "\x1b"
_BACKSPACE = frozenset("\x7f\b")


@dataclass(frozen=True, slots=True)
class Typed:
    """A single key as it was pressed, or words. One is empty."""

    key: str = ""
    words: str = ""


async def typed(
    keys: AsyncIterator[str], screen: Screen, may_speak: Callable[[], bool]
) -> AsyncIterator[Typed]:
    """Keys as they come, but after `s` words up to Enter; Escape takes them back.

    While nobody listens (`may_speak`) `s` is a key like any other, and words that were begun are
    dropped.
    """
    words: str | None = None
    async for key in keys:
        if words is not None and not may_speak():
            words = None
            screen.unfinished("", "")
        if words is None:
            if key.lower() == SPEAK_KEY and may_speak():
                words = ""
                screen.unfinished("›", "")
            else:
                yield Typed(key=key)
        elif key in _ENTER or key == _ESCAPE:
            screen.unfinished("", "")
            if key in _ENTER and words.strip():
                yield Typed(words=words)
            words = None
        else:
            words = words[:-1] if key in _BACKSPACE else (words + key)[:LONGEST_WORDS]
            screen.unfinished("›", words)
