"""Whole conversations in virtual time: a far end that follows a script, functions that answer."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ringfence.flows import (
    AnsweredBy,
    Contact,
    ContactState,
    Destination,
    Flow,
    FlowEvent,
    FlowEventKind,
    HungUp,
    Instance,
    NotConnected,
    Prompt,
    Recording,
    Reply,
    load_flow,
    run,
)
from ringfence.flows.laboratory.virtual_time import VirtualLoop

WORDS_A_MINUTE = 155
KEYS = frozenset("0123456789*#")
CARDHOLDER = "+4930901820"
BANK = "+15550100000"
STARTED_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ATTRIBUTES = {
    "Bank": "Example Bank",
    "Salutation": "Ms",
    "Name": "Rojas",
    "CardNo": "4071",
    "Amount": "4155",
    "Currency": "EUR",
    "AmountSpoken": "EUR 4155.00",
    "Merchant": "Schmidt & Sons",
    "Customer": "customer-7",
    "Reference": "KD7PX",
}


def words(text: str) -> list[str]:
    return re.sub(r"<[^>]*>", " ", text).split()


def spoken_seconds(text: str) -> float:
    return len(words(text)) * 60 / WORDS_A_MINUTE


class Cardholder:
    """The far end. `answers` are the keys, or words, for each time it is asked (None: silence);
    `presses` are keys or words at moments of the call, `hangs_up_at` is one too. All in seconds
    after the answer. `telephones` are others it can be put through to: how long the talk there
    lasts, or why there is none."""

    def __init__(
        self,
        answers: Sequence[str | None] = (),
        *,
        presses: Sequence[tuple[float, str]] = (),
        hangs_up_at: float | None = None,
        unspeakable: Sequence[str] = (),
        telephones: Mapping[str, float | NotConnected] | None = None,
        answered_by: AnsweredBy = AnsweredBy.HUMAN,
    ) -> None:
        self.answered_by = answered_by
        self.telephones = telephones or {}
        self.put_through: list[Destination] = []
        self.heard: list[Prompt] = []
        self.played: list[Recording] = []
        self.cut_short: list[Prompt | Recording] = []
        self.keys: list[str] = []
        self.gone = False
        self.hung_up_on = False
        self._answers = list(answers)
        self._presses = presses
        self._hangs_up_at = hangs_up_at
        self._unspeakable = unspeakable
        self._waiters: set[asyncio.Future[None]] = set()

    def pick_up(self) -> None:
        loop = asyncio.get_running_loop()
        for at, key in self._presses:
            loop.call_later(at, self._press, key)
        if self._hangs_up_at is not None:
            loop.call_later(self._hangs_up_at, self._hang_up)

    async def say(self, prompt: Prompt, *, interruptible: bool) -> None:
        self._check()
        assert prompt.text.strip()
        self.heard.append(prompt)
        stop = (lambda: bool(self.keys)) if interruptible else (lambda: False)
        if await self._until(stop, spoken_seconds(prompt.text)):
            self.cut_short.append(prompt)

    async def play(self, recording: Recording, *, interruptible: bool) -> None:
        self._check()
        self.played.append(recording)
        stop = (lambda: bool(self.keys)) if interruptible else (lambda: False)
        if await self._until(stop, 3.0):
            self.cut_short.append(recording)

    async def digit(self, timeout_seconds: float) -> str | None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_seconds
        while reply := await self.reply(deadline - loop.time()):
            if reply.key:
                return reply.key
        return None

    async def connect(self, destination: Destination) -> None:
        self._check()
        self.put_through.append(destination)
        talk = self.telephones.get(destination.number, NotConnected("nobody is there"))
        if isinstance(talk, NotConnected):
            await self._until(lambda: False, destination.ring_seconds if talk.timed_out else 1.0)
            raise talk
        if destination.answered is not None:
            destination.answered()
        await self._until(lambda: False, talk)

    async def reply(self, timeout_seconds: float) -> Reply | None:
        self._check()
        if not self.keys and self._answers:
            answer = self._answers.pop(0)
            if answer is not None:
                asyncio.get_running_loop().call_later(1.0, self._press, answer)
        await self._until(lambda: bool(self.keys), timeout_seconds)
        if not self.keys:
            return None
        said = self.keys.pop(0)
        return Reply(key=said) if said in KEYS else Reply(words=said)

    def clear_digits(self) -> None:
        self._check()
        self.keys.clear()

    async def pause(self, seconds: float) -> None:
        await self._until(lambda: False, seconds)

    async def record(self, on: bool) -> bool:
        return False

    async def hang_up(self) -> None:
        self.hung_up_on = not self.gone
        self.gone = True

    @property
    def said(self) -> list[str]:
        return [" ".join(words(prompt.text)) for prompt in self.heard]

    def _press(self, key: str) -> None:
        self.keys.append(key)
        self._wake()

    def _hang_up(self) -> None:
        self.gone = True
        self._wake()

    def _wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def _until(self, holds: Callable[[], bool], seconds: float) -> bool:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while not holds():
            self._check()
            waiter = loop.create_future()
            self._waiters.add(waiter)
            try:
                async with asyncio.timeout_at(deadline):
                    await waiter
            except TimeoutError:
                return holds()
            finally:
                self._waiters.discard(waiter)
        self._check()
        return True

    def _check(self) -> None:
        if self.gone:
            raise HungUp


def keys(text: str, start: float = 1.0, apart: float = 0.5) -> Cardholder:
    return Cardholder(presses=[(start + i * apart, key) for i, key in enumerate(text)])


@dataclass
class Bank:
    """The functions. `answer` is returned, or raised if it is an exception, after `seconds`."""

    answer: object = field(default_factory=lambda: {"statusCode": 200, "body": "blocked"})
    seconds: float = 0.1
    invoked: list[tuple[str, Mapping[str, Any], float]] = field(default_factory=list)

    async def invoke(
        self, arn: str, event: Mapping[str, Any], timeout_seconds: float
    ) -> Mapping[str, Any]:
        json.dumps(event)
        self.invoked.append((arn, event, timeout_seconds))
        await asyncio.sleep(self.seconds)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer  # type: ignore[return-value]


@dataclass
class Conversation:
    """What came of it."""

    cardholder: Cardholder
    bank: Bank
    events: list[FlowEvent]
    left: bool
    seconds: float
    state: ContactState

    @property
    def said(self) -> list[str]:
        return self.cardholder.said

    @property
    def ended(self) -> str:
        assert [event.kind for event in self.events].count(FlowEventKind.ENDED) == 1
        assert self.events[-1].kind is FlowEventKind.ENDED
        return self.events[-1].result

    @property
    def inputs(self) -> list[tuple[str, bool]]:
        return [(e.result, e.matched) for e in self.events if e.kind is FlowEventKind.INPUT]

    @property
    def blocks(self) -> list[FlowEvent]:
        return [event for event in self.events if event.kind is FlowEventKind.BLOCK]


def converse(
    flow: Flow | str,
    cardholder: Cardholder | None = None,
    *,
    bank: Bank | None = None,
    instance: Instance | None = None,
    attributes: Mapping[str, str] | None = None,
    roll: int = 1,
    language: str = "en-US",
    **contact_facts: Any,
) -> Conversation:
    """Run a flow from the answer to its end."""
    cardholder, bank = cardholder or Cardholder(), bank or Bank()
    given = ATTRIBUTES if attributes is None else attributes
    flow = load_flow(flow) if isinstance(flow, str) else flow
    events: list[FlowEvent] = []

    async def observe(event: FlowEvent) -> None:
        await asyncio.sleep(0)
        events.append(event)

    async def talk() -> tuple[bool, float, ContactState]:
        loop = asyncio.get_running_loop()
        cardholder.pick_up()
        contact = Contact(
            contact_id="case_1-1",
            attributes=given,
            customer_number=CARDHOLDER,
            system_number=BANK,
            instance_arn="arn:aws:connect:eu-central-1:000000000000:instance/example",
            language=language,
            **contact_facts,
        )
        state = ContactState.of(contact)
        try:
            await run(
                flow,
                state,
                cardholder,
                bank,
                observe,
                instance=instance,
                clock=lambda: STARTED_AT + timedelta(seconds=loop.time()),
                roll=lambda: roll,
            )
        except HungUp:
            return True, loop.time(), state
        return False, loop.time(), state

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        left, seconds, state = runner.run(talk())
    return Conversation(cardholder, bank, events, left, seconds, state)


def action(
    block_id: str,
    type_: str,
    parameters: Mapping[str, object] | None = None,
    next_: str | None = None,
    *,
    errors: Mapping[str, str] | None = None,
    conditions: Sequence[tuple[str, str, str]] = (),
) -> dict[str, Any]:
    """One block of the Flow language."""
    transitions: dict[str, Any] = {}
    if next_ is not None:
        transitions["NextAction"] = next_
    transitions["Errors"] = [
        {"ErrorType": error, "NextAction": to} for error, to in (errors or {}).items()
    ]
    transitions["Conditions"] = [
        {"NextAction": to, "Condition": {"Operator": operator, "Operands": [operand]}}
        for operator, operand, to in conditions
    ]
    return {
        "Identifier": block_id,
        "Type": type_,
        "Parameters": parameters or {},
        "Transitions": transitions,
    }


def flow_of(*actions: Mapping[str, Any], start: str | None = None) -> str:
    """A flow of these blocks, with a block `end` that hangs up."""
    end = {"Identifier": "end", "Type": "DisconnectParticipant"}
    return json.dumps(
        {
            "Version": "2019-10-30",
            "StartAction": start or actions[0]["Identifier"],
            "Actions": [*actions, end],
        }
    )


def says(text: str, block_id: str = "say", next_: str = "end", **more: Any) -> dict[str, Any]:
    return action(block_id, "MessageParticipant", {"Text": text}, next_, **more)
