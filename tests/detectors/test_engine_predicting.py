"""What a detector version says of events that are not stored."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from publishing import (
    COUNT,
    DAY,
    PAYMENT,
    PLAN,
    card_payment,
    payment,
    publish,
    publish_model,
    rule,
    seen,
    stored,
)
from sqlalchemy import Connection, select

from ringfence.detectors import (
    Decision,
    DecisionEngine,
    Detector,
    KnownEvent,
    ModelRef,
    Prediction,
    Request,
    RuleRef,
    Suspicion,
    create_detector_version,
    put_detector,
    put_rule,
    tables,
)
from ringfence.detectors.active import NothingActive, OtherEventType
from ringfence.detectors.history import Search, from_history, latest_in_history, search_history
from ringfence.detectors.plans import build_plan
from ringfence.detectors.predictions import prediction_of
from ringfence.detectors.storing import Arriving
from ringfence.errors import Conflict, InvalidInput, NotFound
from ringfence.events import EventType, put_event_type
from ringfence.events.reading import Event
from ringfence.models import Trained
from ringfence.profiles.tables import profile_plans, profile_states
from ringfence.rules import ExecutionMode, RuleResult
from ringfence.storage import Database, now


@pytest.fixture
def remembering(published: Database, habits: Trained) -> Database:
    """A database whose detector decides with profiles, which are built."""
    with published.write() as connection:
        publish_model(connection, habits)
    build_plan(published, PLAN)
    return published


def predictions(database: Database) -> list[Prediction]:
    with database.read() as connection:
        rows = connection.execute(
            select(tables.predictions).order_by(tables.predictions.c.prediction_id)
        )
        return [prediction_of(row) for row in rows]


def contents(database: Database) -> dict[str, Any]:
    """Everything that a prediction must leave alone."""
    with database.read() as connection:
        states = connection.execute(select(profile_states)).all()
        stamps = connection.execute(select(profile_plans.c.plan_id, profile_plans.c.stamp)).all()
    return {
        "stored": stored(database),
        "states": {(row.states_id, bytes(row.key_hash), bytes(row.state)) for row in states},
        "stamps": {(row.plan_id, bytes(row.stamp)) for row in stamps},
    }


def named(request: Request, detector_id: str = "guard", version: str = "1") -> Request:
    return Request(
        event_type=request.event_type,
        sent=request.sent,
        detector_id=detector_id,
        detector_version=version,
    )


def draft(connection: Connection, *models: ModelRef, expression: str = "$amount > 1") -> str:
    """A version that has never decided."""
    ref = put_rule(connection, "guard", rule("draft", expression))
    return create_detector_version(
        connection, "guard", rules=[RuleRef(ref.rule_id, ref.version)], models=models
    ).version


async def closed(*engines: DecisionEngine) -> None:
    for engine in engines:
        await asyncio.to_thread(engine.close)


async def test_a_prediction_is_kept_and_nothing_else_is(remembering: Database) -> None:
    engine = DecisionEngine(remembering)
    await engine.decide(card_payment("e-1"))
    before = contents(remembering)
    told = [await engine.predict(card_payment("e-2", amount=n)) for n in (5, 5, 700)]
    assert contents(remembering) == before
    assert predictions(remembering) == told
    assert [one.event_id for one in told] == ["e-2"] * 3
    await closed(engine)


class Opener:
    """Whoever opens cases; here nobody may ask for one."""

    def watched_outcomes(self, connection: Connection) -> frozenset[str]:
        return frozenset({"call"})

    def open_case(self, connection: Connection, suspicion: Suspicion) -> tuple[str | None, str]:
        raise AssertionError("a case for an event that is not stored")

    def opened(self, case_id: str) -> None:
        raise AssertionError(case_id)


async def test_a_prediction_opens_no_case(published: Database) -> None:
    engine = DecisionEngine(published, Opener())
    assert (await engine.predict(payment("e-1", amount=250))).outcomes == ("call", "review")
    await closed(engine)


async def test_every_rule_is_told_of_also_those_that_were_not_reached(
    published: Database, engine: DecisionEngine
) -> None:
    with published.write() as connection:
        publish(connection, rule("zero", "$amount / 0 > 1"), rule("large"), rule("odd"))
    prediction = await engine.predict(payment("e-1", amount=250, merchant="odd"))
    assert prediction.rules == (
        RuleResult("zero", "1", ("review",), matched=False, evaluated=False),
        RuleResult("large", "1", ("call", "review"), matched=True, evaluated=True),
        RuleResult("odd", "1", ("review",), matched=False, evaluated=False),
    )
    with published.write() as connection:
        publish(connection, rule("large"), rule("odd"), mode=ExecutionMode.ALL_MATCHED)
    engine.catalog.look_again()
    prediction = await engine.predict(payment("e-1", amount=250, merchant="odd"))
    assert [(r.matched, r.evaluated) for r in prediction.rules] == [(True, True), (True, True)]


async def test_one_that_cannot_be_read_does_not_fail_its_neighbours(
    engine: DecisionEngine,
) -> None:
    requests = [payment(f"e-{n}", amount=n if n % 3 else "none") for n in range(30)]
    answers = await asyncio.gather(
        *(engine.predict(request) for request in requests), return_exceptions=True
    )
    for number, answer in enumerate(answers):
        assert isinstance(answer, Prediction if number % 3 else InvalidInput)


async def test_a_named_version_decides(published: Database, engine: DecisionEngine) -> None:
    with published.write() as connection:
        version = draft(connection)
    decision = await engine.decide(named(payment("e-1"), version=version))
    assert (decision.detector_version, decision.outcomes) == (version, ("review",))
    prediction = await engine.predict(named(payment("e-2"), version=version))
    assert (prediction.detector_version, prediction.outcomes) == (version, ("review",))
    with pytest.raises(NotFound):
        await engine.decide(named(payment("e-3"), version="99"))


async def test_a_decision_answers_the_version_that_made_it_only(
    published: Database, engine: DecisionEngine
) -> None:
    with published.write() as connection:
        version = draft(connection)
    first = await engine.decide(named(payment("e-1")))
    assert (await engine.decide(named(payment("e-1")))).repeated
    assert (await engine.decide(payment("e-1"))).repeated
    for request in (named(payment("e-1"), version=version), named(payment("e-1", amount=6))):
        with pytest.raises(KnownEvent) as refused:
            await engine.decide(request)
        assert isinstance(refused.value, Conflict)
        assert refused.value.field == "event_id"
    answers = await asyncio.gather(
        *(
            engine.decide(named(payment(f"f-{n // 2}"), version=version if n % 2 else "1"))
            for n in range(40)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, KnownEvent) for answer in answers) == 20
    assert first.detector_version == "1"


async def test_an_event_that_was_only_stored_is_not_decided_about(
    published: Database, engine: DecisionEngine
) -> None:
    request = payment("e-1")
    reader = await engine.reader(PAYMENT.name)
    await engine.store(Arriving(reader.read(request.sent, now())))
    with pytest.raises(KnownEvent, match="not to be decided about"):
        await engine.decide(request)
    assert stored(published) == (["e-1"], [])
    assert (await engine.predict(request)).outcomes == ("approve",)


async def test_a_draft_waits_for_its_profiles(published: Database, habits: Trained) -> None:
    engine = DecisionEngine(published)
    history = [card_payment(f"h-{n}", "c1", now() - timedelta(days=2)) for n in range(40)]
    for request in history:
        await engine.decide(request)
    with published.write() as connection:
        publish_model(connection, habits, detector_id="guard")
        activated = publish(connection, rule("any"))
        version = draft(connection, ModelRef("habits", "1.0"))
    assert activated.models == ()
    engine.catalog.look_again()
    prediction = await engine.predict(named(card_payment("p-1", "c1"), version=version))
    assert seen(prediction.as_decision())[COUNT] == 40
    decision = await engine.decide(named(card_payment("p-1", "c1"), version=version))
    assert seen(decision)[COUNT] == 40
    await closed(engine)


async def test_the_version_that_decides_is_found_or_it_is_said_why_not(
    published: Database, engine: DecisionEngine
) -> None:
    with published.write() as connection:
        put_detector(connection, Detector(detector_id="idle", event_type=PAYMENT.name))
        put_event_type(connection, EventType(name="transfer", variables=PAYMENT.variables))
    assert (await engine.version(PAYMENT.name, "guard")).version.version == "1"
    for event_type, detector_id, error in (
        (PAYMENT.name, "idle", NothingActive),
        (PAYMENT.name, "nobody", NotFound),
        ("nothing", "guard", NotFound),
        ("transfer", "guard", OtherEventType),
    ):
        with pytest.raises(error):
            await engine.version(event_type, detector_id)


class Announced:
    """Whoever publishes decisions."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []
        self.told = 0

    def announce(
        self, connection: Connection, event_type: EventType, event: Event, decided: Decision
    ) -> None:
        assert event_type.event_orchestration
        assert event.event_id == decided.event_id
        self.said.append((decided.event_id, decided.outcomes[0]))

    def announced(self) -> None:
        self.told += 1


