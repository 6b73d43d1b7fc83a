"""Loop prompts: messages in turn, again and again, while the contact waits."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from ringfence.flows.block import ANY_ERROR, Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.flow import CONTACT_FLOW
from ringfence.flows.kinds import BlockKind, LegacyForm, equals
from ringfence.flows.modules import Entry, LegacyParameters, entry, message_entries
from ringfence.flows.parameters import Parameters, WholeNumber
from ringfence.flows.participant import PromptFailed
from ringfence.flows.prompts import Message, read_message

INTERRUPTED = "MessagesInterrupted"
LONGEST_SECONDS = 86_400

_SHORTEST_ROUND_SECONDS = 1.0  # messages that say nothing must not go round without any time


@dataclass(frozen=True, slots=True)
class LoopPrompts:
    """Ends by being interrupted, or with the wait in the queue that it belongs to."""

    messages: tuple[Message, ...]
    interrupt_after: WholeNumber | None

    async def run(self, call: Call, block: Block) -> Outcome:
        """Speak and play until it is interrupted. Raises `HungUp`."""
        shown: dict[str, str] = {}
        seconds: int | None = None
        if self.interrupt_after is not None:
            seconds = self.interrupt_after.value(call.data())
            if seconds is None:
                return _failed(shown, "the time until the interruption is no number")
            shown = {"InterruptSeconds": str(seconds)}
        elif call.waiting is None and call.flow.type == CONTACT_FLOW:
            return _failed(shown, "it would never end: the contact does not wait in a queue")
        try:
            async with asyncio.timeout(seconds):
                await self._go_round(call)
        except TimeoutError:
            return Outcome(value=INTERRUPTED, result=INTERRUPTED, parameters=shown)
        except PromptFailed as failure:
            return _failed(shown, str(failure))
        raise AssertionError("messages go round for ever")

    async def _go_round(self, call: Call) -> None:
        while True:
            began_at = call.clock()
            for message in self.messages:
                await message.say(call, interruptible=False)
            lasted = (call.clock() - began_at).total_seconds()
            if lasted < _SHORTEST_ROUND_SECONDS:
                await call.pause(_SHORTEST_ROUND_SECONDS)


def _failed(shown: dict[str, str], detail: str) -> Outcome:
    return Outcome(error=ANY_ERROR, result="Error", parameters=shown, detail=detail)


def _read(parameters: Parameters) -> LoopPrompts:
    messages = tuple(read_message(each) for each in parameters.objects("Messages"))
    if not messages:
        parameters.wrong("the parameter Messages is missing or empty")
    interrupt_after = None
    if parameters.given("InterruptFrequencySeconds"):
        interrupt_after = parameters.whole_number(
            "InterruptFrequencySeconds", low=1, high=LONGEST_SECONDS
        )
    return LoopPrompts(messages, interrupt_after)


def _from_legacy(given: LegacyParameters) -> dict[str, object]:
    messages = []
    for name, key, value in given.ordered("Text", "AudioPrompt"):
        kind = "PromptId" if name == "AudioPrompt" else "SSML" if key == "ssml" else "Text"
        messages.append({kind: value})
    return {"Messages": messages, **given.renamed(InterruptSeconds="InterruptFrequencySeconds")}


def _to_legacy(parameters: Mapping[str, object]) -> list[Entry]:
    made: list[Entry] = []
    messages = parameters.get("Messages")
    for message in messages if isinstance(messages, (list, tuple)) else ():
        made += _message_to_legacy(message)
    if (seconds := parameters.get("InterruptFrequencySeconds")) is not None:
        made.append(entry("InterruptSeconds", seconds))
    return made


def _message_to_legacy(message: Mapping[str, object]) -> list[Entry]:
    """One entry: what kind of text it is stands in its key."""
    entries = message_entries(message)
    kind = next((each["value"] for each in entries if each["name"] == "TextToSpeechType"), None)
    return [
        entry(str(each["name"]), each["value"], key=str(kind) if kind is not None else None)
        for each in entries
        if each["name"] != "TextToSpeechType"
    ]


BLOCK = BlockKind(
    type="MessageParticipantIteratively",
    log_type="LoopPrompts",
    read=_read,
    legacy=LegacyForm(
        "LoopPrompts",
        parameters=_from_legacy,
        entries=_to_legacy,
        branches={"Timeout": equals(INTERRUPTED)},
    ),
)
