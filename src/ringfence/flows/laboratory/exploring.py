"""Walking every branch of a flow without a script, as far as that can be done."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import msgspec

from ringfence.flows.block import Block
from ringfence.flows.contact import ContactState
from ringfence.flows.events import FlowEvent, FlowEventKind
from ringfence.flows.flow import Flow
from ringfence.flows.laboratory.branches import Branch
from ringfence.flows.laboratory.candidates import Candidates, witnesses
from ringfence.flows.laboratory.choices import Choices, Search
from ringfence.flows.laboratory.chosen_world import (
    ChosenAttributes,
    ChosenCardholder,
    ChosenFunctions,
    ChosenInstance,
    World,
)
from ringfence.flows.laboratory.coverage import Coverage, Stuck
from ringfence.flows.laboratory.library import FlowLibrary
from ringfence.flows.laboratory.scenario import Scenario
from ringfence.flows.laboratory.tracing import EnoughSteps, Trace
from ringfence.flows.laboratory.trial import LONGEST_SECONDS, contact_of
from ringfence.flows.laboratory.virtual_time import in_virtual_time, virtual_clock
from ringfence.flows.participant import HungUp
from ringfence.flows.running import run

MOST_CALLS = 2000
PATIENCE = 400  # calls without anything new, after which it is over
_MOST_STEPS = 1000  # of one call


@dataclass(slots=True)
class Exploration:
    """What came of it. `exhausted`: there was nothing left that had not been tried.

    `ways` has, for each branch and each dead end, what was chosen in the first call that came
    there: `presses 2`, `the function fails`.
    """

    coverage: Coverage
    bound: dict[str, str]
    ways: dict[Branch | Stuck, tuple[str, ...]]
    calls: int = 0
    blocks: int = 0
    cut_short: int = 0
    exhausted: bool = False


def explore(
    flow: Flow,
    scenario: Scenario | None = None,
    library: FlowLibrary | None = None,
    *,
    most_calls: int = MOST_CALLS,
) -> Exploration:
    """Call after call with another choice somewhere, until every branch is taken, nothing is left
    to choose, or nothing new has come of many calls.

    What is chosen: keys, words and silence; whether functions fail and what they answer; contact
    attributes; hours, queues and telephones; shares of calls; and any other error that a block has
    a branch for. What the scenario says stays as it is. The same flow is always explored in the
    same way.
    """
    scenario, library = scenario or Scenario(), library or FlowLibrary()
    found = Exploration(Coverage(), {}, {})
    search = Search()
    candidates = Candidates([flow])
    choices: Choices | None = search.first()
    idle = 0
    while choices is not None and found.calls < most_calls and idle < PATIENCE:
        known, flows = len(found.ways), len(found.coverage.flows)
        trace = in_virtual_time(_call(flow, scenario, library, choices, candidates, found))
        _keep(found, trace, choices)
        if len(found.coverage.flows) > flows:
            candidates = Candidates(found.coverage.flows.values())
        idle = 0 if len(found.ways) > known else idle + 1
        if not found.coverage.never_taken:
            return found
        search.learn(choices)
        choices = search.next()
    found.exhausted = choices is None
    return found


async def _call(
    flow: Flow,
    scenario: Scenario,
    library: FlowLibrary,
    choices: Choices,
    candidates: Candidates,
    found: Exploration,
) -> Trace:
    world = World(choices, candidates, scenario)
    trace = world.trace = Trace(world.meddle, _MOST_STEPS)
    state = ContactState.of(contact_of(_facts(world)))
    state.attributes = ChosenAttributes(state.attributes, world)
    cardholder = ChosenCardholder(world)
    instance = ChosenInstance(world, cardholder, library, found.bound)

    async def observe(event: FlowEvent) -> None:
        if event.kind is FlowEventKind.ENDED:
            found.calls += 1

    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            await run(
                trace.watch(flow),
                state,
                cardholder,
                ChosenFunctions(world, found.bound),
                observe,
                instance=instance,
                clock=virtual_clock(scenario.starts_at),
                roll=lambda: _roll(world),
            )
    except HungUp:
        pass
    except (TimeoutError, EnoughSteps):
        found.calls += 1
        found.cut_short += 1
    return trace


def _keep(found: Exploration, trace: Trace, choices: Choices) -> None:
    before = (set(found.coverage.taken), set(found.coverage.stuck))
    found.coverage.add(trace.steps, trace.flows.values())
    found.blocks += len(trace.steps)
    way = tuple(made.label for made in choices.made if made.label)
    for branch in found.coverage.taken.keys() - before[0]:
        found.ways[branch] = way
    for stuck in found.coverage.stuck.keys() - before[1]:
        found.ways[stuck] = way


# What else of a contact conditions may be about.
_FACTS = {
    "customer_number": ("CustomerEndpoint", "Address"),
    "system_number": ("SystemEndpoint", "Address"),
    "language": ("LanguageCode",),
    "customer_id": ("CustomerId",),
    "name": ("Name",),
}


def _facts(world: World) -> Scenario:
    scenario = world.scenario
    for fact, names in _FACTS.items():
        if values := world.candidates.of(*names):
            given = str(getattr(scenario, fact))
            told = fact.replace("_", " ")
            options = [(f"{told} is {value!r}", value) for value in dict.fromkeys((given, *values))]
            scenario = msgspec.structs.replace(scenario, **{fact: world.choose(fact, options)})
    return scenario


def _roll(world: World) -> int:
    step = world.trace.current
    block: Block | None = step.block if step is not None else None
    conditions = block.transitions.conditions if block is not None else ()
    bounds = {int(value) for each in conditions for value in witnesses(each) if value.isdecimal()}
    numbers = sorted({number for number in bounds if 1 <= number <= 100} | {1, 100})
    return world.choose("share", [(f"the number drawn is {n}", n) for n in numbers])
