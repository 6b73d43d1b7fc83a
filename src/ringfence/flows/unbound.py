"""An instance with nothing in it: for a flow that is tried out by itself."""

from __future__ import annotations

from datetime import datetime
from typing import NoReturn

from ringfence.flows.contact import ContactState
from ringfence.flows.instance import (
    AtCapacity,
    Bot,
    CallBack,
    Message,
    MessageFailed,
    NotBound,
    Place,
    Queue,
    QueueMetrics,
    Task,
    Wanted,
)
from ringfence.flows.participant import Recording


class Unbound:
    """Every resource is unbound; a flow that asks for one takes its error branch."""

    async def flow(self, wanted: Wanted) -> NoReturn:
        """See `Instance.flow`."""
        raise NotBound(wanted)

    async def function_name(self, wanted: Wanted) -> str:
        """The name within the ARN."""
        return function_name(wanted.arn)

    async def queue(self, wanted: Wanted) -> Queue:
        """See `Instance.queue`."""
        raise NotBound(wanted)

    async def metrics(self, queue: Queue) -> QueueMetrics:
        """Nobody waits, and nobody works."""
        return QueueMetrics()

    async def is_open(self, hours: Wanted, at: datetime) -> bool:
        """See `Instance.is_open`."""
        raise NotBound(hours)

    async def recording(self, wanted: Wanted) -> Recording:
        """See `Instance.recording`."""
        raise NotBound(wanted)

    async def bot(self, wanted: Wanted) -> Bot:
        """See `Instance.bot`."""
        raise NotBound(wanted)

    async def wait_in(self, queue: Queue, contact: ContactState) -> Place:
        """There is no room in a queue that does not exist."""
        raise AtCapacity

    async def call_back(self, call_back: CallBack, contact: ContactState) -> str:
        """Nobody calls back."""
        raise AtCapacity

    async def open_task(self, task: Task, contact: ContactState) -> str:
        """Nobody does anything."""
        raise AtCapacity

    async def send(self, message: Message, contact: ContactState) -> str:
        """There is no provider."""
        raise MessageFailed("messages cannot be sent from here")

    async def changed(self, contact: ContactState) -> None:
        """Nothing is kept."""


def function_name(arn: str) -> str:
    """`block-credit-card` of `arn:aws:lambda:REGION:ACCOUNT:function:block-credit-card:ALIAS`."""
    return arn.split(":")[6] if arn.startswith("arn:") and arn.count(":") >= 6 else arn