async def test_decisions_and_predictions_are_announced_where_that_is_wanted(
    published: Database,
) -> None:
    announced = Announced()
    engine = DecisionEngine(published, announcer=announced)
    await engine.decide(payment("quiet"))
    await engine.predict(payment("quiet"))
    assert (announced.said, announced.told) == ([], 0)
    with published.write() as connection:
        loud = EventType(name=PAYMENT.name, variables=PAYMENT.variables, event_orchestration=True)
        put_event_type(connection, loud)
    engine.catalog.look_again()
    for _ in range(2):
        await engine.decide(payment("e-1"))
    await engine.predict(payment("e-2", amount=250))
    await engine.predict(payment("e-2", amount=250))
    assert announced.said == [("e-1", "approve"), ("e-2", "call"), ("e-2", "call")]
    assert announced.told == 3
    await closed(engine)


async def test_history_has_both_in_the_order_of_time(
    published: Database, engine: DecisionEngine
) -> None:
    said = []
    for number in range(20):
        request = payment(f"e-{number % 7}", amount=number)
        if number % 7 == number:
            decision = await engine.decide(request)
            said.append((decision.event_id, decision.decided_at))
        else:
            prediction = await engine.predict(request)
            said.append((prediction.event_id, prediction.predicted_at))
    with published.read() as connection:
        whole = search_history(connection, Search(event_type=PAYMENT.name), limit=100)
        assert [(one.event_id, one.predicted_at) for one in whole] == said
        assert latest_in_history(connection) == whole[-1]
        for size in (1, 3, 19, 20):
            found, after = [], None
            while page := search_history(connection, Search(), after=after, limit=size):
                found += page
                after = page[-1].place
            assert found == whole
        of_one = search_history(connection, Search(event_id="e-3"), limit=100)
        assert [one.event_id for one in of_one] == ["e-3"] * 3
        assert search_history(connection, Search(detector_id="nobody"), limit=9) == []
        last = from_history(connection, Search(event_id="e-3", event_type=PAYMENT.name))
        assert last.variables["amount"] == 17.0
        with pytest.raises(NotFound):
            from_history(connection, Search(event_id="nobody"))


