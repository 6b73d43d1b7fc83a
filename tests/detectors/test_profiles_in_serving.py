from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import pytest
from publishing import (
    COUNT,
    DAY,
    PAYMENT,
    PLAN,
    RISK,
    card_payment,
    payment,
    publish_model,
    seen,
    stored,
)
from sqlalchemy import Connection, select

from ringfence.detectors import (
    Decision,
    DecisionEngine,
    Request,
    Suspicion,
    activate_detector_version,
    label_event,
    stored_decision,
)
from ringfence.detectors.catalog import Catalog
from ringfence.detectors.plans import build_plan
from ringfence.errors import InvalidInput
from ringfence.models import Trained, load_artifact
from ringfence.models.scoring import Scorer
from ringfence.profiles import History, built_at, replay
from ringfence.profiles.tables import profile_plans, profile_states
from ringfence.storage import Database, now


@pytest.fixture
def remembering(published: Database, habits: Trained) -> Database:
    """A database whose detector decides with profiles, which are built."""
    with published.write() as connection:
        publish_model(connection, habits)
    build_plan(published, PLAN)
    return published


def some(count: int, *, seed: int = 0, prefix: str = "e") -> list[Request]:
    """Payments of the last days by few cards, late and out of order."""
    chance = random.Random(seed)
    present = now()
    return [
        card_payment(
            f"{prefix}-{number:04}",
            f"c{chance.randrange(4)}",
            present - timedelta(seconds=chance.random() * 2 * DAY),
            amount=chance.randrange(1, 500),
            merchant=f"m{chance.randrange(3)}",
        )
        for number in range(count)
    ]


def replayed(requests: Sequence[Request], decisions: Sequence[Decision]) -> np.ndarray:
    """What training would see of the same history."""
    return replay(
        PLAN,
        History(
            at=[_at(request).timestamp() for request in requests],
            received=[decision.decided_at.timestamp() for decision in decisions],
            variables={
                name: [request.sent.variables[name] for request in requests]
                for name in ("amount", "merchant")
            },
            entities={"card": [request.sent.entities[0].entity_id for request in requests]},
        ),
        processes=1,
    )


def _at(request: Request) -> datetime:
    assert isinstance(request.sent.at, datetime)
    return request.sent.at


def states(database: Database) -> dict[bytes, bytes]:
    """The states in use."""
    with database.read() as connection:
        in_use = select(profile_plans.c.states_id).where(profile_plans.c.plan_id == PLAN.plan_id)
        rows = connection.execute(
            select(profile_states).where(profile_states.c.states_id.in_(in_use))
        )
        return {bytes(row.key_hash): bytes(row.state) for row in rows}


async def decide_all(engine: DecisionEngine, requests: Sequence[Request]) -> list[Decision]:
    return list(await asyncio.gather(*(engine.decide(request) for request in requests)))


async def closed(*engines: DecisionEngine) -> None:
    for engine in engines:
        await asyncio.to_thread(engine.close)


def same(decisions: Sequence[Decision], expected: np.ndarray) -> bool:
    return np.array_equal([seen(d) for d in decisions], expected, equal_nan=True)


async def test_decisions_see_what_training_would_see_of_the_same_history(
    remembering: Database,
) -> None:
    engine = DecisionEngine(remembering)
    requests = some(300)
    decisions = []
    for start, size in ((0, 1), (1, 120), (121, 29), (150, 150)):
        decisions += await decide_all(engine, requests[start : start + size])
    await closed(engine)
    assert same(decisions, replayed(requests, decisions))


async def test_scores_follow_from_the_values_that_are_stored_with_the_decision(
    remembering: Database, habits: Trained
) -> None:
    engine = DecisionEngine(remembering)
    requests = some(40)
    decisions = await decide_all(engine, requests)
    scorer = Scorer(habits.artifact)
    for request, decision in zip(requests, decisions, strict=True):
        with remembering.read() as connection:
            kept = stored_decision(connection, PAYMENT.name, decision.event_id)
        assert kept == decision
        variables = {"amount": float(request.sent.variables["amount"])}
        variables |= {"merchant": request.sent.variables["merchant"]}
        [score] = scorer.score([variables], [_at(request)], [seen(kept)])
        assert list(decision.scores.values()) == [score]
    await closed(engine)


