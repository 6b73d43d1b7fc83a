"""Shadows started beside a deciding engine, and what they said."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from publishing import (
    PAYMENT,
    card_payment,
    payment,
)
from sqlalchemy import Connection, select

from ringfence.detectors import (
    Decision,
    DecisionEngine,
    ModelRef,
    Request,
    RuleRef,
    Shadow,
    ShadowState,
    create_detector_version,
    get_shadow,
    put_rule,
    start_shadow,
)
from ringfence.detectors import tables as detector_tables
from ringfence.models import ModelType, Trained, create_model, store_version
from ringfence.rules import ExecutionMode, Rule
from ringfence.storage import Database, now


def draft(
    connection: Connection,
    *rules: Rule,
    models: Sequence[ModelRef] = (),
    mode: ExecutionMode = ExecutionMode.FIRST_MATCHED,
    external_models: Sequence[str] = (),
) -> str:
    """A new version of `guard` with these rules that does not decide."""
    stored = [put_rule(connection, "guard", sent) for sent in rules]
    return create_detector_version(
        connection,
        "guard",
        rules=[RuleRef(sent.rule_id, sent.version) for sent in stored],
        models=models,
        mode=mode,
        external_models=external_models,
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
    """How a shadow of `guard` is doing."""
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


def payments_by_cards(count: int, *, seed: int = 0) -> list[Request]:
    """Payments of the last days by few cards, late and out of order."""
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
    """When a payment was made, as the client says."""
    assert isinstance(request.sent.at, datetime)
    return request.sent.at


async def decide_all(engine: DecisionEngine, requests: Sequence[Request]) -> list[Decision]:
    """The decisions about all of them, asked for at once."""
    return list(await asyncio.gather(*(engine.decide(request) for request in requests)))
