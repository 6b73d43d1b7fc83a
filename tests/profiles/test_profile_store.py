from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from profiled_payments import PAYMENT, PLAN, START, Payment, payments
from sqlalchemy import Connection, delete, func, select, update
from test_profile_replay import served

from ringfence.events import label_event, put_event_type, stored_event
from ringfence.events.log import append_events
from ringfence.events.tables import events
from ringfence.profiles import Kind, LabelChange, ProfilePlan, ProfileStore, built_at, rebuild
from ringfence.profiles.tables import profile_plans, profile_states
from ringfence.storage import Database, metadata, now

Make = Callable[[str], Database]
Values = list[Sequence[float]]


@pytest.fixture(params=["sqlite", "postgresql"])
def banks(request: pytest.FixtureRequest, new_database: Make) -> Database:
    """A database with the event type of payments."""
    return prepared(new_database(request.param))


def prepared(database: Database) -> Database:
    metadata.create_all(database.engine, tables=[profile_plans, profile_states])
    with database.write() as connection:
        put_event_type(connection, PAYMENT)
    return database


def some(count: int, *, seed: int = 0, cards: int = 3) -> list[Payment]:
    """Payments on time, every two hours."""
    return [
        Payment(
            number * 7_200.0,
            number * 7_200.0,
            f"c{(number * 7 + seed) % cards}",
            {
                "amount": float((number * 37 + seed) % 101),
                "merchant": f"m{number % 4}",
                "email": f"u{number % 5}@d{number % 2}.org",
                "ip": f"10.0.{number % 3}.1",
                "lat": float(number % 50),
                "lon": float(number % 70),
                "country": ("de", "fr")[number % 2],
            },
        )
        for number in range(count)
    ]


def advance(
    connection: Connection, store: ProfileStore, rows: Sequence[Payment], first: int = 0
) -> Values:
    """Store and advance, as deciding does, the payments that are received together."""
    values: Values = []
    for number, row in enumerate(rows, first):
        received_at = START + timedelta(seconds=row.received)
        append_events(connection, [row.event(number)], received_at)
        values += store.advance(connection, [row.event(number)], received_at)
    return values


def same(one: Sequence[Sequence[float]], other: Sequence[Sequence[float]]) -> bool:
    return np.array_equal(np.array(one), np.array(other), equal_nan=True)


def stored(connection: Connection, plan: ProfilePlan = PLAN) -> dict[bytes, bytes]:
    """The states in use."""
    rows = connection.execute(
        select(profile_states.c.key_hash, profile_states.c.state)
        .join(profile_plans, profile_plans.c.states_id == profile_states.c.states_id)
        .where(profile_plans.c.plan_id == plan.plan_id)
    )
    return {bytes(row.key_hash): bytes(row.state) for row in rows}


def test_values_are_those_of_the_arithmetic(banks: Database) -> None:
    rows = some(40)
    store = ProfileStore(PLAN)
    with banks.write() as connection:
        first = advance(connection, store, rows[:25])
    with banks.write() as connection:
        second = advance(connection, store, rows[25:], 25)
    assert same([*first, *second], served(rows))


def test_events_that_arrive_together_see_each_other_in_the_order_of_their_times(
    banks: Database,
) -> None:
    rows = some(6, cards=1)
    together = [replace(row, received=rows[-1].received) for row in rows]
    received_at = START + timedelta(seconds=rows[-1].received)
    store = ProfileStore(PLAN)
    with banks.write() as connection:
        upside_down = [together[n].event(n) for n in reversed(range(6))]
        values = store.advance(connection, upside_down, received_at)
    assert same(list(reversed(values)), served(together))


def test_a_transaction_that_is_rolled_back_leaves_no_trace(banks: Database) -> None:
    rows = some(30)
    store = ProfileStore(PLAN)
    with banks.write() as connection:
        values = advance(connection, store, rows[:10])
    for failures in (1, 2):
        for attempt in range(failures):
            with pytest.raises(RuntimeError, match="the disk is full"):
                failing(banks, store, some(5, seed=attempt + 1))
        with banks.write() as connection:
            start = 10 * failures
            values += advance(connection, store, rows[start : start + 10], start)
    assert same(values, served(rows))


def failing(database: Database, store: ProfileStore, rows: Sequence[Payment]) -> None:
    """Advance, and fail before the commit."""
    with database.write() as connection:
        advance(connection, store, rows, 100)
        raise RuntimeError("the disk is full")


def test_profiles_survive_a_restart(banks: Database) -> None:
    rows = some(30)
    with banks.write() as connection:
        values = advance(connection, ProfileStore(PLAN), rows[:20])
    with banks.write() as connection:
        values += advance(connection, ProfileStore(PLAN), rows[20:], 20)
    assert same(values, served(rows))


def test_two_processes_on_one_database_do_not_miss_what_the_other_wrote(banks: Database) -> None:
    rows = some(40)
    stores = [ProfileStore(PLAN), ProfileStore(PLAN)]
    values: Values = []
    for number, row in enumerate(rows):
        with banks.write() as connection:
            values += advance(connection, stores[number % 3 == 0], [row], number)
    assert same(values, served(rows))


def test_forgetting_states_in_memory_changes_no_value(banks: Database) -> None:
    rows = some(60, cards=20)
    store = ProfileStore(PLAN, remembered=5)
    values: Values = []
    for number, row in enumerate(rows):
        with banks.write() as connection:
            values += advance(connection, store, [row], number)
            assert len(store._states) <= 5
    assert same(values, served(rows))