async def test_an_explanation_is_about_what_was_seen_then(
    remembering: Database, habits: Trained
) -> None:
    engine = DecisionEngine(remembering)
    request = card_payment("first", at=now(), amount=40)
    decision = await engine.decide(request)
    await decide_all(engine, [card_payment(f"later-{n}", at=now()) for n in range(30)])
    variables = {"amount": 40.0, "merchant": "m"}
    expected = Scorer(habits.artifact).explain(variables, _at(request), seen(decision))
    assert await engine.explain(decision) == {"habits_insightscore": expected}
    # One that was read from a list of recent decisions, say, without the values.
    bare = Decision(
        **{f: getattr(decision, f) for f in decision.__struct_fields__ if f != "profile_values"}
    )
    assert await engine.explain(bare) == {"habits_insightscore": expected}
    await closed(engine)


async def test_profiles_survive_a_restart(remembering: Database) -> None:
    requests = some(120)
    decisions = []
    for start in (0, 40, 80):
        engine = DecisionEngine(Database(remembering.url))
        decisions += await decide_all(engine, requests[start : start + 40])
        await closed(engine)
    assert same(decisions, replayed(requests, decisions))


async def test_hundreds_at_once_are_each_counted_once(remembering: Database) -> None:
    engine = DecisionEngine(remembering)
    decisions = await decide_all(engine, [card_payment(f"e-{n}") for n in range(400)])
    assert sorted(seen(d)[COUNT] for d in decisions) == list(range(400))
    await closed(engine)


async def test_a_repeat_and_a_conflict_are_not_counted(remembering: Database) -> None:
    engine = DecisionEngine(remembering)
    at = now()
    first = await engine.decide(card_payment("e-1", at=at))
    together = await asyncio.gather(
        *(engine.decide(card_payment("e-1", at=at)) for _ in range(20)),
        *(engine.decide(card_payment("e-1", at=at, amount=6)) for _ in range(5)),
        return_exceptions=True,
    )
    assert [seen(d)[COUNT] for d in together[:20] if isinstance(d, Decision)] == [0.0] * 20
    assert seen(first) == pytest.approx(seen(together[0]), nan_ok=True)  # type: ignore[arg-type]
    assert seen(await engine.decide(card_payment("e-2")))[COUNT] == 1.0
    await closed(engine)


class Opener:
    """Opens no case for the events whose id ends in `13`, by failing after all else was done."""

    def watched_outcomes(self, connection: Connection) -> frozenset[str]:
        return frozenset({"approve"})

    def open_case(self, connection: Connection, suspicion: Suspicion) -> tuple[str | None, str]:
        if suspicion.event.event_id.endswith("13"):
            raise RuntimeError("no case today")
        return None, ""

    def opened(self, case_id: str) -> None:
        raise AssertionError(case_id)


async def test_what_is_rolled_back_leaves_no_trace(remembering: Database) -> None:
    engine = DecisionEngine(remembering, Opener())
    requests = some(60)
    answers = await asyncio.gather(*map(engine.decide, requests), return_exceptions=True)
    more = some(20, seed=9, prefix="f")
    decisions = [a for a in answers if isinstance(a, Decision)] + await decide_all(
        engine, [request for request in more if not request.sent.event_id.endswith("13")]
    )
    kept = [r for r in [*requests, *more] if not r.sent.event_id.endswith("13")]
    assert len(decisions) == len(kept) == 78
    assert same(decisions, replayed(kept, decisions))
    await closed(engine)


