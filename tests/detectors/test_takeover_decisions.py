"""From generated logins to a decision about a stranger, with a model that no label taught."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from logged_logins import LOGIN, log, sent

from ringfence.detectors import (
    Decision,
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
from ringfence.events import Value, put_event_type
from ringfence.models import (
    ModelType,
    create_model,
    read_data,
    store_version,
    train_takeover,
)
from ringfence.rules import Rule
from ringfence.simulation.logins import LoginOptions, generate_logins
from ringfence.storage import Database

STRANGER: Mapping[str, Value] = {
    "ip_address": "185.220.101.7",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "device_id": "dev_nobodyhasseenit",
    "are_credentials_valid": True,
    "session_id": "ses_x",
    "latitude": -33.92,
    "longitude": 18.42,
}


@pytest.fixture(scope="module")
def logins() -> pl.DataFrame:
    return generate_logins(LoginOptions(logins=3_000, accounts=110, days=60, labelled=0.0, seed=3))


@pytest.fixture
def guarded(database: Database, logins: pl.DataFrame, tmp_path: Path) -> Database:
    """A database with the logins, and a detector that challenges by a model of takeovers."""
    path = tmp_path / "logins.parquet"
    logins.write_parquet(path)
    trained = train_takeover(read_data(path, LOGIN, labels_required=False))
    rules = [
        ("challenge", "$takeovers_insightscore > 700"),
        ("pass", "$takeovers_insightscore <= 700"),
    ]
    with database.write() as connection:
        put_event_type(connection, LOGIN)
        log(connection, logins)
        create_model(
            connection, "takeovers", LOGIN.name, model_type=ModelType.ACCOUNT_TAKEOVER_INSIGHTS
        )
        store_version(connection, "takeovers", trained)
        put_detector(connection, Detector(detector_id="sign_in", event_type=LOGIN.name))
        for name, expression in rules:
            put_outcome(connection, name)
            put_rule(
                connection,
                "sign_in",
                Rule(rule_id=name, version="1", expression=expression, outcomes=(name,)),
            )
        version = create_detector_version(
            connection,
            "sign_in",
            models=[ModelRef("takeovers", "1.0")],
            rules=[RuleRef(name, "1") for name, _ in rules],
        )
    build_profiles(database, "sign_in", version.version)
    with database.write() as connection:
        activate_detector_version(connection, "sign_in", version.version)
    return database


@pytest.fixture
async def engine(guarded: Database) -> AsyncIterator[DecisionEngine]:
    opened = DecisionEngine(guarded)
    yield opened
    await asyncio.to_thread(opened.close)


async def decided(
    engine: DecisionEngine, row: Mapping[str, object], event_id: str, at: datetime
) -> Decision:
    return await engine.decide(Request(event_type=LOGIN.name, sent=sent(row, event_id, at)))


async def test_a_stranger_is_challenged_and_the_owner_is_not(
    engine: DecisionEngine, logins: pl.DataFrame
) -> None:
    # Someone who always came with the same device and was here lately.
    steady = (
        logins.group_by("ENTITY_ID")
        .agg(pl.col("device_id").n_unique(), pl.len(), pl.col("ip_address").n_unique())
        .filter((pl.col("device_id") == 1) & (pl.col("len") >= 10))
        .sort("ip_address", "ENTITY_ID")
    )
    account = steady["ENTITY_ID"][0]
    usual = logins.filter((pl.col("ENTITY_ID") == account) & pl.col("are_credentials_valid")).row(
        -1, named=True
    )
    at = datetime.fromisoformat(logins["EVENT_TIMESTAMP"][-1]) + timedelta(hours=6)

    owner = await decided(engine, usual, "owner", at)
    stranger = await decided(engine, {**usual, **STRANGER}, "stranger", at + timedelta(hours=1))

    assert owner.outcomes == ("pass",)
    assert owner.scores["takeovers_insightscore"] < 300
    assert stranger.outcomes == ("challenge",)
    explained = (await engine.explain(stranger))["takeovers_insightscore"]
    texts = {c.variable: c.text for c in explained}
    assert re.match(
        r"(this account with this device_id was never seen|nothing is remembered of this account)",
        texts["profile.account~device_id"],
    )
    assert "raises the risk" in texts["profile.account~device_id"]
    # What is decided about is remembered: the same device is not as strange an hour later.
    again = await decided(engine, {**usual, **STRANGER}, "again", at + timedelta(hours=2))
    less = (await engine.explain(again))["takeovers_insightscore"]
    assert sum(c.log_odds for c in less) < sum(c.log_odds for c in explained)
