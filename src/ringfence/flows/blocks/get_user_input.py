"""Get customer input: a menu, answered with one key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ringfence.flows.block import ANY_ERROR, NO_CONDITION, Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.kinds import NEXT, TIMEOUT, BlockKind, LegacyForm
from ringfence.flows.modules import Entry, LegacyParameters, entry, message_entries
from ringfence.flows.parameters import Parameters, WholeNumber, written
from ringfence.flows.participant import PromptFailed
from ringfence.flows.prompts import Message, read_message

LONGEST_SECONDS = 180  # Amazon Connect's limit for a voice contact; chats may wait for a week


@dataclass(frozen=True, slots=True)
class GetUserInput:
    """Any key interrupts the prompt and is the answer; the time runs from the prompt's end.

    With `type_ahead` a key that was pressed before the menu began is an answer too.
    """

    message: Message
    timeout: WholeNumber
    type_ahead: bool = False

    async def run(self, call: Call, block: Block) -> Outcome:
        """Ask for a key. It is not stored as customer input."""
        shown = self.message.shown(call)
        seconds = self.timeout.value(call.data())
        if seconds is None:
            return Outcome(
                error=ANY_ERROR, result="Error", parameters=shown, detail="the timeout is no number"
            )
        seconds = min(seconds, LONGEST_SECONDS)
        shown |= {"Timeout": str(seconds), "MaxDigits": "1"}
        if not self.type_ahead:
            call.participant.clear_digits()
        try:
            await self.message.say(call, interruptible=True)
        except PromptFailed as failure:
            return Outcome(error=ANY_ERROR, result="Error", parameters=shown, detail=str(failure))
        key = await call.digit(seconds)
        if key is None:
            return Outcome(error=TIMEOUT, result="Timeout", parameters=shown)
        return Outcome(value=key, key=key, result=key, parameters=shown)


def _read(parameters: Parameters) -> GetUserInput:
    timeout = parameters.whole_number(
        "InputTimeLimitSeconds", "InputTimeoutSeconds", low=1, high=604_800
    )
    type_ahead = parameters.flag("EnableDTMFBuffer")
    return GetUserInput(read_message(parameters), timeout, type_ahead)


def _from_legacy(given: LegacyParameters) -> dict[str, object]:
    return {
        **given.message(),
        **given.renamed(Timeout="InputTimeLimitSeconds"),
        "StoreInput": "False",
    }


def _to_legacy(parameters: Mapping[str, object]) -> list[Entry]:
    timeout = parameters.get("InputTimeLimitSeconds", parameters.get("InputTimeoutSeconds"))
    return [*message_entries(parameters), entry("Timeout", timeout), entry("MaxDigits", "1")]


def _stores_nothing(parameters: Mapping[str, object]) -> bool:
    return (written(parameters.get("StoreInput")) or "").strip().lower() != "true"


BLOCK = BlockKind(
    type="GetParticipantInput",
    log_type="GetUserInput",
    read=_read,
    legacy=LegacyForm(
        "GetUserInput",
        "Digits",
        parameters=_from_legacy,
        entries=_to_legacy,
        required=((TIMEOUT,), (NO_CONDITION,), (ANY_ERROR,)),
    ),
    required=((NO_CONDITION, NEXT), (ANY_ERROR,)),  # which a timeout takes too, without its own
    keys_only=True,
    chosen_by=_stores_nothing,
)
