"""What is expected of a call, and how it differs from what came of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta

import msgspec

from ringfence.flows.events import EndReason
from ringfence.flows.laboratory.functions import Invocation
from ringfence.flows.laboratory.scenario import Scalar, text_of
from ringfence.flows.laboratory.trial import Trial


class ExpectedFunction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A function that is invoked, with at least these parameters and contact attributes."""

    name: str
    parameters: dict[str, Scalar] = {}
    attributes: dict[str, Scalar] = {}


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a call must be like; what is left out is not looked at.

    `said`: texts that are said, in this order, each within one prompt; `not_said`: texts that are
    in none. `path`: ids of blocks that are run, in this order, with any others between them;
    `not_reached`: blocks that are not run. `ends`: why it ended. `attributes`: those of the contact
    at the end, an empty text also for one that is not there. `functions`: the invocations, all of
    them and in this order; `queue`: where it waited last; `calls`: numbers it was put through to;
    `stored`: `$.StoredCustomerInput`. Times are in seconds, of the whole call.
    """

    said: tuple[str, ...] = ()
    not_said: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    not_reached: tuple[str, ...] = ()
    ends: EndReason | None = None
    attributes: dict[str, Scalar] = {}
    functions: tuple[ExpectedFunction | str, ...] | None = None
    queue: str | None = None
    calls: tuple[str, ...] | None = None
    tasks: tuple[str, ...] | None = None
    messages: tuple[str, ...] | None = None
    stored: str | int | None = None
    seconds_at_most: float | None = None
    seconds_at_least: float | None = None


def differences(expected: Expected, trial: Trial) -> list[str]:
    """In what the call differs from what was expected, one sentence each."""
    return list(_differences(expected, trial))


def _differences(expected: Expected, trial: Trial) -> Iterator[str]:
    if trial.left_over:
        yield f"the call was over with {trial.left_over} step(s) of the script still to come"
    for block_id in trial.faults:
        if not any(block_id in flow.blocks for flow in trial.flows):
            yield f"there is no block {block_id!r} that could be made to fail"
    yield from _said(expected, trial)
    ids = [step.block.block_id for step in trial.steps]
    missing = _first_missing(expected.path, ids, str.__eq__)
    if missing is not None:
        known = any(missing in flow.blocks for flow in trial.flows)
        yield f"the block {missing!r} is not run{_after(missing, expected.path)}" + (
            "" if known else "; there is no such block in its flows"
        )
    for block_id in expected.not_reached:
        if block_id in ids:
            yield f"the block {block_id!r} is run"
    if expected.ends is not None and expected.ends != trial.ended:
        yield f"it ends with {trial.ended}, not with {expected.ends}" + _in_brackets(trial.detail)
    for name, value in expected.attributes.items():
        if (found := trial.state.attributes.get(name, "")) != text_of(value):
            yield f"the attribute {name} is {found!r}, not {text_of(value)!r}"
    if expected.functions is not None:
        yield from _functions(expected.functions, trial.invocations)
    instance = trial.instance
    for what, wanted, there in (
        ("calls", expected.calls, [to.number for to in trial.cardholder.put_through]),
        ("tasks", expected.tasks, [task.name for task in instance.tasks]),
        ("messages", expected.messages, [message.text for message in instance.messages]),
    ):
        if wanted is not None and list(wanted) != there:
            yield f"the {what} are {there}, not {list(wanted)}"
    if expected.queue is not None:
        last = instance.waited_in[-1] if instance.waited_in else "no queue"
        if last != expected.queue:
            yield f"it waited in {last!r}, not in {expected.queue!r}"
    if expected.stored is not None and str(expected.stored) != trial.stored:
        yield f"what was stored is {trial.stored!r}, not {str(expected.stored)!r}"
    yield from _times(expected, trial.seconds)


def _said(expected: Expected, trial: Trial) -> Iterator[str]:
    missing = _first_missing(expected.said, trial.said, _within)
    if missing is not None:
        yield f"{missing!r} is not said{_after(missing, expected.said)}"
    for text in expected.not_said:
        if any(_within(text, said) for said in trial.said):
            yield f"{text!r} is said"


def _functions(
    expected: Sequence[ExpectedFunction | str], invocations: Sequence[Invocation]
) -> Iterator[str]:
    wanted = [ExpectedFunction(each) if isinstance(each, str) else each for each in expected]
    names = [each.name for each in invocations]
    if [each.name for each in wanted] != names:
        yield f"the functions invoked are {names}, not {[each.name for each in wanted]}"
        return
    for function, invocation in zip(wanted, invocations, strict=True):
        for what, given, there in (
            ("parameter", function.parameters, invocation.parameters),
            ("attribute", function.attributes, invocation.attributes),
        ):
            yield from _values(f"{function.name} gets the {what}", given, there)


def _values(what: str, wanted: Mapping[str, Scalar], there: Mapping[str, str]) -> Iterator[str]:
    for name, value in wanted.items():
        if there.get(name) != text_of(value):
            yield f"{what} {name} as {json.dumps(there.get(name))}, not as {text_of(value)!r}"


def _times(expected: Expected, seconds: float) -> Iterator[str]:
    most, least = expected.seconds_at_most, expected.seconds_at_least
    took = timedelta(seconds=round(seconds))
    if most is not None and seconds > most:
        yield f"it takes {seconds:.1f} s ({took}), more than {most:g} s"
    if least is not None and seconds < least:
        yield f"it takes {seconds:.1f} s ({took}), less than {least:g} s"


def _first_missing(
    wanted: Sequence[str], there: Sequence[str], fits: Callable[[str, str], bool]
) -> str | None:
    position = 0
    for each in wanted:
        while position < len(there) and not fits(each, there[position]):
            position += 1
        if position >= len(there):
            return each
        # Two texts may be in one prompt; a block that is named twice must be run twice.
        position += 0 if fits is _within else 1
    return None


def _within(text: str, said: str) -> bool:
    return " ".join(text.lower().split()) in " ".join(said.lower().split())


def _after(missing: str, wanted: Sequence[str]) -> str:
    position = wanted.index(missing)
    return f" after {wanted[position - 1]!r}" if position else ""


def _in_brackets(detail: str) -> str:
    return f" ({detail})" if detail else ""
