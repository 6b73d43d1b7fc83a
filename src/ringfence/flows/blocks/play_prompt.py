"""Play prompt: speak, or play a recording, to the end."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.flows.block import ANY_ERROR, Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.kinds import NEXT, BlockKind, LegacyForm
from ringfence.flows.modules import message_entries
from ringfence.flows.parameters import Parameters
from ringfence.flows.participant import PromptFailed
from ringfence.flows.prompts import Message, read_message


@dataclass(frozen=True, slots=True)
class PlayPrompt:
    """Keys that are pressed meanwhile are nobody's: the next menu forgets them."""

    message: Message

    async def run(self, call: Call, block: Block) -> Outcome:
        """Speak or play."""
        shown = self.message.shown(call)
        try:
            await self.message.say(call, interruptible=False)
        except PromptFailed as failure:
            return Outcome(error=ANY_ERROR, result="Error", parameters=shown, detail=str(failure))
        return Outcome(result="Success", parameters=shown)


def _read(parameters: Parameters) -> PlayPrompt:
    return PlayPrompt(read_message(parameters))


BLOCK = BlockKind(
    type="MessageParticipant",
    log_type="PlayPrompt",
    read=_read,
    legacy=LegacyForm(
        "PlayPrompt", parameters=lambda given: given.message(), entries=message_entries
    ),
    required=((NEXT,),),
    forgives=True,
)
