"""A small event type, and detectors published for it."""

from __future__ import annotations

import csv
import math
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, select

from ringfence.detectors import (
    Decision,
    Detector,
    DetectorVersion,
    ModelRef,
    Request,
    RuleRef,
    activate_detector_version,
    create_detector_version,
    put_detector,
    put_outcome,
    put_rule,
)
from ringfence.detectors import tables as detector_tables
from ringfence.events import (
    DataType,
    Entity,
    EventType,
    SentEvent,
    Variable,
    VariableType,
    put_event_type,
)
from ringfence.events import tables as event_tables
from ringfence.models import (
    ModelType,
    Trained,
    create_model,
    list_models,
    read_data,
    store_version,
    train,
)
from ringfence.profiles import Aggregate, Kind, ProfilePlan, Source
from ringfence.rules import ExecutionMode, Rule
from ringfence.storage import Database

PAYMENT = EventType(
    name="card_payment",
    variables=(
        Variable("amount", DataType.FLOAT, VariableType.PRICE, default=0.0),
        Variable("merchant", DataType.STRING, VariableType.CATEGORICAL, default="unknown"),
    ),
)

EXPRESSIONS = {"large": "$amount > 100", "odd": '$merchant == "odd"', "any": "$amount >= 0"}
OUTCOMES = {"large": ("call", "review"), "odd": ("review",), "any": ("approve",)}


def rule(rule_id: str, expression: str | None = None) -> Rule:
    """A rule as somebody sends it; its version is not for them to say."""
    return Rule(
        rule_id=rule_id,
        version="1",
        expression=expression or EXPRESSIONS[rule_id],
        outcomes=OUTCOMES.get(rule_id, ("review",)),
    )


def prepare(connection: Connection, detector_id: str = "guard") -> None:
    """An event type, the outcomes and a detector without a version."""
    put_event_type(connection, PAYMENT)
    for outcome in ("call", "review", "approve"):
        put_outcome(connection, outcome)
    put_detector(connection, Detector(detector_id=detector_id, event_type=PAYMENT.name))


def publish(
    connection: Connection,
    *rules: Rule,
    detector_id: str = "guard",
    models: Sequence[ModelRef] = (),
    mode: ExecutionMode = ExecutionMode.FIRST_MATCHED,
) -> DetectorVersion:
    """A new version with these rules, deciding from now on."""
    stored = [put_rule(connection, detector_id, sent) for sent in rules]
    draft = create_detector_version(
        connection,
        detector_id,
        rules=[RuleRef(sent.rule_id, sent.version) for sent in stored],
        models=models,
        mode=mode,
    )
    activate_detector_version(connection, detector_id, draft.version)
    return draft


def payment(
    event_id: str,
    detector_id: str | None = None,
    event_type: str = PAYMENT.name,
    **variables: object,
) -> Request:
    """A request to decide about a payment."""
    return Request(
        event_type=event_type,
        sent=SentEvent(event_id=event_id, variables=variables or {"amount": 5}),
        detector_id=detector_id,
    )


def trained_on_amounts(directory: Path, *, fraud_below: bool = False) -> Trained:
    """A model that has learned that large amounts are fraud, or that small ones are."""
    rng = random.Random(1)
    path = directory / "payments.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["EVENT_TIMESTAMP", "EVENT_ID", "EVENT_LABEL", "amount", "merchant"])
        for n in range(2_000):
            fraud = rng.random() < 0.1
            is_large = fraud is not fraud_below
            amount = rng.uniform(500, 900) if is_large else rng.uniform(1, 600)
            at = f"2026-{1 + n // 200:02}-{1 + n % 200 // 10:02}T{n % 10:02}:00:00Z"
            label = "fraud" if fraud else "legit"
            writer.writerow([at, f"e{n}", label, round(amount, 2), rng.choice("abcd")])
    return train(read_data(path, PAYMENT))


CARD, MERCHANT = Source(entity="card"), Source(variable="merchant")
AMOUNT = Source(variable="amount")
DAY = 86_400.0

PLAN = ProfilePlan(
    PAYMENT.name,
    (
        Aggregate(name="count", kind=Kind.COUNT, by=(CARD,)),
        Aggregate(name="sum.1d", kind=Kind.SUM, by=(CARD,), value=AMOUNT, horizon_seconds=DAY),
        Aggregate(name="ratio", kind=Kind.RATIO, by=(CARD,), value=AMOUNT),
        Aggregate(name="pair", kind=Kind.COUNT, by=(CARD, MERCHANT)),
        Aggregate(
            name="risk",
            kind=Kind.RISK,
            by=(MERCHANT,),
            horizon_seconds=DAY,
            delay_seconds=3_600.0,
            smoothing=0.0,
        ),
    ),
)
COUNT, RISK = PLAN.names.index("count"), PLAN.names.index("risk")
OTHER_PLAN = ProfilePlan(PAYMENT.name, PLAN.aggregates[:2])


def trained_on_habits(directory: Path, plan: ProfilePlan = PLAN) -> Trained:
    """A model that looks at what is remembered of cards and merchants."""
    rng = random.Random(2)
    path = directory / f"habits-{plan.plan_id}.csv"
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        columns = ["EVENT_TIMESTAMP", "EVENT_ID", "EVENT_LABEL", "amount", "merchant", "card_id"]
        writer.writerow(columns)
        for n in range(2_000):
            fraud = rng.random() < 0.1
            usual = rng.randrange(1, 30)
            writer.writerow(
                [
                    (begin + timedelta(hours=n)).isoformat(),
                    f"e{n}",
                    "fraud" if fraud else "legit",
                    usual * (rng.randrange(5, 9) if fraud else 1) * 10,
                    rng.choice("abcd"),
                    f"c{usual}",
                ]
            )
    return train(read_data(path, PAYMENT), plan=plan)


def publish_model(
    connection: Connection, trained: Trained, model_id: str = "habits", detector_id: str = "guard"
) -> DetectorVersion:
    """A detector version that decides with the next version of this model, and it only."""
    if model_id not in {model.model_id for model in list_models(connection)}:
        create_model(
            connection, model_id, PAYMENT.name, model_type=ModelType.TRANSACTION_FRAUD_INSIGHTS
        )
    version = store_version(connection, model_id, trained)
    return publish(
        connection,
        rule("any"),
        detector_id=detector_id,
        models=[ModelRef(model_id, version.version)],
    )


def card_payment(
    event_id: str,
    card: str = "c1",
    at: datetime | None = None,
    detector_id: str | None = None,
    **variables: object,
) -> Request:
    """A request to decide about a payment by a card."""
    return Request(
        event_type=PAYMENT.name,
        sent=SentEvent(
            event_id=event_id,
            at=at,
            entities=(Entity("card", card),),
            variables={"amount": 5, "merchant": "m"} | variables,
        ),
        detector_id=detector_id,
    )


def seen(decision: Decision, plan: ProfilePlan = PLAN) -> list[float]:
    """The profile values that a decision was made with; NaN where there was none."""
    assert decision.profile_values is not None
    values = decision.profile_values[plan.plan_id]
    return [math.nan if value is None else value for value in values]


def stored(database: Database) -> tuple[list[str], list[str]]:
    """The ids of the stored events and decisions, sorted."""
    events, decisions = event_tables.events.c.event_id, detector_tables.decisions.c.event_id
    with database.read() as connection:
        return (
            sorted(connection.execute(select(events)).scalars()),
            sorted(connection.execute(select(decisions)).scalars()),
        )
