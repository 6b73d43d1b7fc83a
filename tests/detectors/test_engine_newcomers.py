"""Accounts that sign in for the first time, and models of takeovers that say nothing of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from logged_logins import LOGIN, log, sent

from ringfence.detectors import (
    DecisionEngine,
    Detector,
    ModelRef,
    Request,
    RuleRef,
    activate_detector_version,
    build_profiles,
    create_detector_version,
    put_detector,
    put_outcome,
    put_rule,
)
from ringfence.events import put_event_type
from ringfence.models import (
    ModelType,
    Trained,
    create_model,
    read_data,
    store_version,
    train_takeover,
)
from ringfence.models.trainings import (
    DataSource,
    TrainingRequest,
    ask_for_version,
    finish_training,
)
from ringfence.rules import Rule
from ringfence.simulation.logins import LoginOptions, generate_logins
from ringfence.storage import Database, now

LOGINS = generate_logins(LoginOptions(logins=3_000, accounts=110, days=60, labelled=0.0, seed=5))
SCORE = "takeovers_insightscore"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    path = tmp_path_factory.mktemp("logins") / "logins.parquet"
    LOGINS.write_parquet(path)
    return train_takeover(read_data(path, LOGIN, labels_required=False))


def guard(database: Database, trained: Trained, *, for_client: bool) -> None:
    """A detector that decides by the model, trained as a client of Fraud Detector asks or not."""
    with database.write() as connection:
        put_event_type(connection, LOGIN)
        log(connection, LOGINS)
        create_model(
            connection, "takeovers", LOGIN.name, model_type=ModelType.ACCOUNT_TAKEOVER_INSIGHTS
        )
        if for_client:
            asked = TrainingRequest(
                source=DataSource.INGESTED_EVENTS, variables=("ip_address", "user_agent")
            )
            version = ask_for_version(connection, "takeovers", asked, by="client").version
            finish_training(connection, "takeovers", version, trained)
        else:
            version = store_version(connection, "takeovers", trained).version
        put_detector(connection, Detector(detector_id="sign_in", event_type=LOGIN.name))
        rules = []
        for name, expression in (("newcomer", f"${SCORE} < 0"), ("known", f"${SCORE} >= 0")):
            put_outcome(connection, name)
            rule = Rule(rule_id=name, version="1", expression=expression, outcomes=(name,))
            rules.append(put_rule(connection, "sign_in", rule))
        create_detector_version(
            connection,
            "sign_in",
            rules=[RuleRef(rule.rule_id, rule.version) for rule in rules],
            models=[ModelRef("takeovers", version)],
        )
        activate_detector_version(connection, "sign_in", "1")
    build_profiles(database, "sign_in", "1")


async def said_of(database: Database, *accounts: str) -> list[tuple[float, str]]:
    """The score and the outcome of a login of each account, one after the other."""
    engine = DecisionEngine(database)
    row: Mapping[str, object] = LOGINS.row(0, named=True)
    found = []
    for number, account in enumerate(accounts):
        login = sent({**row, "ENTITY_ID": account}, f"new-{number}", now())
        decision = await engine.decide(Request(event_type=LOGIN.name, sent=login))
        found.append((decision.scores[SCORE], decision.outcomes[0]))
    await asyncio.to_thread(engine.close)
    return found


async def test_a_first_login_scores_minus_one_and_the_second_does_not(
    database: Database, trained: Trained
) -> None:
    guard(database, trained, for_client=True)
    known = str(LOGINS["ENTITY_ID"][0])
    first, second, of_known, nobody = await said_of(
        database, "newcomer", "newcomer", known, "unknown"
    )
    assert first == (-1.0, "newcomer")
    assert nobody == (-1.0, "newcomer")
    for score, outcome in (second, of_known):
        assert 0 <= score <= 1000
        assert outcome == "known"


async def test_a_model_of_our_own_judges_a_first_login_too(
    database: Database, trained: Trained
) -> None:
    guard(database, trained, for_client=False)
    ((score, outcome),) = await said_of(database, "newcomer")
    assert 0 <= score <= 1000
    assert outcome == "known"
