"""Set voice: who speaks from here on."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.flows.block import ANY_ERROR, Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.kinds import NEXT, BlockKind, LegacyForm
from ringfence.flows.languages import voice_for_language
from ringfence.flows.modules import entries_of
from ringfence.flows.parameters import Parameters
from ringfence.flows.references import Template


@dataclass(frozen=True, slots=True)
class SetVoice:
    """A voice by its name at Amazon Polly; an empty name is the language's own voice.

    Engine and style are kept for the line's speech, which need not have them.
    """

    voice: Template
    engine: Template | None
    style: Template | None

    async def run(self, call: Call, block: Block) -> Outcome:
        """Change the voice."""
        data, state = call.data(), call.state
        voice = self.voice.fill(data).strip()
        if not voice and self.voice.literal is None:
            return Outcome(error=ANY_ERROR, result="Error", detail="there is no voice to be found")
        state.voice = voice or voice_for_language(state.language)
        state.engine = self.engine.fill(data).strip() if self.engine else ""
        state.style = self.style.fill(data).strip() if self.style else ""
        await call.changed()
        shown = {
            "GlobalVoice": state.voice,
            "GlobalEngine": state.engine,
            "SpeakingStyle": state.style,
        }
        shown = {name: value for name, value in shown.items() if value}
        return Outcome(result="Success", parameters=shown)


def _read(parameters: Parameters) -> SetVoice:
    voice = parameters.optional("TextToSpeechVoice")
    if voice is None:
        parameters.wrong("the parameter TextToSpeechVoice is missing")
    return SetVoice(
        voice or Template(()),
        parameters.optional("TextToSpeechEngine"),
        parameters.optional("TextToSpeechStyle"),
    )


BLOCK = BlockKind(
    type="UpdateContactTextToSpeechVoice",
    log_type="SetVoice",
    read=_read,
    legacy=LegacyForm(
        "SetVoice",
        parameters=lambda given: given.renamed(
            GlobalVoice="TextToSpeechVoice",
            GlobalEngine="TextToSpeechEngine",
            SpeakingStyle="TextToSpeechStyle",
        ),
        entries=lambda parameters: entries_of(
            parameters,
            GlobalVoice="TextToSpeechVoice",
            GlobalEngine="TextToSpeechEngine",
            SpeakingStyle="TextToSpeechStyle",
        ),
    ),
    required=((NEXT,),),
    forgives=True,
)
