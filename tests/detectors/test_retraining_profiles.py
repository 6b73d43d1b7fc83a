"""What a model learns of profiles from the log is what serving saw at that moment."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import timedelta

import numpy as np
from publishing import DAY, PAYMENT, PLAN, card_payment, prepare, publish_model, seen

from ringfence.detectors import DecisionEngine, label_event
from ringfence.detectors.plans import build_plan
from ringfence.models import Trained
from ringfence.models.history import remembered
from ringfence.models.logged import data_from_log
from ringfence.storage import Database, now


async def test_training_from_the_log_remembers_what_serving_did(
    new_database: Callable[[str], Database], habits: Trained
) -> None:
    database = new_database("sqlite")
    with database.write() as connection:
        prepare(connection)
        publish_model(connection, habits)
    await asyncio.to_thread(build_plan, database, PLAN)
    engine = DecisionEngine(database)
    chance = random.Random(4)
    begin = now() - timedelta(seconds=2 * DAY)
    decisions = {}
    for number in range(120):
        request = card_payment(
            f"e-{number:03}",
            f"c{chance.randrange(4)}",
            begin + timedelta(seconds=number * DAY / 60),
            amount=chance.randrange(1, 900),
            merchant=f"m{chance.randrange(3)}",
        )
        decision = await engine.decide(request)
        decisions[decision.event_id] = decision
        if number % 3 == 0:
            with database.write() as connection:
                label = "fraud" if number % 2 else "legit"
                label_event(connection, PAYMENT.name, f"e-{number:03}", label, source="phone")
    await asyncio.to_thread(engine.close)

    data = data_from_log(database, PAYMENT)
    assert data.rows == 40
    values = remembered(data, PLAN, lambda share: None)
    expected = np.array([seen(decisions[f"e-{number:03}"]) for number in range(0, 120, 3)])
    # Risk goes by when labels came, which here is the present, after all of these payments.
    known = [place for place, name in enumerate(PLAN.names) if name != "risk"]
    assert np.array_equal(values[:, known], expected[:, known], equal_nan=True)
