"""Set voice: who speaks from here on."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.flows.block import ANY_ERROR, Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.kinds import NEXT, BlockKind, LegacyForm
from ringfence.flows.modules import entries_of
from ringfence.flows.parameters import Parameters
from ringfence.flows.references import Template


@dataclass(frozen=True, slots=True)
class SetVoice:
    """A voice by its name at Amazon Polly; engine and style are left to the line's speech."""

    voice: Template

    async def run(self, call: Call, block: Block) -> Outcome:
        """Change the voice."""
        voice = self.voice.fill(call.data()).strip()
        if not voice:
            return Outcome(error=ANY_ERROR, result="Error", detail="there is no voice to be found")
        call.state.voice = voice
        await call.changed()
        return Outcome(result="Success", parameters={"GlobalVoice": voice})


def _read(parameters: Parameters) -> SetVoice:
    return SetVoice(parameters.text("TextToSpeechVoice"))


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