def test_a_preview_gives_the_values_and_changes_nothing(banks: Database) -> None:
    rows = some(12)
    store = ProfileStore(PLAN)
    with banks.write() as connection:
        advance(connection, store, rows[:-1])
        before = stored(connection)
        received_at = START + timedelta(seconds=rows[-1].received)
        seen = store.preview(connection, [rows[-1].event(11)], received_at)
        assert stored(connection) == before
        assert same(seen, advance(connection, store, rows[-1:], 11))


def label(connection: Connection, store: ProfileStore, number: int, fraud: bool) -> None:
    """What whoever learns of a verdict does."""
    before = stored_event(connection, PAYMENT.name, f"e-{number:06}")
    given = PAYMENT.fraud_label if fraud else PAYMENT.legit_label
    label_event(connection, PAYMENT.name, before.event_id, given, source="phone")
    store.label(connection, [LabelChange(before, before.label == PAYMENT.fraud_label, fraud)])


def test_a_label_raises_the_risk_and_taking_it_back_lowers_it(banks: Database) -> None:
    rows = some(30, cards=1)
    store = ProfileStore(PLAN)
    # The last of the risks: that of the mail domain, without delay.
    column = [aggregate.kind for aggregate in PLAN.aggregates].index(Kind.RISK) + 1

    def risk() -> float:
        with banks.write() as connection:
            received_at = START + timedelta(seconds=rows[-1].received)
            return store.preview(connection, [rows[-1].event(99)], received_at)[0][column]

    with banks.write() as connection:
        advance(connection, store, rows)
    unsuspected = risk()
    with banks.write() as connection:
        label(connection, store, 27, True)
    suspected = risk()
    with banks.write() as connection:
        label(connection, store, 27, True)
    repeated = risk()
    with banks.write() as connection:
        label(connection, store, 27, False)
    assert unsuspected == 0.0
    assert suspected > 0.0
    assert repeated == suspected
    assert risk() == 0.0


@pytest.fixture(scope="module")
def prepared_file(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Path:
    """A SQLite database with the event type of payments, to make copies of."""
    path = tmp_path_factory.mktemp("prepared") / "bank.db"
    shutil.copy(migrated_file, path)
    prepared(Database(f"sqlite:///{path}")).dispose()
    return path


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(payments(), min_size=1, max_size=20),
    labels=st.lists(st.tuples(st.integers(0, 19), st.booleans()), max_size=8),
    recent=st.integers(0, 20),
)
def test_a_rebuild_makes_the_very_states_that_were_live(
    prepared_file: Path, rows: list[Payment], labels: list[tuple[int, bool]], recent: int
) -> None:
    path = prepared_file.parent / f"{uuid.uuid4().hex}.db"
    shutil.copy(prepared_file, path)
    database = Database(f"sqlite:///{path}")
    # As a log has them: each received after the one before; the last ones within the last minute.
    began = now() - timedelta(days=30)
    store = ProfileStore(PLAN)
    for number, row in enumerate(rows):
        is_recent = number >= len(rows) - recent
        received_at = now() if is_recent else began + timedelta(hours=number)
        with database.write() as connection:
            event = _move(row, received_at).event(number)
            append_events(connection, [event], received_at)
            store.advance(connection, [event], received_at)
    for number, fraud in labels:
        if number < len(rows):
            with database.write() as connection:
                label(connection, store, number, fraud)
    with database.write() as connection:
        live = stored(connection)
        assert built_at(connection, PLAN) is None
    assert rebuild(database, PLAN) == len(rows)
    with database.write() as connection:
        assert stored(connection) == live
        assert built_at(connection, PLAN) is not None
        # The store notices that its states have been replaced.
        moment = now()
        event = _move(rows[0], moment).event(500)
        assert same(
            store.preview(connection, [event], moment),
            ProfileStore(PLAN).preview(connection, [event], moment),
        )
    database.dispose()


def _move(row: Payment, received_at: datetime) -> Payment:
    received = (received_at - START).total_seconds()
    return replace(row, received=received, at=round(received + row.at - row.received, 6))


def test_a_rebuild_brings_back_what_was_lost_and_leaves_nothing_behind(banks: Database) -> None:
    rows = some(40)
    store = ProfileStore(PLAN)
    with banks.write() as connection:
        advance(connection, store, rows)
        live = stored(connection)
        connection.execute(delete(profile_states))
    told: list[tuple[int, int]] = []
    assert rebuild(banks, PLAN, lambda *done: told.append(done)) == 40
    assert told[-1] == (40, 40)
    rebuild(banks, PLAN)
    with banks.read() as connection:
        assert stored(connection) == live
        kept = connection.execute(select(func.count()).select_from(profile_states)).scalar()
        assert kept == len(live)


def test_a_rebuild_knows_labels_old_and_new(banks: Database) -> None:
    store = ProfileStore(PLAN)
    with banks.write() as connection:
        advance(connection, store, some(40))
        without = stored(connection)
        for number in (38, 39):
            label(connection, store, number, True)
        connection.execute(
            update(events).where(events.c.event_id == "e-000038").values(label_at=START)
        )
        live = stored(connection)
    rebuild(banks, PLAN)
    with banks.read() as connection:
        assert stored(connection) == live
    assert live != without


def test_no_text_of_an_event_is_in_a_state(banks: Database) -> None:
    rows = some(10)
    with banks.write() as connection:
        advance(connection, ProfileStore(PLAN), rows)
        kept = b"".join(key + state for key, state in stored(connection).items())
        logged = connection.execute(select(events.c.variables)).scalars().all()
    texts = {v for row in logged for v in row.values() if isinstance(v, str) and len(v) > 2}
    assert texts
    assert not [text for text in texts if text.encode() in kept]
