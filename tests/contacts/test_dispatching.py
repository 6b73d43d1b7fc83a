"""Slots: never more than the lines take, the most urgent first, and nobody passed by for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from ringfence.contacts.dispatching import PASSED_BY, Dispatcher, Slot, Urgency
from ringfence.lines import Limits, Line

AT = datetime(2026, 11, 25, tzinfo=UTC)


class _Line:
    def __init__(self, limits: Limits) -> None:
        self.limits = limits


def dispatcher(lines: Mapping[str, Limits], *, calls_at_once: int = 1000) -> Dispatcher:
    """A dispatcher over lines with these limits."""
    made = cast("Mapping[str, Line]", {name: _Line(limits) for name, limits in lines.items()})
    return Dispatcher(made, calls_at_once=calls_at_once)


def urgency(amount: float = 0.0, priority: int = 0, second: int = 0) -> Urgency:
    return Urgency(priority, amount, AT.replace(second=second))


async def _order(dispatching: Dispatcher, asked: list[tuple[str, Urgency | None]]) -> list[int]:
    """In which order these get their slots, each held for a moment."""
    got: list[int] = []

    async def call(number: int, line: str, how: Urgency | None) -> None:
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


async def test_calls_that_only_wait_their_turn_go_in_the_order_of_their_coming() -> None:
    one = dispatcher({"trunk": Limits(calls_at_once=1)})
    assert await _order(one, [("trunk", None)] * 4) == [0, 1, 2, 3]


async def test_the_urgent_go_first_and_pass_by_a_turn_no_more_often_than_they_may() -> None:
    asked = [("trunk", urgency(99.0)), ("trunk", None), ("trunk", None)]
    asked += [("trunk", urgency(float(amount))) for amount in range(8, 0, -1)]
    got = await _order(dispatcher({"trunk": Limits(calls_at_once=1)}), asked)
    urgent = [each for each in got if asked[each][1] is not None]
    assert urgent == sorted(urgent)
    assert got.index(1) == 1 + PASSED_BY
    assert got.index(2) == got.index(1) + PASSED_BY + 1


async def test_the_turn_of_one_line_is_not_put_off_by_the_urgent_calls_of_others() -> None:
    lines = {name: Limits() for name in ("trunk", "spare")}
    asked = [("spare", urgency(99.0)), ("trunk", None)]
    asked += [("spare", urgency(float(amount))) for amount in range(8, 0, -1)]
    got = await _order(dispatcher(lines, calls_at_once=1), asked)
    assert got.index(1) == 1 + PASSED_BY


async def test_a_full_line_does_not_hold_up_another() -> None:
    dispatching = dispatcher({"trunk": Limits(calls_at_once=1), "spare": Limits()})
    with (
        dispatching.slot("trunk", urgency()) as first,
        dispatching.slot("trunk", urgency(9.0)) as second,
        dispatching.slot("spare", urgency()) as third,
    ):
        assert (first.taken, second.decided, third.taken) == (True, False, True)


async def test_calls_that_come_in_wait_for_nothing_and_take_the_room_of_others() -> None:
    dispatching = dispatcher({"trunk": Limits(calls_at_once=1)}, calls_at_once=2)
    came = [dispatching.enter("trunk") for _ in range(3)]
    assert [slot is not None for slot in came] == [True, True, False]
    with dispatching.slot("trunk", urgency()) as slot:
        for each in came[:2]:
            assert each is not None
            assert not slot.decided
            dispatching.leave(each)
        assert await slot.granted()
        assert dispatching.taken == 1


async def test_a_call_that_came_in_leaves_the_rate_of_those_that_are_placed_alone() -> None:
    dispatching = dispatcher({"trunk": Limits(calls_per_second=0.001)})
    came = dispatching.enter("trunk")
    assert came is not None
    dispatching.leave(came)
    with dispatching.slot("trunk") as slot, dispatching.slot("trunk") as next_slot:
        assert (slot.taken, next_slot.decided) == (True, False)


async def test_calls_begin_no_faster_than_the_line_takes_them() -> None:
    loop = asyncio.get_running_loop()
    dispatching = dispatcher({"trunk": Limits(calls_per_second=50.0)})
    began: list[float] = []

    async def call() -> None:
        with dispatching.slot("trunk", urgency()) as slot:
            await slot.granted()
            began.append(loop.time())
            slot.dialled = True

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
        slot.dialled = True
    with dispatching.slot("trunk", urgency()) as slot:
        assert not slot.decided


async def test_whoever_dials_at_once_waits_for_a_turn_and_counts_for_the_rate() -> None:
    dispatching = dispatcher({"trunk": Limits(calls_at_once=1, calls_per_second=0.001)})

    async def call() -> None:
        async with dispatching.turn("trunk"):
            assert dispatching.taken == 1

    with dispatching.slot("trunk"):
        waiting = asyncio.create_task(call())
        await asyncio.sleep(0)
        assert not waiting.done()
    await waiting
    with dispatching.slot("trunk") as slot:
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
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    assert dispatching.taken == 0
    with dispatching.slot("trunk", urgency()) as slot:
        assert slot.taken


class Played(RuleBasedStateMachine):
    """Calls of all kinds that begin and end in any order, and what must always hold.

    What each waiting turn has been passed by is counted here too, apart from the dispatcher.
    """

    @initialize(
        at_once=st.fixed_dictionaries({name: st.integers(1, 3) | st.none() for name in "ab"}),
        in_all=st.integers(1, 5),
    )
    def begin(self, at_once: dict[str, int | None], in_all: int) -> None:
        self.at_once, self.in_all = at_once, in_all
        self.loop = asyncio.new_event_loop()
        self.open: list[tuple[Any, Slot, Urgency | None]] = []
        self.came: list[Slot] = []
        self.passed: dict[Slot, int] = {}
        limits = {name: Limits(calls_at_once=most) for name, most in at_once.items()}
        self.dispatcher = dispatcher(limits, calls_at_once=in_all)

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            while self.open:
                self.leave(0)
                self.no_limit_is_passed_and_no_line_left_idle()
            self.loop.close()

    def _do(self, what: Callable[[], Any]) -> Any:
        """Do it on the loop, and count whom it passes by."""

        async def run() -> Any:
            return what()

        waited = [each for each in self.open if not each[1].decided]
        done = self.loop.run_until_complete(run())
        granted = [each for each in waited if each[1].taken]
        assert len(granted) <= 1  # one slot was free at the most
        for _, slot, how in granted:
            beside = [each for each in waited if each[1].line == slot.line and each[1] is not slot]
            turns = [each[1] for each in beside if each[2] is None]
            if how is None:
                assert not any(waits in turns for waits in self._before(slot))
                for turn in turns:
                    self.passed[turn] = 0  # they have come one nearer
            else:
                assert all(how.order <= one[2].order for one in beside if one[2] is not None)
                for turn in turns[:1]:
                    self.passed[turn] = self.passed.get(turn, 0) + 1
                    assert self.passed[turn] <= PASSED_BY
        return done

    def _before(self, slot: Slot) -> list[Slot]:
        slots = [each[1] for each in self.open]
        return slots[: slots.index(slot)]

    @rule(line=st.sampled_from("ab"), amount=st.none() | st.integers(0, 9))
    def ask(self, line: str, amount: int | None) -> None:
        how = None if amount is None else urgency(float(amount))
        context = self.dispatcher.slot(line, how)
        slot = self._do(context.__enter__)
        self.open.append((context, slot, how))

    @rule(line=st.sampled_from("ab"))
    def come_in(self, line: str) -> None:
        room = self.dispatcher.taken < self.in_all
        slot = self._do(lambda: self.dispatcher.enter(line))
        assert (slot is not None) == room
        if slot is not None:
            self.came.append(slot)

    @precondition(lambda self: self.came)
    @rule(index=st.integers(0, 99))
    def end_what_came_in(self, index: int) -> None:
        slot = self.came.pop(index % len(self.came))
        self._do(lambda: self.dispatcher.leave(slot))

    @precondition(lambda self: self.open)
    @rule(index=st.integers(0, 99))
    def leave(self, index: int) -> None:
        context, slot, _how = self.open[index % len(self.open)]
        self._do(lambda: context.__exit__(None, None, None))
        self.open = [each for each in self.open if each[1] is not slot]

    @invariant()
    def no_limit_is_passed_and_no_line_left_idle(self) -> None:
        if not hasattr(self, "open"):
            return
        taken = [slot for _, slot, _ in self.open if slot.taken]
        assert len(taken) + len(self.came) == self.dispatcher.taken <= self.in_all
        for line, most in self.at_once.items():
            placed = sum(slot.line == line for slot in taken)
            here = placed + sum(slot.line == line for slot in self.came)
            waits = any(slot.line == line and not slot.decided for _, slot, _ in self.open)
            # Who comes in is not turned away for the line, but then nobody else is let on it.
            assert most is None or placed <= most
            full = most is not None and here >= most
            assert not waits or full or self.dispatcher.taken == self.in_all


Played.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestAnyMixOfCalls = Played.TestCase


@pytest.mark.parametrize("amount", [0.0, 99.5])
def test_an_urgency_is_by_plan_then_amount_then_age(amount: float) -> None:
    least = urgency(amount, second=1)
    ordered = [urgency(0.0, 2), urgency(amount + 1), urgency(amount), least]
    assert sorted([least, *ordered[:-1]], key=lambda each: each.order) == ordered
