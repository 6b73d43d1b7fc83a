"""What is around a flow that is tried out: what the scenario says, or else something sensible."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar

from ringfence.flows.block import Block
from ringfence.flows.contact import ContactState
from ringfence.flows.flow import Flow
from ringfence.flows.instance import (
    Agent,
    AtCapacity,
    Bot,
    CallBack,
    Message,
    NotBound,
    Queue,
    QueueMetrics,
    Task,
    Wanted,
)
from ringfence.flows.laboratory.cardholder import Cardholder
from ringfence.flows.laboratory.library import FlowLibrary
from ringfence.flows.laboratory.scenario import PromptSound, QueueNow, Scenario
from ringfence.flows.laboratory.sounds import silence
from ringfence.flows.participant import PromptFailed, Recording
from ringfence.flows.unbound import function_name

AGENT_NUMBER = "+15550100099"
_FOR_EVER = 10_000_000.0  # seconds

T = TypeVar("T")


class LaboratoryInstance:
    """An `Instance` made of a scenario.

    A name that the scenario says nothing about is bound to something that works, and noted in
    `bound`: name and what it was taken for. What flows made is kept: `tasks`, `messages`,
    `call_backs`, `waited_in`.
    """

    def __init__(
        self,
        scenario: Scenario,
        cardholder: Cardholder,
        library: FlowLibrary,
        bound: dict[str, str],
    ):
        self.tasks: list[Task] = []
        self.messages: list[Message] = []
        self.call_backs: list[CallBack] = []
        self.waited_in: list[str] = []
        self.bound = bound
        self._scenario = scenario
        self._cardholder = cardholder
        self._trace = cardholder.trace
        self._library = library

    async def flow(self, wanted: Wanted) -> Flow:
        """A flow that the scenario names a file for, or one beside the flow's file."""
        self._check(wanted)
        found = self._library.find(wanted, self._of(self._scenario.flows, wanted))
        if found is None:
            self._trace.note("unbound", str(wanted))
            raise NotBound(wanted)
        return self._trace.watch(found)

    async def function_name(self, wanted: Wanted) -> str:
        """See `Instance.function_name`."""
        return function_name(wanted.arn)

    async def queue(self, wanted: Wanted) -> Queue:
        """A queue of that name, whatever its name is."""
        self._check(wanted)
        name = wanted.label or _tail(wanted.arn)
        self._of_or_default(self._scenario.queues, wanted, name, QueueNow(), "an agent after 5 s")
        return Queue(_tail(wanted.arn), wanted.arn, name, hours_id=self._now(name).hours)

    async def metrics(self, queue: Queue) -> QueueMetrics:
        """See `Instance.metrics`."""
        now = self._now(queue.name, queue.arn, queue.queue_id)
        return QueueMetrics(
            waiting=now.waiting,
            oldest_seconds=now.oldest_seconds,
            agents_online=now.agents_online,
            agents_available=now.agents_available,
            agents_staffed=now.agents_staffed,
            agents_busy=max(now.agents_staffed - now.agents_available, 0),
        )

    async def is_open(self, hours: Wanted, at: datetime) -> bool:
        """See `Instance.is_open`."""
        self._check(hours)
        name = hours.label or _tail(hours.arn)
        return self._of_or_default(self._scenario.hours, hours, name, True, "open")

    async def recording(self, wanted: Wanted) -> Recording:
        """See `Instance.recording`."""
        self._check(wanted)
        name = wanted.label or _tail(wanted.arn)
        sound = self._of_or_default(
            self._scenario.prompts, wanted, name, PromptSound(), "2 s of silence"
        )
        if sound.fails:
            raise PromptFailed("the scenario has it that this prompt cannot be had")
        return silence(sound.says or name, sound.seconds)

    async def bot(self, wanted: Wanted) -> Bot:
        """See `Instance.bot`. By default, every intent is meant by its own name."""
        self._check(wanted)
        name = wanted.label or _tail(wanted.arn)
        if (found := self._of(self._scenario.bots, wanted)) is not None:
            return Bot(name, found.intents, found.fallback)
        self.bound[f"bot {name}"] = "intents are said by their names"
        return Bot(name, intents_of(self._trace.current.block if self._trace.current else None))

    async def wait_in(self, queue: Queue, contact: ContactState) -> LaboratoryPlace:
        """See `Instance.wait_in`."""
        now = self._now(queue.name, queue.arn, queue.queue_id)
        if now.full:
            raise AtCapacity
        self.waited_in.append(queue.name)
        self._trace.note("waits in queue", queue.name)
        return LaboratoryPlace(now, self._cardholder)

    async def call_back(self, call_back: CallBack, contact: ContactState) -> str:
        """See `Instance.call_back`."""
        if self._now(call_back.queue.name, call_back.queue.arn).full:
            raise AtCapacity
        self.call_backs.append(call_back)
        self._trace.note("call-back", f"{call_back.number} by {call_back.queue.name}")
        return f"call-back-{len(self.call_backs)}"

    async def open_task(self, task: Task, contact: ContactState) -> str:
        """See `Instance.open_task`."""
        self.tasks.append(task)
        self._trace.note("task", task.name, {"description": task.description})
        return f"task-{len(self.tasks)}"

    async def send(self, message: Message, contact: ContactState) -> str:
        """See `Instance.send`."""
        self.messages.append(message)
        self._trace.note("message", f"{message.channel} to {message.to}: {message.text}")
        return f"message-{len(self.messages)}"

    async def changed(self, contact: ContactState) -> None:
        """Nothing has to be kept."""

    def _check(self, wanted: Wanted) -> None:
        if any(name in self._scenario.unbound for name in names_of(wanted)):
            self._trace.note("unbound", str(wanted))
            raise NotBound(wanted)

    def _of(self, named: Mapping[str, T], wanted: Wanted) -> T | None:
        return next((named[name] for name in names_of(wanted) if name in named), None)

    def _of_or_default(
        self, named: Mapping[str, T], wanted: Wanted, name: str, default: T, told: str
    ) -> T:
        found = self._of(named, wanted)
        if found is None:
            self.bound[f"{wanted.kind} {name}"] = told
            return default
        return found

    def _now(self, *names: str) -> QueueNow:
        queues = self._scenario.queues
        return next((queues[name] for name in names if name in queues), QueueNow())


