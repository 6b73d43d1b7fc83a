"""A model that decides, and a log in which a new kind of fraud has appeared since."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import polars as pl
from publishing import PAYMENT, prepare, publish, rule
from sqlalchemy import Connection

from ringfence.detectors import DetectorVersion, ModelRef, label_event
from ringfence.events import Entity, Event, EventReader, SentEvent
from ringfence.events.log import append_events
from ringfence.models import ModelType, Trained, create_model, store_version, train
from ringfence.models.data import data_of
from ringfence.profiles import Aggregate, Kind, ProfilePlan, Source
from ringfence.storage import Database

MODEL = "amounts"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
KNOWN_UNTIL = BEGIN + timedelta(days=60)
NOW = BEGIN + timedelta(days=160)
PLAN = ProfilePlan(
    PAYMENT.name,
    (
        Aggregate(name="count", kind=Kind.COUNT, by=(Source(entity="card"),)),
        Aggregate(
            name="ratio",
            kind=Kind.RATIO,
            by=(Source(entity="card"),),
            value=Source(variable="amount"),
        ),
    ),
)
Row = tuple[datetime, float, str, str, bool]


def known_kind(chance: random.Random) -> tuple[float, str]:
    """Fraud of old: large amounts, anywhere."""
    return chance.uniform(350, 900), chance.choice("abcd")


def new_kind(chance: random.Random) -> tuple[float, str]:
    """Fraud of late: ordinary amounts at shops that few go to."""
    return chance.uniform(20, 120), chance.choice("xyz")


def rows(
    count: int,
    begin: datetime,
    end: datetime,
    fraud: Callable[[random.Random], tuple[float, str]],
    seed: int = 1,
) -> list[Row]:
    """Payments in order of time, every tenth of them a fraud of that kind."""
    chance = random.Random(seed)
    step = (end - begin) / count
    made: list[Row] = []
    for number in range(count):
        is_fraud = chance.random() < 0.1
        shop = chance.choice("abcdx" if chance.random() < 0.2 else "abcd")
        amount = chance.lognormvariate(4, 0.8)
        if is_fraud:
            amount, shop = fraud(chance)
        card = f"c{chance.randrange(40)}"
        made.append((begin + number * step, round(amount, 2), shop, card, is_fraud))
    return made


def trained(seed: int = 1, plan: ProfilePlan | None = None) -> Trained:
    """A model that knows the fraud of old."""
    known = rows(2_500, BEGIN, KNOWN_UNTIL, known_kind, seed)
    table = pl.DataFrame(
        {
            "EVENT_TIMESTAMP": [row[0] for row in known],
            "EVENT_LABEL": ["fraud" if row[4] else "legit" for row in known],
            "amount": [row[1] for row in known],
            "merchant": [row[2] for row in known],
            "card_id": [row[3] for row in known],
        }
    )
    return train(data_of(table, PAYMENT, source="known"), plan=plan)


def events_of(past: Sequence[Row], prefix: str = "e") -> list[Event]:
    """The same as events of the log."""
    reader = EventReader(PAYMENT)
    return [
        reader.read(
            SentEvent(
                event_id=f"{prefix}{number:06}",
                at=at,
                entities=(Entity("card", card),),
                variables={"amount": amount, "merchant": shop},
            ),
            at,
        )
        for number, (at, amount, shop, card, _) in enumerate(past)
    ]


def log(
    connection: Connection,
    past: Sequence[Row],
    *,
    labelled: Callable[[int], bool] = lambda number: True,
    source: str = "phone",
    prefix: str = "e",
) -> None:
    """Put payments into the log as if they had come at their time, and label them a day later."""
    events = events_of(past, prefix)
    for event in events:
        append_events(connection, [event], event.at)
    for number, (event, row) in enumerate(zip(events, past, strict=True)):
        if labelled(number):
            label_event(
                connection,
                PAYMENT.name,
                event.event_id,
                "fraud" if row[4] else "legit",
                source=source,
                at=event.at + timedelta(days=1),
            )


def deciding(
    database: Database, champion: Trained, detectors: Sequence[str] = ("guard",)
) -> list[DetectorVersion]:
    """Detectors that decide with version 1.0 of the model."""
    with database.write() as connection:
        for detector_id in detectors:
            prepare(connection, detector_id)
        kind = ModelType.ONLINE_FRAUD_INSIGHTS
        if champion.artifact.plan is not None:
            kind = ModelType.TRANSACTION_FRAUD_INSIGHTS
        create_model(connection, MODEL, PAYMENT.name, model_type=kind)
        store_version(connection, MODEL, champion)
        return [
            publish(
                connection,
                rule("large", f"${MODEL}_insightscore > 900"),
                rule("any"),
                detector_id=detector_id,
                models=[ModelRef(MODEL, "1.0")],
            )
            for detector_id in detectors
        ]


def changed_times(database: Database, count: int = 2_500) -> None:
    """The log since: the fraud of old is gone, and another has come."""
    with database.write() as connection:
        log(connection, rows(count, KNOWN_UNTIL + timedelta(hours=1), NOW, new_kind, seed=2))