async def test_a_label_changes_the_risk_once_its_delay_is_over(remembering: Database) -> None:
    engine = DecisionEngine(remembering)
    begin = now() - timedelta(hours=20)

    async def risk(event_id: str, hours: float) -> float:
        request = card_payment(event_id, event_id, begin + timedelta(hours=hours), merchant="x")
        return seen(await engine.decide(request))[RISK]

    await risk("e-1", 0)
    assert await risk("e-2", 5) == 0.0
    with remembering.write() as connection:
        label_event(connection, PAYMENT.name, "e-1", "fraud", source="phone")
    assert not await risk("e-3", 0.5) > 0.0
    assert await risk("e-4", 5.1) == pytest.approx(1 / 2)
    with remembering.write() as connection:
        label_event(connection, PAYMENT.name, "e-1", "fraud", source="analyst")
    assert await risk("e-5", 5.2) == pytest.approx(1 / 2)
    with remembering.write() as connection:
        label_event(connection, PAYMENT.name, "e-1", None, source="analyst")
    assert await risk("e-6", 5.3) == 0.0
    await closed(engine)


async def test_states_are_those_that_the_log_gives(remembering: Database) -> None:
    engine = DecisionEngine(remembering)
    await decide_all(engine, some(150))
    for number in range(0, 150, 7):
        with remembering.write() as connection:
            label_event(connection, PAYMENT.name, f"e-{number:04}", "fraud", source="phone")
    await decide_all(engine, some(50, seed=1, prefix="f"))
    live = states(remembering)
    assert build_plan(remembering, PLAN) == 200
    assert states(remembering) == live
    assert live
    again = await engine.decide(card_payment("last", "c1"))
    assert seen(again)[COUNT] > 0
    await closed(engine)


async def test_two_servers_see_what_the_other_decided(remembering: Database) -> None:
    engines = [DecisionEngine(Database(remembering.url)) for _ in range(2)]
    requests = some(200)
    answers = await asyncio.gather(
        *(engines[number % 2].decide(request) for number, request in enumerate(requests))
    )
    assert same(answers, replayed(requests, answers))
    await closed(*engines)


async def test_servers_and_labels_do_not_wait_in_a_circle(remembering: Database) -> None:
    engines = [DecisionEngine(Database(remembering.url)) for _ in range(2)]
    await decide_all(engines[0], some(40))

    def label(number: int) -> None:
        with remembering.write() as connection:
            label_event(connection, PAYMENT.name, f"e-{number:04}", "fraud", source="phone")

    await asyncio.gather(
        *(asyncio.to_thread(label, number) for number in range(40)),
        *(e.decide(r) for n, e in enumerate(engines) for r in some(60, seed=n, prefix=f"s{n}")),
    )
    live = states(remembering)
    build_plan(remembering, PLAN)
    assert states(remembering) == live
    await closed(*engines)


async def test_a_decision_without_profiles_stores_none(
    published: Database, engine: DecisionEngine
) -> None:
    assert (await engine.decide(payment("e-1"))).profile_values is None
    with published.read() as connection:
        assert stored_decision(connection, PAYMENT.name, "e-1").profile_values is None
        assert connection.execute(select(profile_plans)).all() == []
    assert stored(published) == (["e-1"], ["e-1"])


def test_a_runtime_refuses_to_decide_without_the_values_it_needs(
    remembering: Database, habits: Trained
) -> None:
    with remembering.read() as connection:
        runtime = Catalog().active(connection, PAYMENT.name, None)
        assert load_artifact(connection, "habits", "1.0").plan == PLAN
        assert built_at(connection, PLAN) is not None
    event = runtime.reader.read(card_payment("e-1").sent, now())
    with pytest.raises(InvalidInput, match="looks at profiles"):
        runtime.decide([event])
    [(scores, _)] = runtime.decide([event], {PLAN.plan_id: [[math.nan] * len(PLAN.aggregates)]})
    assert 0 <= scores["habits_insightscore"] <= 1000


def test_activating_again_keeps_the_states(remembering: Database) -> None:
    with remembering.write() as connection:
        activate_detector_version(connection, "guard", "2")
        assert built_at(connection, PLAN) is not None