class LaboratoryPlace:
    """A place in a queue whose next agent is free after a known time."""

    def __init__(self, now: QueueNow, cardholder: Cardholder):
        self._now = now
        self._cardholder = cardholder

    async def agent(self) -> Agent:
        """See `Place.agent`."""
        after = _FOR_EVER if self._now.agent_after is None else self._now.agent_after
        await asyncio.sleep(after)
        self._cardholder.add_telephone(AGENT_NUMBER, self._now.agent)
        return Agent("agent-1", "agent", AGENT_NUMBER, "Alex", "Example")

    async def connected(self) -> None:
        """See `Place.connected`."""
        self._cardholder.trace.note("with an agent", "")

    async def missed(self, reason: str) -> None:
        """See `Place.missed`."""
        self._cardholder.trace.note("agent missed", reason)

    async def leave(self) -> None:
        """See `Place.leave`."""


def names_of(wanted: Wanted) -> tuple[str, ...]:
    """By what a scenario may name it: the name in the export, the ARN, the id at its end."""
    return tuple(name for name in (wanted.label, wanted.arn, _tail(wanted.arn)) if name)


def intents_of(block: Block | None) -> dict[str, tuple[str, ...]]:
    """The intents that a block has branches for, each said as it is called: `BlockCard`."""
    if block is None:
        return {}
    names = [condition.operand.literal for condition in block.transitions.conditions]
    return {name: (name,) for name in names if name}


def _tail(arn: str) -> str:
    """What an ARN ends with: an id, or a name."""
    return arn.rsplit("/", 1)[-1].rsplit(":", 1)[-1] if arn.startswith("arn:") else arn
