"""Who the conversation is held with: the only thing a flow knows of a telephone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class HungUp(Exception):
    """The participant is no longer there. The flow stops; no branch is taken."""


class PromptFailed(Exception):
    """The prompt cannot be rendered (broken SSML, unknown voice engine, sound of another form)."""


class NotConnected(Exception):
    """Nobody could be put through. `timed_out` says that it rang for the whole time."""

    def __init__(self, message: str, *, timed_out: bool = False):
        super().__init__(message)
        self.timed_out = timed_out


class AnsweredBy(StrEnum):
    """Who or what picked up, as far as the line can tell."""

    HUMAN = "human"
    MACHINE_BEEP = "machine_beep"  # a voicemail that has beeped
    MACHINE_SILENT = "machine_silent"  # a voicemail without a beep
    UNKNOWN = "unknown"  # the line does not listen for it, or could not tell


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


@dataclass(frozen=True, slots=True)
class Recording:
    """A sound file: a WAV file of 8 or 16 bit PCM or G.711, mono or stereo, at any rate.

    `name` is shown where a spoken prompt would show its text.
    """

    name: str
    wav: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """What the far end did: pressed a key (`0-9`, `*`, `#`), or said words. One is empty."""

    key: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Destination:
    """Another telephone, which the far end is to be put through to.

    `number` is E.164; `digits` are keys (`0-9*#`, a comma waits for a second) that are sent to it
    once it answers. `answered` is called when it does; a line that cannot tell leaves it alone.
    """

    number: str
    caller_number: str
    caller_name: str = ""
    ring_seconds: float = 30.0
    digits: str = ""
    answered: Callable[[], None] | None = field(default=None, compare=False, repr=False)


class Participant(Protocol):
    """The far end of a call. Every method raises `HungUp` once the far end is gone."""

    @property
    def answered_by(self) -> AnsweredBy:
        """Who picked up."""

    async def say(self, prompt: Prompt, *, interruptible: bool) -> None:
        """Speak `prompt`; return when it has been heard to the end.

        With `interruptible`, a key pressed (or words said) while speaking stops it at once
        (barge-in) and stays queued for `digit` and `reply`. Without, keys are queued too.
        Raises `PromptFailed`.
        """
        ...

    async def play(self, recording: Recording, *, interruptible: bool) -> None:
        """Play a sound, in every way as `say`. Raises `PromptFailed` for a sound it cannot read."""
        ...

    async def digit(self, timeout_seconds: float) -> str | None:
        """The next key (`0-9`, `*`, `#`), from the queue or as it comes; None after the time.

        Words that were said before it are dropped.
        """
        ...

    async def reply(self, timeout_seconds: float) -> Reply | None:
        """The next key or the next words, from the queue or as they come; None after the time."""
        ...

    def clear_digits(self) -> None:
        """Forget keys that were pressed, and words that were said, before now."""
        ...

    async def pause(self, seconds: float) -> None:
        """Stay silent on the line."""
        ...

    async def connect(self, destination: Destination) -> None:
        """Put the far end through to another telephone, and return when that one has hung up.

        The far end hears that it rings; both then hear each other. The call with the far end goes
        on after it. Raises `NotConnected`, also where the line cannot do it, and `HungUp` when the
        far end hangs up, which ends the other call too.
        """
        ...

    async def record(self, on: bool) -> bool:
        """Record both sides from now on, or no more; False where this telephone cannot, or must
        not."""
        ...

    async def hang_up(self) -> None:
        """End the call. Harmless when it has ended."""
        ...
