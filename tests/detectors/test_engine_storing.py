"""Events that are stored without being decided about."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from publishing import COUNT, DAY, PAYMENT, PLAN, RISK, card_payment, publish_model, seen
from sqlalchemy import select, update

from ringfence.detectors import DecisionEngine, label_event
from ringfence.detectors.plans import build_plan
from ringfence.detectors.profiles import Profiles
from ringfence.detectors.storing import Arriving, Stored, store_events
from ringfence.errors import Conflict
from ringfence.events import Entity, Event, EventReader, SentEvent, stored_event, tables
from ringfence.events.log import EventLabel
from ringfence.models import Trained
from ringfence.profiles.tables import profile_plans, profile_states
from ringfence.storage import Database, now

READER = EventReader(PAYMENT)


@pytest.fixture
def remembering(published: Database, habits: Trained) -> Database:
    """A database whose detector decides with profiles, which are built."""
    with published.write() as connection:
        publish_model(connection, habits)
    build_plan(published, PLAN)
    return published


def event(
    event_id: str, at: datetime | None = None, card: str = "c1", **variables: object
) -> Event:
    sent = SentEvent(
        event_id=event_id,
        at=at or now() - timedelta(days=1),
        entities=(Entity("card", card),),
        variables=variables or {"amount": 5, "merchant": "m"},
    )
    return READER.read(sent, now())


def store(database: Database, *arriving: Arriving, profiles: Profiles | None = None) -> list[str]:
    with database.write() as connection:
        return [str(said) for said in store_events(connection, arriving, profiles)]


def history(count: int, seed: int = 0) -> list[Arriving]:
    """Payments of the last days, some of which are known to be fraud."""
    chance = random.Random(seed)
    begin = now() - timedelta(days=3)
    found = []
    for number in range(count):
        at = begin + timedelta(seconds=number * 2 * DAY / count)
        of = event(
            f"h-{number:05}",
            at,
            f"c{chance.randrange(5)}",
            amount=chance.randrange(1, 500),
            merchant=f"m{chance.randrange(3)}",
        )
        label = chance.choice([None, "legit", "fraud"])
        known = None if label is None else EventLabel(label, at + timedelta(hours=1), "import")
        found.append(Arriving(of, known))
    return found


def states(database: Database) -> dict[bytes, bytes]:
    with database.read() as connection:
        in_use = select(profile_plans.c.states_id).where(profile_plans.c.plan_id == PLAN.plan_id)
        rows = connection.execute(
            select(profile_states).where(profile_states.c.states_id.in_(in_use))
        )
        return {bytes(row.key_hash): bytes(row.state) for row in rows}


def test_what_became_of_each_event_is_told(published: Database) -> None:
    at = now() - timedelta(days=2)
    known = EventLabel("fraud", at + timedelta(days=1), "import")
    assert store(
        published,
        Arriving(event("a", at)),
        Arriving(event("b", at), known),
        Arriving(event("a", at)),
        Arriving(event("a", at, amount=6)),
    ) == ["new", "new", "same", "other"]
    assert store(
        published,
        Arriving(event("a", at), known),
        Arriving(event("b", at), known),
        Arriving(event("b", at, amount=6), known),
        Arriving(event("c", at)),
    ) == ["labelled", "same", "other", "new"]
    with published.read() as connection:
        for event_id in "ab":
            found = stored_event(connection, PAYMENT.name, event_id)
            assert (found.label, found.label_at) == ("fraud", known.at)
            assert (found.label_source, found.variables["amount"]) == ("import", 5.0)
        assert stored_event(connection, PAYMENT.name, "c").label is None


def test_an_event_that_leaves_out_what_has_a_default_is_the_same(published: Database) -> None:
    at = now()
    with_default = event("a", at, amount=5, merchant="unknown")
    without = event("a", at, amount=5)
    assert with_default.content_hash != without.content_hash
    assert store(published, Arriving(without), Arriving(with_default)) == ["new", "same"]


async def test_decisions_remember_events_that_were_only_stored(remembering: Database) -> None:
    begin = now() - timedelta(hours=20)
    fraud = EventLabel("fraud", begin, "import")
    store(remembering, *(Arriving(event(f"s-{n}", begin, merchant="x"), fraud) for n in range(3)))
    engine = DecisionEngine(remembering)
    decision = await engine.decide(
        card_payment("e-1", "c1", begin + timedelta(hours=5), merchant="x")
    )
    assert seen(decision)[COUNT] == 3
    assert seen(decision)[RISK] == 1.0
    await asyncio.to_thread(engine.close)


@pytest.mark.parametrize("batches", [[400], [1, 399], [150, 0, 250]])
def test_profiles_are_those_that_the_log_gives(
    remembering: Database, batches: Sequence[int]
) -> None:
    arriving, profiles, start = history(400), Profiles(), 0
    for size in batches:
        store(remembering, *arriving[start : start + size], profiles=profiles)
        start += size
    live = states(remembering)
    assert live
    assert build_plan(remembering, PLAN) == 400
    assert states(remembering) == live


def test_labels_that_come_again_with_the_events_reach_profiles(remembering: Database) -> None:
    arriving = history(200)
    store(remembering, *(Arriving(item.event) for item in arriving))
    told = store(remembering, *arriving)
    assert told.count("labelled") == sum(item.label is not None for item in arriving)
    live = states(remembering)
    build_plan(remembering, PLAN)
    assert states(remembering) == live


def test_an_old_label_that_comes_while_profiles_are_built_is_not_missed(
    remembering: Database,
) -> None:
    store(remembering, *history(50))
    at, told = now() - timedelta(days=2), False
    store(remembering, Arriving(event("late", at)))
    with remembering.write() as connection:
        # As if they had been there for long; otherwise they would be read last.
        connection.execute(update(tables.events).values(received_at=now() - timedelta(hours=1)))

    def label_meanwhile(_done: int, _of: int) -> None:
        nonlocal told
        if not told:
            told = True
            with remembering.write() as connection:
                label_event(connection, PAYMENT.name, "late", "fraud", source="import", at=at)

    with pytest.raises(Conflict, match="another rebuild"):
        build_plan(remembering, PLAN, label_meanwhile)
    live = states(remembering)
    build_plan(remembering, PLAN)
    assert states(remembering) == live


def test_what_is_rolled_back_is_not_stored(remembering: Database) -> None:
    profiles = Profiles()
    before = states(remembering)

    def store_and_fail() -> None:
        with remembering.write() as connection:
            store_events(connection, history(20), profiles)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store_and_fail()
    assert states(remembering) == before
    assert store(remembering, *history(20), profiles=profiles) == ["new"] * 20
    live = states(remembering)
    build_plan(remembering, PLAN)
    assert states(remembering) == live


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 1), st.booleans()), max_size=12))
@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_a_batch_says_the_same_as_its_events_one_by_one(
    database: Database, sent: list[tuple[str, int, bool]]
) -> None:
    from publishing import prepare

    at = now()
    label = EventLabel("fraud", at, "import")
    with database.write() as connection:
        prepare(connection)
    prefixes = [f"{random.getrandbits(60):x}" for _ in range(2)]
    in_one, one_by_one = (
        [
            Arriving(event(f"{prefix}-{event_id}", at, amount=amount), label if known else None)
            for event_id, amount, known in sent
        ]
        for prefix in prefixes
    )
    together = store(database, *in_one)
    alone = [said for item in one_by_one for said in store(database, item)]
    # The first of a batch has its label from the beginning; a later one brings it just the same.
    assert together == alone
    assert all(said in set(Stored) for said in together)
