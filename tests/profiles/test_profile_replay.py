from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from profiled_payments import (
    CARD,
    DAY,
    MERCHANT,
    PAYMENT,
    PLAN,
    START,
    Payment,
    aggregate,
    payments,
)
from profiled_payments import history as as_history

from ringfence.errors import InvalidInput
from ringfence.profiles import History, Kind, ProfilePlan, replay
from ringfence.profiles.advancing import Advancer, Arrival
from ringfence.profiles.inputs import taken_at

_BEGIN = START.timestamp()


def served(rows: list[Payment], plan: ProfilePlan = PLAN) -> list[list[float]]:
    """What serving gives when events and labels come one by one, when they became known."""
    advancer = Advancer(plan)
    states: dict[bytes, bytes] = {}
    values: list[list[float]] = [[] for _ in rows]
    # When it became known, whether it is a label, the time that was sent, which event, when it
    # counts as having happened.
    coming: list[tuple[float, int, float, int, float]] = []
    for number, row in enumerate(rows):
        at = taken_at(_BEGIN + row.at, _BEGIN + row.received)
        coming.append((_BEGIN + row.received, 0, row.at, number, at))
        if row.fraud:
            label_at = at + 7 * DAY if row.label_at is None else _BEGIN + row.label_at
            coming.append((max(label_at, _BEGIN + row.received), 1, row.at, number, at))
    for _, is_label, _, number, at in sorted(coming):
        event = rows[number].event(number)
        arrival = Arrival(at, event.entities, event.variables, is_label)

        def fetch(keys: object) -> dict[bytes, bytes]:
            return states

        if is_label:
            states.update(advancer.label([arrival], fetch))
        else:
            advanced = advancer.advance([arrival], fetch)
            states.update(advanced.states)
            values[number] = list(advanced.values[0])
    return values


@settings(max_examples=120)
@given(st.lists(payments(), min_size=1, max_size=40))
def test_replay_gives_exactly_what_serving_gave(rows: list[Payment]) -> None:
    replayed = replay(PLAN, as_history(rows), processes=1)
    assert replayed.shape == (len(rows), len(PLAN.aggregates))
    assert np.array_equal(replayed, np.array(served(rows)), equal_nan=True)


@given(st.lists(payments(), min_size=1, max_size=25))
def test_without_times_of_receipt_events_come_in_the_order_of_their_times(
    rows: list[Payment],
) -> None:
    on_time = [
        Payment(row.at, row.at, row.card, row.variables, row.fraud, row.label_at) for row in rows
    ]
    one = replay(PLAN, as_history(rows, received=False), processes=1)
    assert np.array_equal(one, replay(PLAN, as_history(on_time), processes=1), equal_nan=True)


@given(st.lists(payments(), min_size=2, max_size=25), st.data())
def test_what_comes_later_changes_no_value(rows: list[Payment], data: st.DataObject) -> None:
    rows = sorted(rows, key=lambda row: (row.received, row.at))
    kept = data.draw(st.integers(1, len(rows) - 1))
    whole = replay(PLAN, as_history(rows), processes=1)
    start = replay(PLAN, as_history(rows[:kept]), processes=1)
    assert np.array_equal(whole[:kept], start, equal_nan=True)


def test_a_fraud_is_not_seen_before_its_label_and_the_delay() -> None:
    risk = aggregate(
        Kind.RISK,
        MERCHANT,
        horizon_seconds=30 * DAY,
        delay_seconds=7 * DAY,
        buckets=60,
        smoothing=0,
    )
    plan = ProfilePlan(PAYMENT.name, (risk,))
    none = {v.name: None for v in PAYMENT.variables}
    seen_on_day = {}
    for label_day in (0.001, 12.0):
        rows = [
            Payment(day * DAY, day * DAY, "c", {**none, "merchant": "m"}, day == 0, label_day * DAY)
            for day in range(20)
        ]
        risks = replay(plan, as_history(rows), processes=1)[:, 0]
        seen_on_day[label_day] = next(day for day, risk in enumerate(risks) if risk > 0)
    # The bucket of day 0 is over after half a day; a label at noon of day 12 is seen on day 13.
    assert seen_on_day == {0.001: 8, 12.0: 13}


def test_processes_share_the_work_and_change_nothing() -> None:
    chance = random.Random(1)
    rows = 30_000
    history = History(
        at=[_BEGIN + chance.random() * 30 * DAY for _ in range(rows)],
        variables={"merchant": [f"m{chance.randrange(500)}" for _ in range(rows)]},
        entities={"card": [f"c{chance.randrange(2_000)}" for _ in range(rows)]},
        fraud=[chance.random() < 0.02 for _ in range(rows)],
    )
    plan = ProfilePlan(
        PAYMENT.name,
        (
            aggregate(Kind.COUNT, CARD, horizon_seconds=DAY),
            aggregate(Kind.DISTINCT, CARD, value=MERCHANT, horizon_seconds=DAY),
            aggregate(Kind.RISK, MERCHANT, horizon_seconds=10 * DAY),
        ),
    )
    told: list[float] = []
    shared = replay(plan, history, processes=2, progress=told.append)
    assert np.array_equal(shared, replay(plan, history, processes=1), equal_nan=True)
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_columns_of_different_lengths_are_refused_by_name() -> None:
    history = History(at=[1.0, 2.0], variables={"amount": [1.0]})
    with pytest.raises(InvalidInput) as refused:
        replay(PLAN, history)
    assert refused.value.field == "variables.amount"


def test_a_missing_time_is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        replay(PLAN, History(at=[1.0, math.nan]))
    assert refused.value.field == "at"


def test_no_events_give_no_rows() -> None:
    assert replay(PLAN, History(at=[])).shape == (0, len(PLAN.aggregates))
