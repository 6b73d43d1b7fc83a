"""What a block says before it does anything else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ringfence.flows.call import Call
from ringfence.flows.instance import NotBound, ResourceKind
from ringfence.flows.parameters import Parameters, Resource
from ringfence.flows.participant import PromptFailed
from ringfence.flows.recordings import check_recording
from ringfence.flows.references import Template
from ringfence.flows.ssml import document, escaped, parse_ssml, says_nothing

LONGEST_TEXT = 6000  # characters, Amazon Connect's limit

_NOTHING = Template(())


class Source(StrEnum):
    """Where the sound of a prompt comes from; the values are the log's `TextToSpeechType`."""

    TEXT = "text"
    SSML = "ssml"
    RECORDING = "recording"


@dataclass(frozen=True, slots=True)
class Message:
    """A text, SSML, or a recording: a prompt of the instance, or a file by its address."""

    source: Source
    text: Template = _NOTHING
    recording: Resource | None = None

    def shown(self, call: Call) -> dict[str, str]:
        """Its parameters in the flow log."""
        if self.recording is not None:
            return {"PromptId": self.recording.wanted(call.data()).arn}
        return {
            "Text": self._filled(call.data()),
            "TextToSpeechType": self.source,
            "Voice": call.voice,
        }

    async def say(self, call: Call, *, interruptible: bool) -> None:
        """Speak or play it, if there is anything to be said.

        Raises `PromptFailed` for broken SSML, more than 6,000 characters, or a recording that is
        not to be found or not to be played.
        """
        if self.recording is not None:
            await self._play(call, self.recording, interruptible=interruptible)
            return
        text = self._filled(call.data())
        if len(text) > LONGEST_TEXT:
            raise PromptFailed(f"the prompt has {len(text)} characters, at most {LONGEST_TEXT}")
        if self.source is Source.SSML and not says_nothing(parse_ssml(text)):
            await call.say(text, ssml=True, interruptible=interruptible)
        elif self.source is Source.TEXT and text.strip():
            await call.say(text, ssml=False, interruptible=interruptible)

    async def _play(self, call: Call, resource: Resource, *, interruptible: bool) -> None:
        wanted = resource.wanted(call.data())
        if not wanted.arn and not wanted.label:
            raise PromptFailed("there is no prompt to be found")
        try:
            recording = await call.instance.recording(wanted)
        except NotBound as missing:
            raise PromptFailed(str(missing)) from None
        check_recording(recording)
        await call.play(recording, interruptible=interruptible)

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
    filled = [name for name in given if name == "Media" or parameters.optional(name) != _NOTHING]
    if len(filled) > 1:
        parameters.wrong(f"{' and '.join(filled)} are given, one of them is wanted")
    name = (filled or given or [""])[0]
    if name == "Text":
        return Message(Source.TEXT, parameters.optional("Text") or _NOTHING)
    if name == "SSML":
        return Message(Source.SSML, parameters.optional("SSML") or _NOTHING)
    if name == "PromptId":
        prompt = parameters.resource(ResourceKind.PROMPT, "PromptId")
        return Message(Source.RECORDING, recording=prompt)
    if name == "Media":
        # An address means the same everywhere: there is nothing to be bound.
        address = Resource(ResourceKind.PROMPT, parameters.inside("Media").text("Uri"))
        return Message(Source.RECORDING, recording=address)
    parameters.wrong("there is nothing to say: Text, SSML, PromptId or Media is missing")
    return Message(Source.TEXT)
