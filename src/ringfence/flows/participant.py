"""Who the conversation is held with: the only thing a flow knows of a telephone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class HungUp(Exception):
    """The participant is no longer there. The flow stops; no branch is taken."""


class PromptFailed(Exception):
    """The prompt cannot be rendered (broken SSML, unknown voice engine)."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is to be said: plain text, or SSML with a `<speak>` root. Never empty.

    `voice` is a voice name as Amazon Connect knows it (`Kendra`, `Joanna`), `language` a tag such
    as `en-US`; a line maps both to what its speech engine has.
    """

    text: str
    ssml: bool
    voice: str = "Joanna"
    language: str = "en-US"


class Participant(Protocol):
    """The far end of a call. Every method raises `HungUp` once the far end is gone."""

    async def say(self, prompt: Prompt, *, interruptible: bool) -> None:
        """Speak `prompt`; return when it has been heard to the end.

        With `interruptible`, a key pressed while speaking stops it at once (barge-in) and stays
        queued for `digit`. Without, keys pressed meanwhile are queued too.
        Raises `PromptFailed`.
        """
        ...

    async def digit(self, timeout_seconds: float) -> str | None:
        """The next key (`0-9`, `*`, `#`), from the queue or as it comes; None after the time."""
        ...

    def clear_digits(self) -> None:
        """Forget keys that were pressed before now."""
        ...

    async def pause(self, seconds: float) -> None:
        """Stay silent on the line."""
        ...

    async def hang_up(self) -> None:
        """End the call. Harmless when it has ended."""
        ...
