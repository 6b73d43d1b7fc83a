"""What is around a flow in tests: everything by name, and a list of what was asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from ringfence.flows import (
    Agent,
    AtCapacity,
    Bot,
    CallBack,
    ContactState,
    Flow,
    Message,
    MessageFailed,
    NotBound,
    Queue,
    QueueMetrics,
    Recording,
    Task,
    Wanted,
    load_flow,
)
from ringfence.flows.unbound import function_name

T = TypeVar("T")
ANALYST = "+15550100099"


def queue_named(name: str, **facts: str) -> Queue:
    arn = f"arn:aws:connect:eu-central-1:000000000000:instance/example/queue/{name}"
    return Queue(queue_id=name, arn=arn, name=name, **facts)


def agent_at(number: str = ANALYST, name: str = "analyst") -> Agent:
    return Agent(f"agent-{number}", name, number, "Alex", "Example")


class Line:
    """A place in a queue. `agents` are who is there and when, in seconds after the contact came;
    after the last one nobody comes. `story` tells what happened to the place."""

    def __init__(self, queue: Queue, agents: Sequence[tuple[float, Agent]], story: list[str]):
        self.queue = queue
        self.story = story
        self._agents = list(agents)
        self._gone = False
        self._began_at = asyncio.get_running_loop().time()

    async def agent(self) -> Agent:
        if not self._agents:
            await asyncio.sleep(1e9)
        at, agent = self._agents.pop(0)
        await asyncio.sleep(max(0.0, self._began_at + at - asyncio.get_running_loop().time()))
        self.story.append(f"turn of {agent.user_name}")
        return agent

    async def connected(self) -> None:
        assert not self._gone
        self.story.append("connected")

    async def missed(self, reason: str) -> None:
        self.story.append("missed")

    async def leave(self) -> None:
        self._gone = True
        await asyncio.sleep(0.25)
        self.story.append("left")


@dataclass
class Surroundings:
    """An `Instance`. Whatever a flow names is looked up by its label, its ARN, or the ARN's end.

    `flows` has the texts of flows or flows, `hours` whether they are open, `agents` who comes when
    in each queue, `full` the queues that take nobody, `silent` that messages cannot be sent.
    """

    flows: Mapping[str, str | Flow] = field(default_factory=dict)
    queues: Mapping[str, Queue] = field(default_factory=dict)
    agents: Mapping[str, Sequence[tuple[float, Agent]]] = field(default_factory=dict)
    full: frozenset[str] = frozenset()
    queue_metrics: Mapping[str, QueueMetrics] = field(default_factory=dict)
    hours: Mapping[str, bool] = field(default_factory=dict)
    prompts: Mapping[str, Recording] = field(default_factory=dict)
    bots: Mapping[str, Bot] = field(default_factory=dict)
    silent: bool = False
    story: list[str] = field(default_factory=list)
    asked: list[Wanted] = field(default_factory=list)
    asked_hours: list[tuple[str, datetime]] = field(default_factory=list)
    call_backs: list[CallBack] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    changes: int = 0

    async def flow(self, wanted: Wanted) -> Flow:
        found = self._find(self.flows, wanted)
        name = next(name for name, flow in self.flows.items() if flow is found)
        arn = f"arn:aws:connect:eu-central-1:000000000000:instance/example/contact-flow/{name}"
        return replace(load_flow(found) if isinstance(found, str) else found, arn=arn)

    async def function_name(self, wanted: Wanted) -> str:
        self.asked.append(wanted)
        return function_name(wanted.arn)

    async def queue(self, wanted: Wanted) -> Queue:
        return self._find(self.queues, wanted)

    async def metrics(self, queue: Queue) -> QueueMetrics:
        return self.queue_metrics.get(queue.name, QueueMetrics())

    async def is_open(self, hours: Wanted, at: datetime) -> bool:
        is_open = self._find(self.hours, hours)
        self.asked_hours.append((hours.arn, at))
        return is_open

    async def recording(self, wanted: Wanted) -> Recording:
        return self._find(self.prompts, wanted)

    async def bot(self, wanted: Wanted) -> Bot:
        return self._find(self.bots, wanted)

    async def wait_in(self, queue: Queue, contact: ContactState) -> Line:
        if queue.name in self.full:
            raise AtCapacity
        self.story.append(f"waits in {queue.name}")
        return Line(queue, self.agents.get(queue.name, ()), self.story)

    async def call_back(self, call_back: CallBack, contact: ContactState) -> str:
        if call_back.queue.name in self.full:
            raise AtCapacity
        self.call_backs.append(call_back)
        return f"call-back-{len(self.call_backs)}"

    async def open_task(self, task: Task, contact: ContactState) -> str:
        self.tasks.append(task)
        return f"task-{len(self.tasks)}"

    async def send(self, message: Message, contact: ContactState) -> str:
        if self.silent:
            raise MessageFailed("there is no provider")
        self.messages.append(message)
        return f"message-{len(self.messages)}"

    async def changed(self, contact: ContactState) -> None:
        self.changes += 1

    def _find(self, named: Mapping[str, T], wanted: Wanted) -> T:
        self.asked.append(wanted)
        for name in (wanted.label, wanted.arn, wanted.arn.rsplit("/", 1)[-1]):
            if name and name in named:
                return named[name]
        raise NotBound(wanted)
