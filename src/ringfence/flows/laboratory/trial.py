"""One call tried out: from the answer to its end, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle

from ringfence.flows.block import Block
from ringfence.flows.call import Call
from ringfence.flows.contact import Contact, ContactState
from ringfence.flows.events import FlowEvent, FlowEventKind
from ringfence.flows.flow import Flow
from ringfence.flows.laboratory.cardholder import Cardholder
from ringfence.flows.laboratory.functions import Invocation, ScriptedFunctions
from ringfence.flows.laboratory.instance import LaboratoryInstance
from ringfence.flows.laboratory.library import FlowLibrary
from ringfence.flows.laboratory.scenario import Scenario
from ringfence.flows.laboratory.script import ScriptStep, read_script
from ringfence.flows.laboratory.tracing import EnoughSteps, Step, Trace
from ringfence.flows.laboratory.virtual_time import in_virtual_time, virtual_clock
from ringfence.flows.participant import HungUp
from ringfence.flows.running import run

LONGEST_SECONDS = 4 * 3600.0  # of a call that nobody ends
INSTANCE_ARN = "arn:aws:connect:us-east-1:000000000000:instance/laboratory"
STILL_GOING_ON = "STILL_GOING_ON"


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it. `ended` is an `EndReason`, or `STILL_GOING_ON` after four hours.

    `bound` says what names were taken for that the scenario says nothing about.
    """

    flow: Flow
    steps: tuple[Step, ...]
    ended: str
    detail: str
    seconds: float
    state: ContactState
    said: tuple[str, ...]
    invocations: tuple[Invocation, ...]
    instance: LaboratoryInstance
    cardholder: Cardholder
    flows: tuple[Flow, ...]
    faults: tuple[str, ...] = ()
    stored: str | None = None
    bound: dict[str, str] = field(default_factory=dict)

    @property
    def left_over(self) -> int:
        """How many steps of the script there was no time for."""
        return len(self.cardholder.script) - self.cardholder.steps_done


def try_out(flow: Flow, scenario: Scenario, library: FlowLibrary | None = None) -> Trial:
    """Run a flow against a scenario. Raises `ScriptInvalid`, and `InvalidInput` for a flow's file
    that the scenario names and that is none."""
    script = read_script(scenario.steps_text)
    return in_virtual_time(_talk(flow, scenario, script, library or FlowLibrary()))


async def _talk(
    flow: Flow, scenario: Scenario, script: tuple[ScriptStep, ...], library: FlowLibrary
) -> Trial:
    calls: list[Call] = []

    def meddle(call: Call, block: Block) -> str | None:
        if not calls:
            calls.append(call)
        return scenario.faults.get(block.block_id)

    trace = Trace(meddle)
    bound: dict[str, str] = {}
    cardholder = Cardholder(
        script,
        trace,
        answered_by=scenario.answered_by,
        telephones=scenario.telephones,
        unspeakable=scenario.unspeakable,
    )
    instance = LaboratoryInstance(scenario, cardholder, library, bound)
    functions = ScriptedFunctions(scenario, trace, bound)
    state = ContactState.of(contact_of(scenario))
    ends: list[FlowEvent] = []
    rolls = _rolls(scenario)

    async def observe(event: FlowEvent) -> None:
        if event.kind is FlowEventKind.ENDED:
            ends.append(event)

    loop = asyncio.get_running_loop()
    acting = asyncio.create_task(cardholder.follow_script())
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            await run(
                trace.watch(flow),
                state,
                cardholder,
                functions,
                observe,
                instance=instance,
                clock=virtual_clock(scenario.starts_at),
                roll=lambda: next(rolls),
            )
    except (HungUp, TimeoutError, EnoughSteps):
        pass
    finally:
        acting.cancel()
    last = ends[-1] if ends else None
    return Trial(
        flow=flow,
        steps=tuple(trace.steps),
        ended=STILL_GOING_ON if last is None else last.result,
        detail="" if last is None else last.detail,
        seconds=loop.time(),
        state=state,
        said=tuple(cardholder.said),
        invocations=tuple(functions.invocations),
        instance=instance,
        cardholder=cardholder,
        flows=tuple(trace.flows.values()),
        faults=tuple(scenario.faults),
        stored=calls[0].stored_input if calls else None,
        bound=bound,
    )


def contact_of(scenario: Scenario) -> Contact:
    """Whom the call is with."""
    return Contact(
        contact_id="contact-1",
        attributes=scenario.attribute_texts,
        customer_number=scenario.customer_number,
        system_number=scenario.system_number,
        instance_arn=INSTANCE_ARN,
        language=scenario.language,
        customer_id=scenario.customer_id,
        name=scenario.name,
        sensitive=frozenset(scenario.sensitive),
    )


def _rolls(scenario: Scenario) -> Iterator[int]:
    rolls = scenario.roll if isinstance(scenario.roll, tuple) else (scenario.roll,)
    return cycle(rolls or (50,))
