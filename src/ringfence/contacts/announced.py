"""A participant whose call may be recorded: not before they have been told that it is."""

from __future__ import annotations

from collections.abc import Mapping

from ringfence.flows import (
    AnsweredBy,
    Destination,
    Participant,
    Prompt,
    Recording,
    Reply,
    voice_for_language,
)

# Said before a recording begins, by the first part of the language.
ANNOUNCEMENTS: Mapping[str, str] = {
    "en": "This call is recorded.",
    "de": "Dieser Anruf wird aufgezeichnet.",
    "fr": "Cet appel est enregistré.",
    "es": "Esta llamada se está grabando.",
    "it": "Questa chiamata viene registrata.",
    "pt": "Esta chamada está a ser gravada.",
}


def announcement(language: str, own: Mapping[str, str]) -> Prompt:
    """What is said in a language: an operator's `own` words by language, or ours, or in English."""
    words = {**ANNOUNCEMENTS, **{tag.lower(): text for tag, text in own.items()}}
    tag = language.lower()
    for known in (tag, tag.partition("-")[0]):
        if known in words:
            return Prompt(
                words[known], ssml=False, voice=voice_for_language(language), language=tag
            )
    return Prompt(words["en"], ssml=False)


class Announced:
    """A `Participant` that is told before the first recording begins.

    `may_record` is whether calls are recorded here at all.
    """

    def __init__(self, participant: Participant, announced: Prompt, *, may_record: bool):
        self._participant = participant
        self._announcement: Prompt | None = announced
        self._may_record = may_record

    @property
    def answered_by(self) -> AnsweredBy:
        """See `Participant.answered_by`."""
        return self._participant.answered_by

    async def say(self, prompt: Prompt, *, interruptible: bool) -> None:
        """See `Participant.say`."""
        await self._participant.say(prompt, interruptible=interruptible)

    async def play(self, recording: Recording, *, interruptible: bool) -> None:
        """See `Participant.play`."""
        await self._participant.play(recording, interruptible=interruptible)

    async def digit(self, timeout_seconds: float) -> str | None:
        """See `Participant.digit`."""
        return await self._participant.digit(timeout_seconds)

    async def reply(self, timeout_seconds: float) -> Reply | None:
        """See `Participant.reply`."""
        return await self._participant.reply(timeout_seconds)

    def clear_digits(self) -> None:
        """See `Participant.clear_digits`."""
        self._participant.clear_digits()

    async def pause(self, seconds: float) -> None:
        """See `Participant.pause`."""
        await self._participant.pause(seconds)

    async def connect(self, destination: Destination) -> None:
        """See `Participant.connect`."""
        await self._participant.connect(destination)

    async def record(self, on: bool) -> bool:
        """See `Participant.record`. A telephone that cannot record announces nothing."""
        if not self._may_record or not await self._participant.record(on):
            return False
        if on and self._announcement is not None:
            # The recording begins with it, and so proves that it was said.
            prompt, self._announcement = self._announcement, None
            await self._participant.say(prompt, interruptible=False)
        return True

    async def hang_up(self) -> None:
        """See `Participant.hang_up`."""
        await self._participant.hang_up()
