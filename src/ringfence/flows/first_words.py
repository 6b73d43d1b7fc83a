"""What a flow will most likely say first: the flow is held once for nobody, before it is held.

The same code runs as in a call, with the attributes of the call, up to where only the call can
tell how it goes on. Nothing is changed by it: what a flow wants done ends the rehearsal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, NoReturn

from ringfence.flows.contact import ContactState
from ringfence.flows.events import FlowEvent
from ringfence.flows.flow import Flow
from ringfence.flows.instance import (
    CallBack,
    Instance,
    Message,
    Place,
    Queue,
    QueueMetrics,
    Task,
)
from ringfence.flows.participant import AnsweredBy, Destination, HungUp, Prompt, Recording, Reply
from ringfence.flows.running import run, utc_now
from ringfence.flows.unbound import Unbound

MOST_PROMPTS = 12
ANSWERS = ("1", "2")  # what the first question is answered with


async def first_prompts(
    flow: Flow,
    state: ContactState,
    instance: Instance | None = None,
    *,
    answered_by: AnsweredBy = AnsweredBy.HUMAN,
    clock: Callable[[], datetime] = utc_now,
) -> tuple[Prompt, ...]:
    """Up to 12 prompts in the order in which they are likely to be heard, each once.

    First all up to the first question, then those that follow when it is answered with 1, and with
    2. A rehearsal ends at the next question, at a function, a transfer, a wait in a queue, a random
    choice and whatever else leaves a trace. `state` is not changed. Never raises for what the flow
    does.
    """
    opening = await _rehearsed(flow, state, instance, answered_by, clock, ())
    heard = dict.fromkeys(opening.heard)
    if opening.was_asked:
        for answer in ANSWERS:
            after = await _rehearsed(flow, state, instance, answered_by, clock, (answer,))
            heard.update(dict.fromkeys(after.heard))
    return tuple(heard)[:MOST_PROMPTS]


class Rehearsal:
    """A `Participant` that hears at once, gives `answers`, and goes when there are none left."""

    def __init__(self, answered_by: AnsweredBy, answers: tuple[str, ...]) -> None:
        self.heard: list[Prompt] = []
        self.was_asked = False
        self._answered_by = answered_by
        self._answers = list(answers)

    @property
    def answered_by(self) -> AnsweredBy:
        """See `Participant.answered_by`."""
        return self._answered_by

    async def say(self, prompt: Prompt, *, interruptible: bool) -> None:
        """Remember `prompt`; enough of them are enough."""
        self.heard.append(prompt)
        if len(self.heard) >= MOST_PROMPTS:
            raise HungUp

    async def play(self, recording: Recording, *, interruptible: bool) -> None:
        """A recording needs no rendering."""

    async def digit(self, timeout_seconds: float) -> str | None:
        """The next answer."""
        self.was_asked = True
        if not self._answers:
            raise HungUp
        return self._answers.pop(0)

    async def reply(self, timeout_seconds: float) -> Reply | None:
        """The next answer, a key."""
        key = await self.digit(timeout_seconds)
        return Reply(key=key) if key else None

    def clear_digits(self) -> None:
        """The answers come when they are asked for."""

    async def pause(self, seconds: float) -> None:
        """Time does not pass."""

    async def connect(self, destination: Destination) -> NoReturn:
        """Nobody is put through."""
        raise HungUp

    async def record(self, on: bool) -> bool:
        """Nothing is recorded."""
        return False

    async def hang_up(self) -> None:
        """The flow is over."""


class _Looking:
    """An instance to look things up in, and for nothing else."""

    def __init__(self, instance: Instance) -> None:
        self.flow = instance.flow
        self.function_name = instance.function_name
        self.queue = instance.queue
        self.is_open = instance.is_open
        self.recording = instance.recording
        self.bot = instance.bot

    async def metrics(self, queue: Queue) -> QueueMetrics:
        """Others by the time of the answer."""
        raise HungUp

    async def wait_in(self, queue: Queue, contact: ContactState) -> Place:
        """Leaves a trace."""
        raise HungUp

    async def call_back(self, call_back: CallBack, contact: ContactState) -> str:
        """Leaves a trace."""
        raise HungUp

    async def open_task(self, task: Task, contact: ContactState) -> str:
        """Leaves a trace."""
        raise HungUp

    async def send(self, message: Message, contact: ContactState) -> str:
        """Leaves a trace."""
        raise HungUp

    async def changed(self, contact: ContactState) -> None:
        """It is a copy that has changed."""


class _NoFunctions:
    async def invoke(
        self, arn: str, event: Mapping[str, Any], timeout_seconds: float
    ) -> Mapping[str, Any]:
        raise HungUp


async def _rehearsed(
    flow: Flow,
    state: ContactState,
    instance: Instance | None,
    answered_by: AnsweredBy,
    clock: Callable[[], datetime],
    answers: tuple[str, ...],
) -> Rehearsal:
    rehearsal = Rehearsal(answered_by, answers)
    around: Instance = _Looking(instance or Unbound())
    try:
        await run(
            flow,
            _copied(state),
            rehearsal,
            _NoFunctions(),
            _unobserved,
            instance=around,
            clock=clock,
            roll=_undecided,
        )
    except Exception:  # what is known by then is as good as ever; the call itself will tell
        return rehearsal
    return rehearsal


def _copied(state: ContactState) -> ContactState:
    return replace(
        state,
        attributes=dict(state.attributes),
        references=dict(state.references),
        tags=dict(state.tags),
        hooks=dict(state.hooks),
        segment_attributes=dict(state.segment_attributes),
    )


def _undecided() -> int:
    raise HungUp


async def _unobserved(event: FlowEvent) -> None:
    """Nobody watches."""
