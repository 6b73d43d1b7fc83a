"""A shadow that fails, cannot be loaded, or would be waited for: no decision notices."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from endpoints import Remote, asked_at, remote
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from publishing import (
    PAYMENT,
    payment,
    prepare,
    publish,
    rule,
    trained_on_amounts,
)
from shadows_at_work import (
    decide_all,
    draft,
    said,
    shadow,
    start,
    until_scoring,
)
from sqlalchemy import select, update

from ringfence.detectors import (
    Decision,
    DecisionEngine,
    ModelRef,
    ShadowState,
    activate_detector_version,
    start_shadow,
)
from ringfence.detectors.external import define_external_model
from ringfence.errors import Conflict
from ringfence.models import create_model, store_version
from ringfence.models import tables as model_tables
from ringfence.storage import Database


@pytest.fixture
def endpoint() -> Iterator[Remote]:
    with remote() as running:
        yield running


@pytest.fixture
def twins(new_database: Callable[[str], Database]) -> Iterator[tuple[DecisionEngine, ...]]:
    """Two engines that decide alike; beside the first run two shadows, of which one fails for
    amounts of 13."""
    engines = []
    for _ in range(2):
        database = new_database("sqlite")
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
        # Of two that are sent at once under one id, either may be the first.
        found = [
            answer
            for at_once in (requests[:20], requests[20:])
            for answer in await asyncio.gather(*map(engine.decide, at_once), return_exceptions=True)
        ]
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
    monkeypatch.setattr("ringfence.detectors.shadows.scoring._RETRY_SECONDS", 0.0)
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


async def test_a_shadow_is_told_what_an_endpoint_said_to_the_deciding_version(
    published: Database, engine: DecisionEngine, endpoint: Remote
) -> None:
    rules = (rule("high", "$remote_score > 500"), rule("any"))
    with published.write() as connection:
        define_external_model(connection, asked_at(endpoint.url))
        active = draft(connection, *rules, external_models=["remote"])
        activate_detector_version(connection, "guard", active)
    version = start(published, *rules, external_models=["remote"])
    await until_scoring(engine, published, version)
    before = len(endpoint.asked)
    decision = await engine.decide(payment("e-1"))
    assert len(endpoint.asked) == before + 1
    row = said(published, version)["e-1"]
    assert row.scores == decision.scores == {"remote_score": 800.0}
    assert tuple(row.outcomes) == decision.outcomes
    # The next deciding version does not ask it, and nobody waits for a shadow.
    with published.write() as connection:
        activate_detector_version(connection, "guard", "1")
    engine.catalog.look_again()
    await engine.decide(payment("e-2"))
    await engine.decide(payment("e-3"))
    assert "would have to be waited for" in said(published, version)["e-3"].failure
    assert not any("e-3" in asked.body for asked in endpoint.asked)


async def test_a_version_that_decisions_would_have_to_wait_for_is_no_shadow(
    published: Database, endpoint: Remote
) -> None:
    with published.write() as connection:
        define_external_model(connection, asked_at(endpoint.url))
        version = draft(connection, rule("any"), external_models=["remote"])
        with pytest.raises(Conflict, match="would have to wait for external model 'remote'"):
            start_shadow(connection, "guard", version, by="ann")