def some(count: int, seed: int) -> Iterator[Request]:
    chance = random.Random(seed)
    present = now()
    of_run = uuid.uuid4().hex  # the same seed comes again, at another time
    for number in range(count):
        at: datetime = present - timedelta(seconds=chance.random() * 2 * DAY)
        yield card_payment(
            f"{of_run}-{number}",
            f"c{chance.randrange(3)}",
            at,
            amount=chance.randrange(1, 300),
            merchant=f"m{chance.randrange(3)}",
        )


@given(st.integers(0, 2**20), st.lists(st.booleans(), min_size=1, max_size=12))
@settings(
    max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_a_prediction_is_what_would_be_decided(
    remembering: Database, seed: int, together: Sequence[bool]
) -> None:
    async def compare() -> None:
        engine = DecisionEngine(remembering)
        for request, at_once in zip(some(len(together), seed), together, strict=True):
            if at_once:  # neighbours in the same batch are no part of what one is told
                first, *_ = await asyncio.gather(*(engine.predict(request) for _ in range(3)))
            else:
                first = await engine.predict(request)
            decision = await engine.decide(request)
            assert first.scores == decision.scores
            assert first.outcomes == decision.outcomes
            assert first.profile_values == decision.profile_values
            assert first.as_decision().rules == decision.rules
        await closed(engine)

    asyncio.run(compare())
