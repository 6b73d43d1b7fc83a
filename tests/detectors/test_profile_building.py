from __future__ import annotations

import asyncio
import threading

import pytest
from publishing import (
    COUNT,
    OTHER_PLAN,
    PAYMENT,
    PLAN,
    card_payment,
    publish,
    publish_model,
    rule,
    seen,
)
from sqlalchemy import Connection, func, select, update

from ringfence.detectors import (
    Decision,
    DecisionEngine,
    Detector,
    Suspicion,
    activate_detector_version,
    build_profiles,
    put_detector,
)
from ringfence.detectors.building import ProfileBuilder
from ringfence.detectors.plans import build_plan, clear_given_up_plans, plans_in_use
from ringfence.errors import NotFound
from ringfence.models import Trained
from ringfence.profiles import ProfilePlan, built_at
from ringfence.profiles.tables import profile_plans, profile_states
from ringfence.storage import Database


async def decided(engine: DecisionEngine, prefix: str, count: int) -> list[Decision]:
    """Decisions about payments of one card."""
    return list(
        await asyncio.gather(*(engine.decide(card_payment(f"{prefix}-{n}")) for n in range(count)))
    )


async def until_version(engine: DecisionEngine, version: str, prefix: str) -> list[Decision]:
    """Decisions, one by one, until this version has decided."""
    decisions: list[Decision] = []
    for number in range(1_000):
        decisions.append(await engine.decide(card_payment(f"{prefix}-{number}")))
        if decisions[-1].detector_version == version:
            return decisions
        await asyncio.sleep(0.01)
    raise AssertionError(f"version {version} never decided")


def is_built(database: Database, plan: ProfilePlan) -> bool:
    with database.read() as connection:
        return built_at(connection, plan) is not None


def forget(database: Database, plan: ProfilePlan) -> None:
    """As if the states of a plan had never been built."""
    with database.write() as connection:
        connection.execute(
            update(profile_plans)
            .where(profile_plans.c.plan_id == plan.plan_id)
            .values(built_at=None)
        )


async def test_the_version_before_decides_until_the_profiles_know_the_history(
    published: Database, engine: DecisionEngine, habits: Trained
) -> None:
    await decided(engine, "old", 30)
    with published.write() as connection:
        publish_model(connection, habits)
    engine.catalog.look_again()
    meanwhile = await until_version(engine, "2", "new")
    assert {d.detector_version for d in meanwhile[:-1]} <= {"1"}
    assert len(meanwhile) > 1
    # Nothing that came while they were built is missing.
    assert seen(meanwhile[-1])[COUNT] == 30 + len(meanwhile) - 1


async def test_events_that_come_while_profiles_are_built_are_all_counted(
    published: Database, engine: DecisionEngine, habits: Trained
) -> None:
    await decided(engine, "old", 200)
    with published.write() as connection:
        publish_model(connection, habits)
    engine.catalog.look_again()
    floods = [asyncio.ensure_future(decided(engine, f"flood-{n}", 100)) for n in range(4)]
    meanwhile = await until_version(engine, "2", "new")
    await asyncio.gather(*floods)
    last = await engine.decide(card_payment("last"))
    assert seen(last)[COUNT] == 600 + len(meanwhile)


class SlowOpener:
    """Holds the deciding transaction up, when all else was done, until it is let go."""

    def __init__(self) -> None:
        self.entered, self.go_on = threading.Event(), threading.Event()

    def watched_outcomes(self, connection: Connection) -> frozenset[str]:
        return frozenset({"approve"})

    def open_case(self, connection: Connection, suspicion: Suspicion) -> tuple[str | None, str]:
        self.entered.set()
        assert self.go_on.wait(10)
        return None, ""

    def opened(self, case_id: str) -> None:
        raise AssertionError(case_id)


async def test_a_transaction_that_is_under_way_when_building_begins_is_waited_for(
    published: Database,
) -> None:
    opener = SlowOpener()
    engine = DecisionEngine(published, opener)
    slow = asyncio.ensure_future(engine.decide(card_payment("slow")))
    await asyncio.to_thread(opener.entered.wait)
    building = asyncio.ensure_future(asyncio.to_thread(build_plan, published, PLAN))
    # Time for a build that waited for nobody to be over.
    await asyncio.wait([building], timeout=1)
    opener.go_on.set()
    await slow
    assert await building == 1
    await asyncio.to_thread(engine.close)


async def test_what_was_built_before_activation_is_used_at_once(
    published: Database, engine: DecisionEngine, habits: Trained
) -> None:
    await decided(engine, "old", 30)
    with published.write() as connection:
        draft = publish_model(connection, habits)
        activate_detector_version(connection, "guard", "1")
    told: list[tuple[int, int]] = []
    assert build_profiles(published, "guard", draft.version, lambda *done: told.append(done)) == 30
    assert told[-1] == (30, 30)
    assert build_profiles(published, "guard", draft.version) == 0
    engine.catalog.look_again()
    assert {d.detector_version for d in await decided(engine, "between", 10)} == {"1"}
    with published.write() as connection:
        activate_detector_version(connection, "guard", draft.version)
    engine.catalog.look_again()
    [decision] = await decided(engine, "new", 1)
    assert (decision.detector_version, seen(decision)[COUNT]) == ("2", 40)


