"""What shadows do while events are decided about, and above all what they do not do."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from publishing import (
    OTHER_PLAN,
    PAYMENT,
    PLAN,
    card_payment,
    payment,
    prepare,
    publish,
    publish_model,
    rule,
    trained_on_amounts,
)
from sqlalchemy import Connection, func, select, update

from ringfence.detectors import (
    Decision,
    DecisionEngine,
    MatchedRule,
    ModelRef,
    Request,
    RuleRef,
    Shadow,
    ShadowState,
    Suspicion,
    activate_detector_version,
    create_detector_version,
    get_shadow,
    list_shadows,
    put_rule,
    start_shadow,
    stop_shadow,
)
from ringfence.detectors import tables as detector_tables
from ringfence.detectors.plans import build_plan, hold_plans
from ringfence.models import ModelType, Trained, create_model, store_version
from ringfence.models import tables as model_tables
from ringfence.models.scoring import Scorer
from ringfence.profiles import History, replay
from ringfence.rules import ExecutionMode, Rule
from ringfence.storage import Database, migrate, now


def draft(
    connection: Connection,
    *rules: Rule,
    models: Sequence[ModelRef] = (),
    mode: ExecutionMode = ExecutionMode.FIRST_MATCHED,
) -> str:
    """A new version of `guard` with these rules that does not decide."""
    stored = [put_rule(connection, "guard", sent) for sent in rules]
    return create_detector_version(
        connection,
        "guard",
        rules=[RuleRef(sent.rule_id, sent.version) for sent in stored],
        models=models,
        mode=mode,
    ).version


def start(database: Database, *rules: Rule, **options: Any) -> str:
    """A draft with these rules, started as a shadow."""
    with database.write() as connection:
        version = draft(connection, *rules, **options)
        start_shadow(connection, "guard", version, by="ann")
    return version


def store_habits(connection: Connection, trained: Trained) -> ModelRef:
    """A model version that looks at profiles."""
    create_model(
        connection, "habits", PAYMENT.name, model_type=ModelType.TRANSACTION_FRAUD_INSIGHTS
    )
    return ModelRef("habits", store_version(connection, "habits", trained).version)


def shadow(database: Database, version: str) -> Shadow:
    with database.read() as connection:
        return get_shadow(connection, "guard", version)


def said(database: Database, version: str) -> dict[str, Any]:
    """What a shadow said, by event id."""
    table = detector_tables.shadow_decisions
    with database.read() as connection:
        rows = connection.execute(select(table).where(table.c.version == version)).all()
    return {row.event_id: row for row in rows}


async def until_scoring(engine: DecisionEngine, database: Database, *versions: str) -> None:
    """Wait until shadows score, sending events meanwhile as clients do."""
    number = 0
    while not all(shadow(database, v).state is ShadowState.SCORING for v in versions) or not all(
        f"warm-{number - 1}" in said(database, v) for v in versions
    ):
        engine.catalog.look_again()
        await engine.decide(payment(f"warm-{number}"))
        await asyncio.sleep(0.02)
        number += 1
        assert number < 1_000, [shadow(database, version) for version in versions]


def some(count: int, *, seed: int = 0) -> list[Request]:
    chance = random.Random(seed)
    present = now()
    return [
        card_payment(
            f"e-{number:04}",
            f"c{chance.randrange(4)}",
            present - timedelta(seconds=chance.random() * 100_000),
            amount=chance.randrange(1, 500),
            merchant=chance.choice(["odd", "m1", "m2"]),
        )
        for number in range(count)
    ]


def time_of(request: Request) -> datetime:
    assert isinstance(request.sent.at, datetime)
    return request.sent.at


async def decide_all(engine: DecisionEngine, requests: Sequence[Request]) -> list[Decision]:
    return list(await asyncio.gather(*(engine.decide(request) for request in requests)))


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
    decisions = await decide_all(engine, some(300))
    rows = said(published, version)
    assert len({decision.scores["trees_insightscore"] for decision in decisions}) >= 5
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


@pytest.fixture
def twins(new_database: Callable[[str], Database]) -> Iterator[tuple[DecisionEngine, ...]]:
    """Two engines that decide alike; beside the first run two shadows, of which one fails for
    amounts of 13."""
    engines = []
    for _ in range(2):
        database = new_database("sqlite")
        migrate(database)
        with database.write() as connection:
            prepare(connection)
            publish(connection, rule("large"), rule("odd"), rule("any"))
        engines.append(DecisionEngine(database))
        if len(engines) == 1:
            versions = [start(database, rule("any")), start(database, rule("odd"), rule("large"))]
            asyncio.run(until_scoring(engines[0], database, *versions))
            _break(engines[0], versions[0], poison=13.0)
    yield tuple(engines)
    for engine in engines:
        engine.close()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sent=st.lists(
        st.tuples(
            st.one_of(st.integers(0, 30), st.integers(90, 110), st.just("much")),
            st.sampled_from(["odd", "m1", None]),
        ),
        min_size=1,
        max_size=25,
    )
)
def test_with_shadows_running_every_answer_is_what_it_is_without(
    twins: tuple[DecisionEngine, ...], sent: list[tuple[int | str, str | None]]
) -> None:
    prefix = uuid.uuid4().hex
    requests = [
        payment(f"{prefix}-{number % 20}", amount=amount, merchant=merchant)
        for number, (amount, merchant) in enumerate(sent)
    ]

    async def answers(engine: DecisionEngine) -> list[object]:
        found = await asyncio.gather(*map(engine.decide, requests), return_exceptions=True)
        return [
            msgspec.structs.replace(answer, decided_at=None)
            if isinstance(answer, Decision)
            else str(answer)
            for answer in found
        ]

    with_shadows, without = (asyncio.run(answers(engine)) for engine in twins)
    assert with_shadows == without


class BrokenRules:
    """Rules that an extension module could fail in; `poison` is the amount that it chokes on."""

    def __init__(self, poison: float | None, error: BaseException):
        self._poison = poison
        self._error = error

    def evaluate(self, values: dict[str, Any], at: object) -> tuple[()]:
        if self._poison is None or values.get("amount") == self._poison:
            raise self._error
        return ()


def _break(
    engine: DecisionEngine,
    version: str,
    poison: float | None = None,
    error: BaseException = ValueError("no"),  # noqa: B008
) -> None:
    for ready in engine.catalog.ready_shadows("guard"):
        if ready.version.version == version:
            ready.rule_set = BrokenRules(poison, error)  # type: ignore[assignment]


@pytest.mark.parametrize("error", [ValueError("card 5399411802536781"), SystemExit("panic")])
async def test_a_shadow_that_fails_on_an_event_fails_no_decision_and_goes_on_with_the_next(
    published: Database, engine: DecisionEngine, error: BaseException
) -> None:
    broken, whole = start(published, rule("any")), start(published, rule("odd"))
    await until_scoring(engine, published, broken, whole)
    _break(engine, broken, poison=13.0, error=error)
    decisions = await decide_all(engine, [payment(f"e-{n}", amount=n) for n in range(40)])
    assert all(decision.outcomes == ("approve",) for decision in decisions)
    rows = said(published, broken)
    failed = {event_id for event_id, row in rows.items() if row.failure is not None}
    assert failed == {"e-13"}
    assert rows["e-13"].failure.startswith(type(error).__name__)
    assert "5399411802536781" not in rows["e-13"].failure
    assert {f"e-{n}" for n in range(40)} <= rows.keys() & said(published, whole).keys()


async def test_a_shadow_whose_model_cannot_be_loaded_says_so_and_recovers(
    published: Database, engine: DecisionEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringfence.detectors.shadowing._RETRY_SECONDS", 0.0)
    with published.write() as connection:
        create_model(connection, "trees", PAYMENT.name)
        store_version(connection, "trees", trained_on_amounts(tmp_path))
        artifacts = model_tables.model_versions
        whole = connection.execute(select(artifacts.c.artifact)).scalar_one()
        connection.execute(update(artifacts).values(artifact=b"{}"))
    version = start(
        published,
        rule("scored", "$trees_insightscore > 500"),
        rule("any"),
        models=[ModelRef("trees", "1.0")],
    )
    for number in range(400):
        engine.catalog.look_again()
        assert (await engine.decide(payment(f"e-{number}"))).outcomes == ("approve",)
        if shadow(published, version).state is ShadowState.TROUBLED:
            break
        await asyncio.sleep(0.01)
    troubled = shadow(published, version)
    assert troubled.state is ShadowState.TROUBLED
    assert troubled.trouble is not None
    assert troubled.trouble.startswith("cannot be loaded")
    assert said(published, version) == {}
    with published.write() as connection:
        connection.execute(update(artifacts).values(artifact=whole))
    await until_scoring(engine, published, version)
    assert shadow(published, version).trouble is None


async def test_a_shadow_warms_up_until_its_profiles_are_built_and_then_sees_what_serving_sees(
    published: Database, engine: DecisionEngine, habits: Trained, other_habits: Trained
) -> None:
    with published.write() as connection:
        publish_model(connection, other_habits, "others")
    build_plan(published, OTHER_PLAN)
    requests = some(60)
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
