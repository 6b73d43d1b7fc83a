"""Slots: never more than the lines take, and the most valuable suspicion first."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.cases.dispatching import Dispatcher, Slot, Urgency
from ringfence.lines import Limits, Line

AT = datetime(2026, 11, 25, tzinfo=UTC)


class _Line:
    def __init__(self, limits: Limits) -> None:
        self.limits = limits


def dispatcher(
    lines: Mapping[str, Limits], *, calls_at_once: int = 1000, others: int = 0
) -> Dispatcher:
    """A dispatcher over lines with these limits, beside which `others` calls are in progress."""
    made = cast("Mapping[str, Line]", {name: _Line(limits) for name, limits in lines.items()})
    return Dispatcher(made, calls_at_once=calls_at_once, in_progress=lambda: others)


def urgency(amount: float = 0.0, priority: int = 0, second: int = 0) -> Urgency:
    return Urgency(priority, amount, AT.replace(second=second))


async def _order(dispatching: Dispatcher, asked: list[tuple[str, Urgency]]) -> list[int]:
    """In which order these get their slots, each held for a moment."""
    got: list[int] = []

    async def call(number: int, line: str, how: Urgency) -> None:
        with dispatching.slot(line, how) as slot:
            assert await slot.granted()
            got.append(number)
            await asyncio.sleep(0)

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        for number, (line, how) in enumerate(asked):
            tasks.create_task(call(number, line, how))
    return got


async def test_the_most_valuable_suspicion_is_called_first() -> None:
    asked = [urgency(10.0), urgency(30.0), urgency(5000.0), urgency(20.0, priority=1)]
    got = await _order(
        dispatcher({"trunk": Limits(calls_at_once=1)}), [("trunk", each) for each in asked]
    )
    # The first found the line free.
    assert got == [0, 3, 2, 1]


async def test_of_equal_amounts_the_older_suspicion_is_called_first() -> None:
    asked = [urgency(1.0, second=each) for each in (0, 30, 20, 10)]
    got = await _order(
        dispatcher({"trunk": Limits(calls_at_once=1)}), [("trunk", each) for each in asked]
    )
    assert got == [0, 3, 2, 1]


async def test_a_full_line_does_not_hold_up_another() -> None:
    dispatching = dispatcher({"trunk": Limits(calls_at_once=1), "spare": Limits()})
    with (
        dispatching.slot("trunk", urgency()) as first,
        dispatching.slot("trunk", urgency(9.0)) as second,
        dispatching.slot("spare", urgency()) as third,
    ):
        assert (first.taken, second.taken, third.taken) == (True, False, True)
        assert dispatching.waiting("trunk") == 1


async def test_calls_that_others_place_count_for_what_the_server_may_hold() -> None:
    dispatching = dispatcher({"trunk": Limits()}, calls_at_once=3, others=2)
    with (
        dispatching.slot("trunk", urgency()) as first,
        dispatching.slot("trunk", urgency()) as second,
    ):
        assert (first.taken, second.decided) == (True, False)


async def test_room_that_another_call_leaves_is_found() -> None:
    others = [1]
    dispatching = Dispatcher({}, calls_at_once=1, in_progress=lambda: others[0])
    with dispatching.slot("trunk", urgency()) as slot:
        assert not slot.decided
        others[0] = 0
        async with asyncio.timeout(5):
            assert await slot.granted()


async def test_calls_begin_no_faster_than_the_line_takes_them() -> None:
    loop = asyncio.get_running_loop()
    dispatching = dispatcher({"trunk": Limits(calls_per_second=50.0)})
    began: list[float] = []

    async def call() -> None:
        with dispatching.slot("trunk", urgency()) as slot:
            await slot.granted()
            began.append(loop.time())
            dispatching.place(slot)

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        for _ in range(6):
            tasks.create_task(call())
    assert len(began) == 6
    # However late a timer fires, the sixth has waited for five intervals of 20 ms.
    assert began[-1] - began[0] >= 5 * 0.02 - 0.001


async def test_a_slot_in_which_nothing_was_dialled_does_not_delay_the_next() -> None:
    dispatching = dispatcher({"trunk": Limits(calls_per_second=0.001)})
    with dispatching.slot("trunk", urgency()) as slot:
        assert slot.taken
    with dispatching.slot("trunk", urgency()) as slot:
        assert slot.taken
        dispatching.place(slot)
    with dispatching.slot("trunk", urgency()) as slot:
        assert not slot.decided


async def test_who_withdraws_waits_no_longer_and_takes_nothing() -> None:
    dispatching = dispatcher({"trunk": Limits(calls_at_once=1)})
    with dispatching.slot("trunk", urgency()):
        with dispatching.slot("trunk", urgency(5.0)) as slot:
            slot.withdraw()
            assert not await slot.granted()
            assert not slot.taken
        with dispatching.slot("trunk", urgency()) as last:
            pass
    assert not last.taken


async def test_a_wait_that_is_cancelled_leaves_the_line_to_the_next() -> None:
    dispatching = dispatcher({"trunk": Limits(calls_at_once=1)})

    async def wait() -> None:
        with dispatching.slot("trunk", urgency(9.0)) as slot:
            await slot.granted()

    with dispatching.slot("trunk", urgency()):
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        assert dispatching.waiting("trunk") == 1
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert dispatching.waiting("trunk") == 0
    with dispatching.slot("trunk", urgency()) as slot:
        assert slot.taken


class _Played:
    """Slots that were asked for and given back in any order, and what must always hold."""

    def __init__(self, at_once: dict[str, int], in_all: int) -> None:
        self.at_once, self.in_all = at_once, in_all
        self.dispatcher = dispatcher(
            {name: Limits(calls_at_once=most) for name, most in at_once.items()},
            calls_at_once=in_all,
        )
        self.open: list[tuple[Any, Slot, Urgency]] = []

    def ask(self, line: str, how: Urgency) -> None:
        context = self.dispatcher.slot(line, how)
        self.open.append((context, context.__enter__(), how))

    def leave(self, index: int) -> None:
        context, _slot, _how = self.open.pop(index % len(self.open))
        context.__exit__(None, None, None)

    def check(self) -> None:
        taken = [slot for _, slot, _ in self.open if slot.taken]
        assert len(taken) <= self.in_all
        for line, most in self.at_once.items():
            here = sum(slot.line == line for slot in taken)
            waiting = [how for _, slot, how in self.open if slot.line == line and not slot.decided]
            assert here <= most
            # Nobody waits for a line that is free.
            assert not waiting or here == most or len(taken) == self.in_all


@given(
    at_once=st.fixed_dictionaries({"a": st.integers(1, 3), "b": st.integers(1, 3)}),
    in_all=st.integers(1, 5),
    steps=st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 9)) | st.integers(0, 100), max_size=40
    ),
)
@settings(max_examples=60, deadline=None)
def test_no_limit_is_ever_passed_and_no_line_left_idle(
    at_once: dict[str, int], in_all: int, steps: list[tuple[str, int] | int]
) -> None:
    async def play() -> None:
        played = _Played(at_once, in_all)
        for step in steps:
            if isinstance(step, tuple):
                played.ask(step[0], urgency(float(step[1])))
            elif played.open:
                played.leave(step)
            played.check()
        while played.open:
            played.leave(0)
            played.check()

    asyncio.run(play())


@pytest.mark.parametrize("amount", [0.0, 99.5])
def test_an_urgency_is_by_plan_then_amount_then_age(amount: float) -> None:
    least = urgency(amount, second=1)
    ordered = [urgency(0.0, 2), urgency(amount + 1), urgency(amount), least]
    assert sorted([least, *ordered[:-1]], key=lambda each: each.order) == ordered
