"""One call, as a flow sees it: whom it is with, and what the flow has learnt so far."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from ringfence.carddata import mask_card_numbers
from ringfence.flows.block import Block
from ringfence.flows.events import EndReason, FlowEvent, FlowEventKind, Observe
from ringfence.flows.functions import Functions
from ringfence.flows.participant import Participant, Prompt

DEFAULT_VOICE = "Joanna"

_SHORTEST_SECRET = 3  # a CVV; one or two keys are a choice
_HIDDEN = "********"


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom a flow calls, and what is known when it starts. Numbers are E.164."""

    contact_id: str
    attributes: Mapping[str, str]
    customer_number: str
    system_number: str
    instance_arn: str
    language: str = "en-US"


class Call:
    """The state of one run of a flow. Blocks read and change it; nothing outlives the call."""

    def __init__(
        self,
        flow_name: str,
        contact: Contact,
        participant: Participant,
        functions: Functions,
        observe: Observe,
        clock: Callable[[], datetime],
        roll: Callable[[], int],
    ):
        self.contact = contact
        self.participant = participant
        self.functions = functions
        self.roll = roll
        self.attributes: dict[str, str] = dict(contact.attributes)
        self.flow_attributes: dict[str, str] = {}
        self.external: dict[str, object] = {}
        self.stored_input: str | None = None
        self.voice = DEFAULT_VOICE
        self.logging = False
        self.loops: dict[str, int] = {}
        self._flow_name = flow_name
        self._observe = observe
        self._clock = clock
        self._secrets: list[str] = []
        self._background: set[asyncio.Task[None]] = set()

    def data(self) -> dict[str, object]:
        """What `$` stands for in a reference."""
        contact = self.contact
        arn = contact.instance_arn.split(":")
        return {
            "Attributes": self.attributes,
            "External": self.external,
            "FlowAttributes": self.flow_attributes,
            "StoredCustomerInput": self.stored_input,
            "CustomerEndpoint": {"Address": contact.customer_number, "Type": "TELEPHONE_NUMBER"},
            "SystemEndpoint": {"Address": contact.system_number, "Type": "TELEPHONE_NUMBER"},
            "ContactId": contact.contact_id,
            "InitialContactId": contact.contact_id,
            "PreviousContactId": contact.contact_id,
            "Channel": "VOICE",
            "InstanceARN": contact.instance_arn,
            "InitiationMethod": "API",
            "LanguageCode": contact.language,
            "TextToSpeechVoiceId": self.voice,
            "AwsRegion": arn[3] if len(arn) > 3 else None,
        }

    def store_input(self, value: str, *, typed: bool) -> None:
        """Keep what was entered; what was typed never shows in an event."""
        self.stored_input = value
        if typed and len(value) >= _SHORTEST_SECRET:
            self._secrets.append(value)

    async def say(self, text: str, *, ssml: bool, interruptible: bool) -> None:
        """Speak in the voice and language of the call. Raises `HungUp`, `PromptFailed`."""
        prompt = Prompt(text, ssml, voice=self.voice, language=self.contact.language)
        await self.participant.say(prompt, interruptible=interruptible)

    def start(self, work: asyncio.Task[None]) -> None:
        """Let `work` go on beside the flow; the call is not over before it is done."""
        self._background.add(work)
        work.add_done_callback(self._background.discard)

    async def settle(self) -> None:
        """Wait for what goes on beside the flow. Raises what the first failure there raised."""
        await asyncio.gather(*self._background)

    def abandon(self) -> None:
        """Cancel what goes on beside the flow."""
        for work in self._background:
            work.cancel()

    async def report(
        self,
        kind: FlowEventKind,
        block: Block,
        *,
        parameters: Mapping[str, str] | None = None,
        result: str = "",
        matched: bool = False,
        external_results: Mapping[str, str] | None = None,
        detail: str = "",
    ) -> None:
        """Tell the observer, and wait until it has heard."""
        await self._observe(
            FlowEvent(
                kind=kind,
                block_id=block.block_id,
                block_type=block.log_type,
                at=self._clock(),
                contact_id=self.contact.contact_id,
                flow_name=self._flow_name,
                parameters=self._hidden(parameters or {}),
                result=self._hide(result),
                matched=matched,
                external_results=self._hidden(external_results or {}),
                logged=self.logging,
                detail=self._hide(detail),
            )
        )

    async def ended(self, block: Block, reason: EndReason, detail: str = "") -> None:
        """Report the end of the flow, the last event there is."""
        await self.settle()
        await self.report(FlowEventKind.ENDED, block, result=reason, detail=detail)

    def _hidden(self, values: Mapping[str, str]) -> dict[str, str]:
        return {name: self._hide(value) for name, value in values.items()}

    def _hide(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        return mask_card_numbers(text)
