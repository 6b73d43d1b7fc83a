"""A far end, functions and an instance that do whatever the explorer chooses next."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from ringfence.flows.block import ANY_ERROR, NO_CONDITION, Block
from ringfence.flows.call import Call
from ringfence.flows.contact import ContactState
from ringfence.flows.functions import FunctionFailed
from ringfence.flows.instance import AtCapacity, Queue, QueueMetrics, Wanted
from ringfence.flows.kinds import TIMEOUT
from ringfence.flows.laboratory.candidates import Candidates, witnesses
from ringfence.flows.laboratory.cardholder import THINKS_SECONDS, Cardholder
from ringfence.flows.laboratory.choices import Choices
from ringfence.flows.laboratory.functions import ScriptedFunctions
from ringfence.flows.laboratory.instance import LaboratoryInstance, LaboratoryPlace
from ringfence.flows.laboratory.library import FlowLibrary
from ringfence.flows.laboratory.scenario import QueueNow, Scenario, Telephone
from ringfence.flows.laboratory.tracing import Step, Trace
from ringfence.flows.participant import AnsweredBy, Destination, Reply

T = TypeVar("T")

_KEYS = "0123456789*#"
# Entered where several keys are wanted: too short for a telephone number, one with its country
# code, one of the country, and a plain number.
_ENTRIES = ("1#", "15550100002#", "2025550143#", "1234#")
# Errors that come about by what is chosen otherwise, and need not be made up.
_NATURAL = {
    "GetParticipantInput": {TIMEOUT},
    "ConnectParticipantWithLexBot": {TIMEOUT},
    "InvokeLambdaFunction": {ANY_ERROR},
    "TransferParticipantToThirdParty": {"CallFailed", "ConnectionTimeLimitExceeded"},
}


class World:
    """What the parts share: the choices of this call, and how it stands."""

    def __init__(self, choices: Choices, candidates: Candidates, scenario: Scenario):
        self.choices = choices
        self.candidates = candidates
        self.scenario = scenario
        self.trace: Trace
        self._call: Call | None = None

    def choose(self, what: str, options: Sequence[tuple[str, T]]) -> T:
        """Choose what happens in the block that runs now."""
        step = self.trace.current
        place: tuple[Hashable, ...] = ("", "")
        if step is not None:
            place = (step.flow, step.block.block_id)
        return self.choices.choose((*place, what), options, self._situation)

    def meddle(self, call: Call, block: Block) -> str | None:
        """Whether the block fails for a reason of its own."""
        self._call = call
        natural = _NATURAL.get(block.type, set())
        errors = [e for e in block.transitions.errors if e != NO_CONDITION and e not in natural]
        options: list[tuple[str, str | None]] = [("", None)]
        return self.choose("fails", options + [(f"fails with {error}", error) for error in errors])

    def _situation(self) -> int:
        call = self._call
        if call is None:
            return 0
        facts = (call.loops, dict(call.attributes), call.external, call.flow_attributes)
        return hash(repr((facts, call.stored_input, call.lex, call.state.queue)))


class ChosenAttributes(dict[str, str]):
    """Contact attributes that are chosen when they are first looked at, if it matters."""

    def __init__(self, given: Mapping[str, str], world: World):
        super().__init__(given)
        self._world = world
        self._decided = set(given)

    def __contains__(self, name: object) -> bool:
        self._decide(name)
        return super().__contains__(name)

    def __getitem__(self, name: str) -> str:
        self._decide(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """The value, chosen if it was not yet."""
        self._decide(name)
        return super().get(name, default)

    def _decide(self, name: object) -> None:
        if not isinstance(name, str) or name in self._decided:
            return
        self._decided.add(name)
        if super().__contains__(name):
            return
        values = self._world.candidates.of("Attributes", name)
        if not values:
            return
        options: list[tuple[str, str | None]] = [
            *((f"attribute {name} is {value!r}", value) for value in values),
            (f"attribute {name} is 'something'", "something"),
            (f"there is no attribute {name}", None),
        ]
        chosen = self._world.choose(f"attribute {name}", options)
        if chosen is not None:
            super().__setitem__(name, chosen)


class ChosenCardholder(Cardholder):
    """Answers every question in every way that makes a difference."""

    def __init__(self, world: World):
        super().__init__((), world.trace, unspeakable=world.scenario.unspeakable)
        self._world = world
        self._asked: Step | None = None

    @property
    def answered_by(self) -> AnsweredBy:
        """Chosen when a block wants to know."""
        return self._world.choose(
            "answered by", [(f"answered by {each}", each) for each in AnsweredBy]
        )

    async def reply(self, timeout_seconds: float) -> Reply | None:
        """See `Participant.reply`."""
        step = self.trace.current
        if not self._replies and step is not None and step is not self._asked:
            self._asked = step
            replies = self._world.choose("answer", self._answers(step.block))
            if replies and timeout_seconds > THINKS_SECONDS:
                await self.pause(THINKS_SECONDS)
            self._replies.extend(replies)
        return await super().reply(timeout_seconds)

    async def connect(self, destination: Destination) -> None:
        """See `Participant.connect`."""
        telephone = self._world.choose(
            "telephone",
            [
                ("they answer", Telephone()),
                ("it is busy", Telephone(busy=True)),
                ("nobody answers", Telephone(answers=False)),
            ],
        )
        self.add_telephone(destination.number, telephone)
        await super().connect(destination)

    def _answers(self, block: Block) -> list[tuple[str, tuple[Reply, ...]]]:
        operands = [condition.operand.literal for condition in block.transitions.conditions]
        said = [operand for operand in operands if operand]
        keys = [each for each in said if each in _KEYS]
        found: list[tuple[str, tuple[Reply, ...]]]
        if said:
            found = [
                (f"presses {each}", (Reply(key=each),))
                if each in keys
                else (f"says {each}", (Reply(words=each),))
                for each in dict.fromkeys(said)
            ]
            other = next((key for key in _KEYS if key not in keys), None)
            if len(keys) < len(said):
                found.append(("says something else", (Reply(words="something else"),)))
            elif other is not None:
                found.append((f"presses {other}", (Reply(key=other),)))
        else:
            stored = self._world.candidates.of("StoredCustomerInput")
            entries = [f"{value}#" for value in stored if value and set(value) <= set(_KEYS)]
            found = [
                (f"enters {entry}", tuple(Reply(key=key) for key in entry))
                for entry in dict.fromkeys((*entries, *_ENTRIES))
            ]
        return [*found, ("is silent", ())]


class ChosenFunctions(ScriptedFunctions):
    """Fails, and answers whatever makes a difference afterwards."""

    def __init__(self, world: World, bound: dict[str, str]):
        super().__init__(world.scenario, world.trace, bound)
        self._world = world
        self._planned: dict[str, str] = {}

    async def invoke(
        self, arn: str, event: Mapping[str, Any], timeout_seconds: float
    ) -> Mapping[str, Any]:
        """See `Functions.invoke`."""
        fails = self._world.choose(
            "function", [("the function answers", False), ("the function fails", True)]
        )
        if fails:
            await asyncio.sleep(0.1)
            raise FunctionFailed("it was made to fail")
        answer = dict(await super().invoke(arn, event, timeout_seconds))
        step = self._world.trace.current
        if step is None or answer:
            return answer
        flow = self._world.trace.flows[step.flow]
        for names in self._world.candidates.answered_by(flow, flow.blocks[step.block.block_id]):
            name = ".".join(names[1:])
            values = self._world.candidates.of(*names)
            if not values:
                answer[name] = "something"
                continue
            options: list[tuple[str, str | None]] = [
                *((f"with {name} {value!r}", value) for value in values),
                (f"with {name} 'something'", "something"),
                (f"without {name}", None),
            ]
            if (value := self._world.choose(f"answer {name}", options)) is not None:
                answer[name] = value
        return answer


class ChosenInstance(LaboratoryInstance):
    """Is open and closed, has agents and none."""

    def __init__(
        self, world: World, cardholder: Cardholder, library: FlowLibrary, bound: dict[str, str]
    ):
        super().__init__(world.scenario, cardholder, library, bound)
        self._world = world

    async def is_open(self, hours: Wanted, at: datetime) -> bool:
        """See `Instance.is_open`."""
        self._check(hours)
        return self._world.choose("hours", [("it is open", True), ("it is closed", False)])

    async def metrics(self, queue: Queue) -> QueueMetrics:
        """Every number is the same; its size decides what a block makes of it."""
        step = self._world.trace.current
        conditions = step.block.transitions.conditions if step is not None else ()
        bounds = {value for each in conditions for value in witnesses(each) if value.isdecimal()}
        number = self._world.choose(
            "metrics",
            [(f"queue metrics are {n}", n) for n in sorted({0, 1, *map(int, bounds)})],
        )
        return QueueMetrics(number, float(number), *(number,) * 7)

    async def wait_in(self, queue: Queue, contact: ContactState) -> LaboratoryPlace:
        """See `Instance.wait_in`."""
        now = self._world.choose(
            "queue",
            [
                ("an agent comes", QueueNow()),
                ("no agent comes", QueueNow(agent_after=None)),
                ("the queue is full", QueueNow(full=True)),
            ],
        )
        if now.full:
            raise AtCapacity
        self.waited_in.append(queue.name)
        return LaboratoryPlace(now, self._cardholder)
