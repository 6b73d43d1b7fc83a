"""What shadows do while events are decided about, and above all what they do not do."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import msgspec
from publishing import (
    OTHER_PLAN,
    PAYMENT,
    PLAN,
    card_payment,
    payment,
    publish,
    publish_model,
    rule,
    trained_on_amounts,
)
from shadows_at_work import (
    decide_all,
    draft,
    payments_by_cards,
    said,
    shadow,
    start,
    store_habits,
    time_of,
    until_scoring,
)
from sqlalchemy import Connection, func, select

from ringfence.detectors import (
    DecisionEngine,
    MatchedRule,
    ModelRef,
    ShadowState,
    Suspicion,
    activate_detector_version,
    list_shadows,
    put_rule,
    start_shadow,
    stop_shadow,
)
from ringfence.detectors import tables as detector_tables
from ringfence.detectors.plans import build_plan, hold_plans
from ringfence.models import Trained, create_model, store_version
from ringfence.models.scoring import Scorer
from ringfence.profiles import History, replay
from ringfence.rules import ExecutionMode
from ringfence.storage import Database


async def test_a_shadow_says_its_own_of_every_event_and_the_answer_is_the_deciding_versions(
    published: Database, engine: DecisionEngine
) -> None:
    version = start(published, rule("odd"), rule("large"), mode=ExecutionMode.ALL_MATCHED)
    await until_scoring(engine, published, version)
    decision = await engine.decide(payment("e-1", amount=250, merchant="odd"))
    assert (decision.detector_version, decision.outcomes) == ("1", ("call", "review"))
    row = said(published, version)["e-1"]
    assert row.outcomes == ["review", "call"]
    assert [matched["rule_id"] for matched in row.rule_results] == ["odd", "large"]
    assert (row.decided_at, row.failure) == (decision.decided_at, None)
    assert (row.detector_id, row.scores) == ("guard", {})


async def test_a_shadow_that_is_a_copy_says_exactly_what_was_decided(
    published: Database, engine: DecisionEngine, tmp_path: Path
) -> None:
    trained = trained_on_amounts(tmp_path)
    rules = (rule("scored", "$trees_insightscore > 500"), rule("large"), rule("any"))
    with published.write() as connection:
        create_model(connection, "trees", PAYMENT.name)
        store_version(connection, "trees", trained)
        publish(connection, *rules, models=[ModelRef("trees", "1.0")])
    version = start(published, *rules, models=[ModelRef("trees", "1.0")])
    await until_scoring(engine, published, version)
    decisions = await decide_all(engine, payments_by_cards(300))
    rows = said(published, version)
    assert len({decision.scores["trees_insightscore"] for decision in decisions}) > 1
    for decision in decisions:
        row = rows[decision.event_id]
        assert row.scores == decision.scores
        assert tuple(row.outcomes) == decision.outcomes
        assert msgspec.convert(row.rule_results, tuple[MatchedRule, ...]) == decision.rules


async def test_several_shadows_run_at_once_and_each_from_its_start_until_it_is_stopped(
    published: Database, engine: DecisionEngine
) -> None:
    first = start(published, rule("any"))
    await until_scoring(engine, published, first)
    second = start(published, rule("odd"), rule("any"))
    await until_scoring(engine, published, second)
    await engine.decide(payment("both", merchant="odd"))
    with published.write() as connection:
        stop_shadow(connection, "guard", first, by="bob")
    engine.catalog.look_again()
    await engine.decide(payment("one", merchant="odd"))
    await engine.decide(payment("more", merchant="odd"))
    assert "both" in said(published, first)
    assert said(published, second)["both"].outcomes == ["review"]
    assert "more" not in said(published, first)
    assert "more" in said(published, second)


class Opener:
    """Notes what it is asked to open."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    def watched_outcomes(self, connection: Connection) -> frozenset[str]:
        return frozenset({"call"})

    def open_case(self, connection: Connection, suspicion: Suspicion) -> tuple[str | None, str]:
        self.asked.append(suspicion.outcomes)
        return None, ""

    def opened(self, case_id: str) -> None:
        raise AssertionError(case_id)


async def test_a_shadow_opens_no_case(published: Database) -> None:
    opener = Opener()
    engine = DecisionEngine(published, opener)
    version = start(published, msgspec.structs.replace(rule("any"), outcomes=("call",)))
    await until_scoring(engine, published, version)
    await engine.decide(payment("e-1", amount=5))
    assert said(published, version)["e-1"].outcomes == ["call"]
    assert opener.asked == []
    await asyncio.to_thread(engine.close)


