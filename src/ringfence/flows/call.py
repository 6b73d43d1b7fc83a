"""One call, as a flow sees it: whom it is with, and what the flow has learnt so far."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from ringfence.carddata import mask_card_numbers
from ringfence.flows.block import Block
from ringfence.flows.contact import Contact, ContactState
from ringfence.flows.events import EndReason, FlowEvent, FlowEventKind, Observe
from ringfence.flows.flow import Flow
from ringfence.flows.functions import Functions
from ringfence.flows.instance import Instance
from ringfence.flows.languages import voice_for_language
from ringfence.flows.participant import Participant, Prompt, Recording, Reply
from ringfence.flows.system_attributes import system_attributes

if TYPE_CHECKING:
    from ringfence.flows.waiting import Waiting

_SHORTEST_SECRET = 3  # a CVV; one or two keys are a choice
_HIDDEN = "********"


class Call:
    """The state of one run of flows. Blocks read and change it; only `state` outlives the call.

    `steps_alone` counts the blocks that have run since the far end last heard or did something.
    `waiting` is the wait in a queue that the flow runs beside, if it is the flow of a queue.
    """

    def __init__(
        self,
        flow: Flow,
        state: ContactState,
        participant: Participant,
        functions: Functions,
        instance: Instance,
        observe: Observe,
        clock: Callable[[], datetime],
        roll: Callable[[], int],
    ):
        self.flow = flow
        self.state = state
        self.participant = participant
        self.functions = functions
        self.instance = instance
        self.clock = clock
        self.roll = roll
        self.flow_attributes: dict[str, str] = {}
        self.external: dict[str, object] = {}
        self.lex: dict[str, object] = {}
        self.metrics: dict[str, object] = {}
        self.modules: dict[str, object] = {}
        self.task: dict[str, object] = {}
        self.waiting: Waiting | None = None
        self.stored_input: str | None = None
        self.loops: dict[str, int] = {}
        self.steps_alone = 0
        self._observe = observe
        self._secrets: list[str] = []
        self._background: set[asyncio.Task[None]] = set()

    @property
    def contact(self) -> Contact:
        """The contact as it began."""
        return self.state.contact

    @property
    def attributes(self) -> dict[str, str]:
        """The user-defined attributes."""
        return self.state.attributes

    @property
    def voice(self) -> str:
        """Who speaks: the voice that the flow has set, else the language's own."""
        return self.state.voice or voice_for_language(self.state.language)

    def in_flow(self, flow: Flow) -> Call:
        """The same call in a flow that runs for itself, such as that of a queue."""
        inner = Call(
            flow,
            self.state,
            self.participant,
            self.functions,
            self.instance,
            self._observe,
            self.clock,
            self.roll,
        )
        inner.stored_input = self.stored_input
        inner.metrics = self.metrics
        inner.task = self.task
        inner._secrets = self._secrets
        inner._background = self._background
        return inner

    def enter(self, flow: Flow) -> None:
        """Go on in another flow, which begins with nothing but what the contact has."""
        self.flow = flow
        self.flow_attributes = {}
        self.external = {}
        self.loops = {}

    def data(self) -> dict[str, object]:
        """What `$` stands for in a reference."""
        return {
            **system_attributes(self.state),
            "TextToSpeechVoiceId": self.voice,
            "Attributes": self.attributes,
            "External": self.external,
            "FlowAttributes": self.flow_attributes,
            "LambdaInvocation": {"ResultData": self.external},
            "Lex": self.lex,
            "Metrics": self.metrics,
            "Modules": self.modules,
            "StoredCustomerInput": self.stored_input,
            "Task": self.task,
        }

    async def changed(self) -> None:
        """What the contact has changed to is to be kept."""
        await self.instance.changed(self.state)

    def store_input(self, value: str, *, typed: bool) -> None:
        """Keep what was entered; what was typed never shows in an event."""
        self.stored_input = value
        if typed:
            self.keep_secret(value)

    def keep_secret(self, value: str) -> None:
        """Never show this in an event; one or two characters are no secret."""
        if len(value) >= _SHORTEST_SECRET:
            self._secrets.append(value)

    async def say(self, text: str, *, ssml: bool, interruptible: bool) -> None:
        """Speak in the voice and language of the call. Raises `HungUp`, `PromptFailed`."""
        self.steps_alone = 0
        prompt = Prompt(text, ssml, voice=self.voice, language=self.state.language)
        await self.participant.say(prompt, interruptible=interruptible)

    async def play(self, recording: Recording, *, interruptible: bool) -> None:
        """Play a sound. Raises `HungUp`, `PromptFailed`."""
        self.steps_alone = 0
        await self.participant.play(recording, interruptible=interruptible)

    async def digit(self, timeout_seconds: float) -> str | None:
        """The next key; None after the time. Raises `HungUp`."""
        self.steps_alone = 0
        return await self.participant.digit(timeout_seconds)

    async def reply(self, timeout_seconds: float) -> Reply | None:
        """The next key or words; None after the time. Raises `HungUp`."""
        self.steps_alone = 0
        return await self.participant.reply(timeout_seconds)

    async def pause(self, seconds: float) -> None:
        """Stay silent. Raises `HungUp`."""
        self.steps_alone = 0
        await self.participant.pause(seconds)

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
                at=self.clock(),
                contact_id=self.contact.contact_id,
                flow_name=self.flow.name,
                flow_arn=self.flow.arn,
                parameters=self._hidden(parameters or {}),
                result=self._hide(result),
                matched=matched,
                external_results=self._hidden(external_results or {}),
                logged=self.state.logging,
                detail=self._hide(detail),
            )
        )

    async def ended(self, block: Block, reason: EndReason, detail: str = "") -> None:
        """Report the end of the conversation, the last event there is."""
        await self.settle()
        await self.report(FlowEventKind.ENDED, block, result=reason, detail=detail)

    def _hidden(self, values: Mapping[str, str]) -> dict[str, str]:
        return {
            name: _HIDDEN if value and name in self.contact.sensitive else self._hide(value)
            for name, value in values.items()
        }

    def _hide(self, text: str) -> str:
        if text:
            sensitive = (self.attributes.get(name, "") for name in self.contact.sensitive)
            for secret in (*self._secrets, *sensitive):
                if len(secret) >= _SHORTEST_SECRET:
                    text = text.replace(secret, _HIDDEN)
        return mask_card_numbers(text)
