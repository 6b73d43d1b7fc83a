"""Rows of a history that only look."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from profiled_payments import PAYMENT, PLAN, START, Payment, payments
from profiled_payments import history as as_history

from ringfence.events import put_event_type
from ringfence.events.log import append_events
from ringfence.profiles import History, ProfileStore, replay
from ringfence.profiles.tables import profile_plans, profile_states
from ringfence.storage import Database, metadata


def looking(rows: list[Payment], looks: list[bool]) -> History:
    return replace(as_history(rows), looks=looks)


@settings(max_examples=80)
@given(st.lists(st.tuples(payments(), st.booleans()), min_size=1, max_size=40))
def test_rows_that_look_leave_nothing_behind(drawn: list[tuple[Payment, bool]]) -> None:
    rows, looks = [row for row, _ in drawn], [look for _, look in drawn]
    values = replay(PLAN, looking(rows, looks), processes=1)
    stayed = [row for row, look in drawn if not look]
    alone = replay(PLAN, as_history(stayed), processes=1)
    assert np.array_equal(values[[not look for look in looks]], alone, equal_nan=True)


@settings(max_examples=80)
@given(st.lists(payments(), min_size=1, max_size=25), payments())
def test_a_row_that_looks_sees_what_an_event_there_would(rows: list[Payment], one: Payment) -> None:
    looked = replay(PLAN, looking([*rows, one], [False] * len(rows) + [True]), processes=1)
    happened = replay(PLAN, as_history([*rows, one]), processes=1)
    assert np.array_equal(looked[-1], happened[-1], equal_nan=True)


def test_looking_in_training_is_previewing_in_service(database: Database) -> None:
    metadata.create_all(database.engine, tables=[profile_plans, profile_states])
    rows = [
        Payment(
            number * 3_000.0,
            number * 3_000.0,
            f"c{number % 3}",
            {
                "amount": float(number * 37 % 101),
                "merchant": f"m{number % 4}",
                "email": f"u{number % 5}@d{number % 2}.org",
                "ip": f"10.0.{number % 3}.1",
                "lat": float(number % 50),
                "lon": float(number % 70),
                "country": ("de", "fr")[number % 2],
            },
        )
        for number in range(60)
    ]
    looks = [number % 3 == 1 for number in range(60)]
    served = []
    store = ProfileStore(PLAN)
    with database.write() as connection:
        put_event_type(connection, PAYMENT)
        for number, (row, look) in enumerate(zip(rows, looks, strict=True)):
            event, at = row.event(number), START + timedelta(seconds=row.received)
            if look:
                served += store.preview(connection, [event], at)
            else:
                append_events(connection, [event], at)
                served += store.advance(connection, [event], at)
    database.dispose()
    seen = replay(PLAN, looking(rows, looks), processes=1)
    assert np.isfinite(seen[looks]).mean() > 0.3
    assert np.array_equal(seen, np.array(served), equal_nan=True)
