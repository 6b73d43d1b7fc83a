"""What a flow finds around it: the instance of Amazon Connect that it believes to run in.

A flow names queues, prompts, functions and other flows by ARNs of the instance that it was exported
from. What is meant here is for the `Instance` to know: by the ARN, by the name that the export
carries, or by a resource map.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from ringfence.flows.participant import Recording

if TYPE_CHECKING:
    from ringfence.flows.contact import ContactState
    from ringfence.flows.flow import Flow


class ResourceKind(StrEnum):
    """What flows name; the values are the words of a resource map."""

    FUNCTION = "function"
    FLOW = "contact flow"
    MODULE = "flow module"
    QUEUE = "queue"
    HOURS = "hours of operation"
    PROMPT = "prompt"
    BOT = "bot"
    VIEW = "view"
    MESSAGE_TEMPLATE = "message template"
    TASK_TEMPLATE = "task template"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A resource as a flow names it. `arn` may be an ARN, an id or a name.

    `label` is the name that the export carries beside it, empty without one.
    """

    kind: ResourceKind
    arn: str
    label: str = ""

    def __str__(self) -> str:
        return (
            f"{self.kind} {self.label!r} ({self.arn})" if self.label else f"{self.kind} {self.arn}"
        )


class NotBound(Exception):
    """There is nothing here that is meant by what a flow names."""

    def __init__(self, wanted: Wanted):
        super().__init__(f"the {wanted} is bound to nothing here")
        self.wanted = wanted


class AtCapacity(Exception):
    """The queue takes no more contacts."""


class MessageFailed(Exception):
    """A message could not be handed to its provider."""


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue of contacts that wait for an agent. Numbers are E.164."""

    queue_id: str
    arn: str
    name: str
    caller_number: str = ""
    hours_id: str = ""


@dataclass(frozen=True, slots=True)
class QueueMetrics:
    """How a queue stands now."""

    waiting: int = 0
    oldest_seconds: float = 0.0
    agents_online: int = 0
    agents_available: int = 0
    agents_staffed: int = 0
    agents_after_contact_work: int = 0
    agents_busy: int = 0
    agents_missed: int = 0
    agents_non_productive: int = 0


@dataclass(frozen=True, slots=True)
class Agent:
    """An analyst who takes contacts on a telephone."""

    agent_id: str
    user_name: str
    phone_number: str
    first_name: str = ""
    last_name: str = ""


@dataclass(frozen=True, slots=True)
class Bot:
    """What stands in for a Lex bot: words that mean an intent.

    `intents` has, in order, the words or phrases of each intent. `fallback` is the intent of what
    none of them is found in; without one that is no match.
    """

    name: str
    intents: Mapping[str, tuple[str, ...]]
    fallback: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """Work for an analyst, that a flow asks for."""

    name: str
    description: str = ""
    references: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    flow: Wanted | None = None
    starts_at: datetime | None = None


class Channel(StrEnum):
    """How a message goes out."""

    SMS = "sms"
    EMAIL = "email"


@dataclass(frozen=True, slots=True)
class Message:
    """An SMS or an e-mail. `sender` empty: the one of this instance."""

    channel: Channel
    to: str
    text: str
    subject: str = ""
    sender: str = ""


@dataclass(frozen=True, slots=True)
class CallBack:
    """A call that an agent of `queue` is to make to the customer."""

    number: str
    queue: Queue
    delay_seconds: float = 0.0
    retry_seconds: float = 600.0
    most_attempts: int = 1


class Place(Protocol):
    """A contact's place in a queue. It is left by `leave`, whatever happened."""

    async def agent(self) -> Agent:
        """The agent whose turn it is to take this contact; waits until there is one.

        The agent is set aside for it until `connected`, `missed` or `leave` says how it went on.
        """
        ...

    async def connected(self) -> None:
        """The agent has taken the call."""
        ...

    async def missed(self, reason: str) -> None:
        """The agent did not answer: the next turn is somebody else's, or later."""
        ...

    async def leave(self) -> None:
        """The contact waits no longer: it was served, has hung up, or went elsewhere."""
        ...


class Instance(Protocol):
    """What a flow finds around it. Every method raises `NotBound` for what it cannot find."""

    async def flow(self, wanted: Wanted) -> Flow:
        """The published contact flow, or flow module."""
        ...

    async def function_name(self, wanted: Wanted) -> str:
        """The name by which `Functions` know the function. Never raises: an ARN has a name."""
        ...

    async def queue(self, wanted: Wanted) -> Queue:
        """The queue."""
        ...

    async def metrics(self, queue: Queue) -> QueueMetrics:
        """How that queue stands now."""
        ...

    async def is_open(self, hours: Wanted, at: datetime) -> bool:
        """Whether `at` is within these hours of operation; those of a queue are named by id."""
        ...

    async def recording(self, wanted: Wanted) -> Recording:
        """The sound of a prompt, by ARN, or of a file, by the address that the flow gives.

        Raises `PromptFailed` for a file that cannot be had.
        """
        ...

    async def bot(self, wanted: Wanted) -> Bot:
        """What stands in for the Lex bot."""
        ...

    async def wait_in(self, queue: Queue, contact: ContactState) -> Place:
        """Let the contact wait in the queue. Raises `AtCapacity`."""
        ...

    async def call_back(self, call_back: CallBack, contact: ContactState) -> str:
        """Have an agent call back; the id of the new contact. Raises `AtCapacity`."""
        ...

    async def open_task(self, task: Task, contact: ContactState) -> str:
        """Give an analyst something to do; the id of the task's contact."""
        ...

    async def send(self, message: Message, contact: ContactState) -> str:
        """Send an SMS or an e-mail; its id. Raises `MessageFailed`."""
        ...

    async def changed(self, contact: ContactState) -> None:
        """The contact has changed (attributes, queue, name, tags, hooks, recording): keep it."""
        ...
