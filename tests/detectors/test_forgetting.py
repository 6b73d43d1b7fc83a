"""Events that are taken out of the log, and what outlives them."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import pytest
from publishing import COUNT, PAYMENT, PLAN, card_payment, payment, publish_model, seen, stored
from sqlalchemy import Connection, select, update

from ringfence.detectors import DecisionEngine, Suspicion
from ringfence.detectors.forgetting import forget_event, forget_events, ids_received
from ringfence.detectors.history import Search, from_history, search_history
from ringfence.detectors.plans import build_plan, outdated_plans
from ringfence.errors import Conflict
from ringfence.events import tables as event_tables
from ringfence.models import Trained
from ringfence.profiles.tables import profile_plans, profile_states
from ringfence.storage import Database, now

_PATIENCE_SECONDS = 30.0


@pytest.fixture
def remembering(published: Database, habits: Trained) -> Database:
    """A database whose detector decides with profiles, which are built."""
    with published.write() as connection:
        publish_model(connection, habits)
    build_plan(published, PLAN)
    return published


class Opener:
    """Opens a case for whatever is to be called about."""

    def watched_outcomes(self, connection: Connection) -> frozenset[str]:
        return frozenset({"call"})

    def open_case(self, connection: Connection, suspicion: Suspicion) -> tuple[str | None, str]:
        return f"case-{suspicion.event.event_id}", ""

    def opened(self, case_id: str) -> None:
        pass


def forget(database: Database, event_id: str, *, with_predictions: bool = False) -> bool:
    with database.write() as connection:
        return forget_event(connection, PAYMENT.name, event_id, with_predictions=with_predictions)


def states(database: Database) -> dict[bytes, bytes]:
    with database.read() as connection:
        in_use = select(profile_plans.c.states_id).where(profile_plans.c.plan_id == PLAN.plan_id)
        rows = connection.execute(
            select(profile_states).where(profile_states.c.states_id.in_(in_use))
        )
        return {bytes(row.key_hash): bytes(row.state) for row in rows}


async def test_what_was_said_of_an_event_outlives_it_unless_that_is_to_go_too(
    published: Database, engine: DecisionEngine
) -> None:
    decisions = {n: await engine.decide(payment(n, amount=250)) for n in ("e-1", "e-2")}
    await engine.predict(payment("e-1"))
    await engine.predict(payment("e-2"))
    assert forget(published, "e-1")
    assert forget(published, "e-2", with_predictions=True)
    assert stored(published) == ([], [])
    with published.read() as connection:
        found = search_history(connection, Search(event_type=PAYMENT.name), limit=9)
        assert [one.event_id for one in found] == ["e-1", "e-1"]
        kept = from_history(connection, Search(event_id="e-1", until=decisions["e-1"].decided_at))
    assert kept.as_decision() == decisions["e-1"]
    assert (kept.variables["amount"], kept.event_type) == (250.0, PAYMENT.name)
    assert not forget(published, "e-1")
    assert not (await engine.decide(payment("e-1", amount=7))).repeated


async def test_an_event_that_a_case_is_about_stays(published: Database) -> None:
    engine = DecisionEngine(published, Opener())
    await engine.decide(payment("called", amount=250))
    await engine.decide(payment("quiet"))
    for with_predictions in (False, True):
        with pytest.raises(Conflict) as refused:
            forget(published, "called", with_predictions=with_predictions)
        assert refused.value.field == "event_id"
    with published.write() as connection:
        forgotten = forget_events(connection, PAYMENT.name, ["called", "quiet", "unknown"])
    assert (forgotten.deleted, forgotten.kept) == (1, 1)
    assert stored(published) == (["called"], ["called"])
    await asyncio.to_thread(engine.close)


async def test_profiles_forget_too(remembering: Database) -> None:
    engine = DecisionEngine(remembering)
    for number in range(12):
        await engine.decide(card_payment(f"e-{number:02}", "c1", now() - timedelta(days=1)))
    with remembering.write() as connection:
        forget_events(connection, PAYMENT.name, [f"e-{n:02}" for n in range(5)])
    deadline = time.monotonic() + _PATIENCE_SECONDS
    count, asked = 0.0, 0
    while count != 7 and time.monotonic() < deadline:
        prediction = await engine.predict(card_payment(f"p-{asked}", "c1"))
        count = seen(prediction.as_decision())[COUNT]
        assert count in (12, 7)  # never without any
        asked += 1
        await asyncio.sleep(0.05)
    assert count == 7
    with remembering.read() as connection:
        assert outdated_plans(connection, [PLAN]) == []
    live = states(remembering)
    build_plan(remembering, PLAN)
    assert states(remembering) == live
    await asyncio.to_thread(engine.close)


async def test_an_event_that_goes_while_profiles_are_built_is_not_left_in_them(
    remembering: Database,
) -> None:
    engine = DecisionEngine(remembering)
    for number in range(6):
        await engine.decide(card_payment(f"e-{number}", "c1"))
    await asyncio.to_thread(engine.close)
    with remembering.write() as connection:
        # As if they had been there for long; otherwise they would be read last.
        connection.execute(
            update(event_tables.events).values(received_at=now() - timedelta(hours=1))
        )
    forgotten: list[bool] = []

    def forget_meanwhile(_done: int, _of: int) -> None:
        if not forgotten:
            forgotten.append(forget(remembering, "e-0"))

    with pytest.raises(Conflict, match="another rebuild"):
        build_plan(remembering, PLAN, forget_meanwhile)
    assert forgotten == [True]
    assert build_plan(remembering, PLAN) == 5


async def test_the_events_of_a_moment_are_found_in_parts(
    published: Database, engine: DecisionEngine
) -> None:
    for number in range(10):
        await engine.decide(payment(f"e-{number}"))
    until = now()
    await engine.decide(payment("e-late"))
    found: list[str] = []
    with published.read() as connection:
        while part := ids_received(
            connection, PAYMENT.name, until, after=found[-1] if found else "", limit=3
        ):
            found += part
    assert found == [f"e-{number}" for number in range(10)]
