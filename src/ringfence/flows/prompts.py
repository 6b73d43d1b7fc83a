"""What a block says before it does anything else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ringfence.flows.call import Call
from ringfence.flows.parameters import Parameters
from ringfence.flows.participant import PromptFailed
from ringfence.flows.references import Template
from ringfence.flows.ssml import document, escaped, parse_ssml, says_nothing

LONGEST_TEXT = 6000  # characters, Amazon Connect's limit


class Source(StrEnum):
    """Where the sound of a prompt comes from; the values are the log's `TextToSpeechType`."""

    TEXT = "text"
    SSML = "ssml"
    RECORDING = "recording"


@dataclass(frozen=True, slots=True)
class Message:
    """A text, SSML, or a recording, which can only fail: recordings stay at Amazon Connect."""

    source: Source
    text: Template

    def shown(self, call: Call) -> dict[str, str]:
        """Its parameters in the flow log."""
        if self.source is Source.RECORDING:
            return {"PromptId": self.text.fill(call.data())}
        return {
            "Text": self._filled(call.data()),
            "TextToSpeechType": self.source,
            "Voice": call.voice,
        }

    async def say(self, call: Call, *, interruptible: bool) -> None:
        """Speak it, if there is anything to be said.

        Raises `PromptFailed` for broken SSML, more than 6,000 characters or a recording.
        """
        if self.source is Source.RECORDING:
            raise PromptFailed("there are no recordings here, only texts")
        text = self._filled(call.data())
        if len(text) > LONGEST_TEXT:
            raise PromptFailed(f"the prompt has {len(text)} characters, at most {LONGEST_TEXT}")
        if self.source is Source.SSML and not says_nothing(parse_ssml(text)):
            await call.say(text, ssml=True, interruptible=interruptible)
        elif self.source is Source.TEXT and text.strip():
            await call.say(text, ssml=False, interruptible=interruptible)

    def _filled(self, data: Mapping[str, object]) -> str:
        if self.source is Source.TEXT:
            return self.text.fill(data)
        if self.text.is_reference:
            # The whole prompt comes from elsewhere, which may be SSML or a plain text.
            text = self.text.fill(data).strip()
            return document(text if text.startswith("<") else escaped(text))
        return document(self.text.fill(data, escaped))


def read_message(parameters: Parameters) -> Message:
    """The one of `Text`, `SSML`, `PromptId` and `Media` that is there."""
    given = [name for name in ("Text", "SSML", "PromptId", "Media") if parameters.given(name)]
    # Exports carry the empty field of the alternative that was not chosen.
    filled = [
        name for name in given if name == "Media" or parameters.optional(name) != Template(())
    ]
    if len(filled) > 1:
        parameters.wrong(f"{' and '.join(filled)} are given, one of them is wanted")
    name = (filled or given or [""])[0]
    if name == "Text":
        return Message(Source.TEXT, parameters.optional("Text") or Template(()))
    if name == "SSML":
        return Message(Source.SSML, parameters.optional("SSML") or Template(()))
    if name == "PromptId":
        return Message(Source.RECORDING, parameters.text("PromptId"))
    if name == "Media":
        return Message(Source.RECORDING, parameters.inside("Media").text("Uri"))
    parameters.wrong("there is nothing to say: Text, SSML, PromptId or Media is missing")
    return Message(Source.TEXT, Template(()))