async def test_a_shadow_warms_up_until_its_profiles_are_built_and_then_sees_what_serving_sees(
    published: Database, engine: DecisionEngine, habits: Trained, other_habits: Trained
) -> None:
    with published.write() as connection:
        publish_model(connection, other_habits, "others")
    build_plan(published, OTHER_PLAN)
    requests = payments_by_cards(60)
    decisions = await decide_all(engine, requests[:40])
    with published.write() as connection:
        version = draft(connection, rule("any"), models=[store_habits(connection, habits)])
        start_shadow(connection, "guard", version, by="ann")
        assert PLAN.plan_id not in hold_plans(connection, [PAYMENT.name]).get(PAYMENT.name, ())
    assert shadow(published, version).state is ShadowState.WARMING_UP
    await until_scoring(engine, published, version)
    decisions += await decide_all(engine, requests[40:])
    rows = said(published, version)
    assert not any(f"e-{n:04}" in rows for n in range(40))
    variables = {
        name: [request.sent.variables[name] for request in requests]
        for name in ("amount", "merchant")
    }
    remembered = replay(
        PLAN,
        History(
            at=[time_of(request).timestamp() for request in requests],
            received=[decision.decided_at.timestamp() for decision in decisions],
            variables=variables,
            entities={"card": [request.sent.entities[0].entity_id for request in requests]},
        ),
        processes=1,
    )
    scorer = Scorer(habits.artifact)
    for number in range(40, 60):
        of_event = {name: values[number] for name, values in variables.items()}
        [score] = scorer.score(
            [of_event], [time_of(requests[number])], [remembered[number].tolist()]
        )
        assert rows[f"e-{number:04}"].scores == {"habits_insightscore": score}


async def test_profiles_of_a_shadow_are_kept_while_it_runs_and_given_up_when_it_stops(
    published: Database, engine: DecisionEngine, habits: Trained
) -> None:
    with published.write() as connection:
        model = store_habits(connection, habits)
    version = start(published, rule("any"), models=[model])
    await until_scoring(engine, published, version)
    with published.write() as connection:
        activate_detector_version(connection, "guard", "1")
        assert hold_plans(connection, [PAYMENT.name]) == {PAYMENT.name: [PLAN.plan_id]}
        stop_shadow(connection, "guard", version, by="ann")
        assert hold_plans(connection, [PAYMENT.name]) == {}
    await engine.decide(card_payment("after"))
    assert "after" not in said(published, version)


async def test_activating_a_shadow_ends_it_in_the_same_transaction(
    published: Database, engine: DecisionEngine
) -> None:
    version = start(published, rule("any"))
    await until_scoring(engine, published, version)
    with published.write() as connection:
        activate_detector_version(connection, "guard", version)
        assert list_shadows(connection, "guard", running_only=True) == []
    engine.catalog.look_again()
    await engine.decide(payment("e-1", amount=5))
    decision = await engine.decide(payment("e-2", amount=5))
    assert decision.detector_version == version
    assert "e-2" not in said(published, version)
    ended = shadow(published, version)
    assert (ended.state, ended.stopped_by) == (ShadowState.STOPPED, "activation")


async def test_a_definition_that_changes_leaves_no_event_out(
    published: Database, engine: DecisionEngine
) -> None:
    version = start(published, rule("any"))
    await until_scoring(engine, published, version)
    for number in range(20):
        with published.write() as connection:
            put_rule(connection, "guard", rule("new", f"$amount > {number}"))
        engine.catalog.look_again()
        await decide_all(engine, [payment(f"e-{number}-{n}") for n in range(5)])
    assert {f"e-{number}-{n}" for number in range(20) for n in range(5)} <= said(
        published, version
    ).keys()


async def test_a_repeat_is_not_scored_again(published: Database, engine: DecisionEngine) -> None:
    version = start(published, rule("any"))
    await until_scoring(engine, published, version)
    await decide_all(engine, [payment("e-1", amount=5) for _ in range(20)])
    table = detector_tables.shadow_decisions
    with published.read() as connection:
        count = connection.execute(
            select(func.count()).select_from(table).where(table.c.event_id == "e-1")
        ).scalar_one()
    assert count == 1


_KILLED = """
import asyncio, os, sys
sys.path.insert(0, sys.argv[2])
from publishing import payment
from ringfence.detectors import DecisionEngine
from ringfence.storage import Database

async def work():
    engine = DecisionEngine(Database(sys.argv[1]))
    async def one(n):
        await engine.decide(payment(f"e-{n}", amount=n))
        os.write(1, b".\\n")
    for start in range(0, 100_000, 50):
        await asyncio.gather(*(one(n) for n in range(start, start + 50)))

asyncio.run(work())
"""


def test_after_a_kill_decisions_and_what_the_shadow_said_of_them_are_both_there(
    published: Database,
) -> None:
    version = start(published, rule("any"))
    process = subprocess.Popen(
        [sys.executable, "-c", _KILLED, published.url, str(Path(__file__).parent)],
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    while not said(published, version):
        assert process.stdout.readline()
    for _ in range(130):
        assert process.stdout.readline()
    process.kill()
    process.stdout.read()
    process.wait()
    decisions, shadows = detector_tables.decisions, detector_tables.shadow_decisions
    with published.read() as connection:
        since = connection.execute(select(func.min(shadows.c.decided_at))).scalar_one()
        decided = connection.execute(
            select(decisions.c.event_id).where(decisions.c.decided_at >= since)
        ).scalars()
        assert set(decided) == said(published, version).keys()
