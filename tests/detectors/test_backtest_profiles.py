from __future__ import annotations

import asyncio
import random
from collections import Counter
from datetime import timedelta
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
from publishing import DAY, PAYMENT, PLAN, card_payment, publish, publish_model, rule, seen
from sqlalchemy import select

from ringfence.detectors import Decision, DecisionEngine, ModelRef
from ringfence.detectors.backtest.history import FiledEvents, LoggedEvents, Window
from ringfence.detectors.backtest.judging import backtest, subject
from ringfence.detectors.catalog import Catalog
from ringfence.detectors.plans import build_plan
from ringfence.events import tables
from ringfence.models import Trained
from ringfence.storage import Database, now


async def decided(database: Database, habits: Trained) -> dict[str, Decision]:
    """Decisions with profiles about payments of the last days by few cards, out of order."""
    with database.write() as connection:
        publish_model(connection, habits)
        publish(
            connection,
            msgspec.structs.replace(rule("large"), expression="$habits_insightscore > 500"),
            rule("any"),
            models=[ModelRef("habits", "1.0")],
        )
    await asyncio.to_thread(build_plan, database, PLAN)
    engine = DecisionEngine(database)
    chance = random.Random(3)
    present = now()
    requests = [
        card_payment(
            f"e-{number:03}",
            f"c{chance.randrange(4)}",
            present - timedelta(seconds=chance.random() * 2 * DAY),
            amount=chance.randrange(1, 900),
            merchant=f"m{chance.randrange(3)}",
        )
        for number in range(200)
    ]
    decisions = [await engine.decide(request) for request in requests[:50]]
    decisions += await asyncio.gather(*(engine.decide(request) for request in requests[50:]))
    await asyncio.to_thread(engine.close)
    return {decision.event_id: decision for decision in decisions}


async def test_a_backtest_remembers_what_the_engine_remembered(
    published: Database, habits: Trained
) -> None:
    decisions = await decided(published, habits)
    with published.read() as connection:
        tested = subject(connection, Catalog(), "guard")
        assert tested.runtime.plans
        past = LoggedEvents(connection, tested.event_type, Window())
        order = select(tables.events.c.event_id).order_by(
            tables.events.c.at, tables.events.c.event_id
        )
        ids = list(connection.execute(order).scalars())
        values = past.remembered(PLAN, lambda share: None)
        report = backtest(past, [tested], alert_outcomes={"call"})
        half = Window(since=now() - timedelta(seconds=DAY))
        later = LoggedEvents(connection, tested.event_type, half)
        of_later = later.remembered(PLAN, lambda share: None)
        [first] = backtest(later, [tested], alert_outcomes={"call"}).versions
    expected = np.array([seen(decisions[event_id]) for event_id in ids])
    assert np.array_equal(values, expected, equal_nan=True)
    assert 0 < len(of_later) < len(ids)
    assert np.array_equal(of_later, expected[-len(of_later) :], equal_nan=True)
    assert first.totals.events == len(of_later)
    outcomes = Counter(name for d in decisions.values() for name in d.outcomes)
    assert {o.outcome: o.events for o in report.versions[0].outcomes} == outcomes
    assert len(outcomes) > 1


def test_a_file_is_replayed_through_the_profiles(
    published: Database, habits: Trained, tmp_path: Path
) -> None:
    with published.write() as connection:
        publish_model(connection, habits)
    start = now() - timedelta(days=30)
    pl.DataFrame(
        {
            "EVENT_TIMESTAMP": [(start + timedelta(hours=n)).isoformat() for n in range(60)],
            "EVENT_LABEL": ["fraud" if n % 7 == 0 else "legit" for n in range(60)],
            "amount": [float(n) for n in range(60)],
            "merchant": ["m"] * 60,
            "card_id": [f"c{n % 2}" for n in range(60)],
        }
    ).write_csv(tmp_path / "past.csv")
    with published.read() as connection:
        tested = subject(connection, Catalog(), "guard")
    shares: list[float] = []
    whole = FiledEvents(tmp_path / "past.csv", PAYMENT, Window())
    part = FiledEvents(tmp_path / "past.csv", PAYMENT, Window(since=start + timedelta(hours=30)))
    values = whole.remembered(PLAN, lambda share: None)
    assert np.array_equal(part.remembered(PLAN, lambda share: None), values[30:], equal_nan=True)
    report = backtest(part, [tested], alert_outcomes={"call"}, progress=shares.append)
    assert report.events == 30
    assert shares[-1] == 1.0
    assert shares == sorted(shares)