async def test_a_detector_without_a_version_before_decides_at_once(
    published: Database, habits: Trained
) -> None:
    with published.write() as connection:
        put_detector(connection, Detector(detector_id="second", event_type=PAYMENT.name))
        publish_model(connection, habits, detector_id="second")
    engine = DecisionEngine(published)
    decision = await engine.decide(card_payment("e-1", detector_id="second"))
    assert decision.detector_id == "second"
    assert seen(decision)[COUNT] == 0
    await asyncio.to_thread(engine.close)


async def test_profiles_learn_from_what_another_detector_decides(
    published: Database, habits: Trained
) -> None:
    with published.write() as connection:
        put_detector(connection, Detector(detector_id="second", event_type=PAYMENT.name))
        publish_model(connection, habits, detector_id="second")
    build_plan(published, PLAN)
    engine = DecisionEngine(published)
    both = await asyncio.gather(
        *(
            engine.decide(card_payment(f"e-{n}", detector_id="second" if n % 2 else "guard"))
            for n in range(40)
        )
    )
    assert all((d.profile_values is None) == (d.detector_id == "guard") for d in both)
    last = await engine.decide(card_payment("last", detector_id="second"))
    assert seen(last)[COUNT] == 40
    await asyncio.to_thread(engine.close)


async def test_one_goes_back_to_the_version_before_without_losing_an_event(
    published: Database, habits: Trained, other_habits: Trained
) -> None:
    with published.write() as connection:
        publish_model(connection, habits)
    build_plan(published, PLAN)
    engine = DecisionEngine(published)
    await decided(engine, "a", 5)
    build_plan(published, OTHER_PLAN)
    with published.write() as connection:
        publish_model(connection, other_habits, "others")
    engine.catalog.look_again()
    assert seen((await decided(engine, "b", 1))[0], OTHER_PLAN)[COUNT] == 5
    with published.write() as connection:
        activate_detector_version(connection, "guard", "2")
    engine.catalog.look_again()
    [back] = await decided(engine, "c", 1)
    assert (back.detector_version, seen(back)[COUNT]) == ("2", 6)
    await asyncio.to_thread(engine.close)


async def test_profiles_that_nobody_needs_are_given_up_and_built_again_when_somebody_does(
    published: Database, habits: Trained, other_habits: Trained
) -> None:
    with published.write() as connection:
        publish_model(connection, habits)
        publish_model(connection, other_habits, "others")
        assert len(plans_in_use(connection, PAYMENT.name)) == 2
    build_plan(published, PLAN)
    build_plan(published, OTHER_PLAN)
    with published.write() as connection:
        publish(connection, rule("any"))
    # Version 3 was the last before: its plan is kept, that of version 2 is not.
    assert (is_built(published, PLAN), is_built(published, OTHER_PLAN)) == (False, True)
    engine = DecisionEngine(published)
    await decided(engine, "e", 10)
    clear_given_up_plans(published, PAYMENT.name)
    with published.read() as connection:
        plans = connection.execute(select(profile_plans)).all()
        states = connection.execute(select(func.count()).select_from(profile_states)).scalar_one()
    assert [row.plan_id for row in plans] == [OTHER_PLAN.plan_id]
    assert states == 1
    with published.write() as connection:
        activate_detector_version(connection, "guard", "2")
    engine.catalog.look_again()
    meanwhile = await until_version(engine, "2", "new")
    assert seen(meanwhile[-1])[COUNT] == 10 + len(meanwhile) - 1
    await asyncio.to_thread(engine.close)


def test_building_again_after_states_were_lost_is_noticed_by_a_new_server(
    published: Database, habits: Trained
) -> None:
    with published.write() as connection:
        publish_model(connection, habits)
    build_plan(published, PLAN)
    forget(published, PLAN)
    built = threading.Event()
    builder = ProfileBuilder(published, built.set)
    builder.ask([PLAN])
    assert built.wait(30)
    builder.close()
    assert is_built(published, PLAN)


def test_a_builder_that_is_closed_builds_no_more(published: Database) -> None:
    builder = ProfileBuilder(published, lambda: None)
    builder.close()
    builder.ask([PLAN])
    builder.close()
    assert not is_built(published, PLAN)


def test_two_builders_on_one_database_both_come_to_an_end(published: Database) -> None:
    events = [threading.Event(), threading.Event()]
    builders = [ProfileBuilder(Database(published.url), event.set) for event in events]
    for builder in builders:
        builder.ask([PLAN])
    assert all(event.wait(60) for event in events)
    for builder in builders:
        builder.close()
    assert is_built(published, PLAN)


def test_profiles_of_an_unknown_version_cannot_be_built(published: Database) -> None:
    with pytest.raises(NotFound):
        build_profiles(published, "guard", "9")


def test_a_version_whose_models_look_at_no_profiles_needs_nothing(published: Database) -> None:
    assert build_profiles(published, "guard", "1") == 0
