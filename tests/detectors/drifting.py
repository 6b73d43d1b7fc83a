"""A model version trained on simulated payments, and the payments that came after."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
from sqlalchemy import Connection, insert

from ringfence.detectors import (
    Detector,
    ModelRef,
    RuleRef,
    activate_detector_version,
    create_detector_version,
    put_detector,
    put_outcome,
    put_rule,
)
from ringfence.detectors import tables as detector_tables
from ringfence.events import Entity, EventType, put_event_type
from ringfence.events import tables as event_tables
from ringfence.examples import read_example
from ringfence.models import (
    ModelType,
    Scorer,
    Trained,
    create_model,
    output_variable,
    plan_for,
    read_data,
    store_version,
    train,
)
from ringfence.models.boosting import parameters_for
from ringfence.models.splitting import split
from ringfence.models.trials import Recipe
from ringfence.rules import ExecutionMode, Rule
from ringfence.simulation import Options, generate

MODEL = "card_fraud"
START = datetime(2026, 3, 2, tzinfo=UTC)
LEARNED_DAYS = 70
EVENT_TYPE = msgspec.json.decode(read_example("event_type.json"), type=EventType)


def simulated(**options: Any) -> pl.DataFrame:
    """Simulated payments of 105 days, 60 a day, with their times as times."""
    chosen = {"transactions": 6_300, "days": 105, "start": START, "seed": 5, "fraud_share": 0.08}
    frame = generate(Options(**{**chosen, **options}))
    return frame.with_columns(
        pl.col("EVENT_TIMESTAMP").str.to_datetime(time_zone="UTC", time_unit="us").alias("at")
    ).sort("at", "EVENT_ID")


def learned(frame: pl.DataFrame) -> pl.DataFrame:
    """What is learned from: the first 70 days."""
    return frame.filter(pl.col("at") < START + timedelta(days=LEARNED_DAYS))


def later(frame: pl.DataFrame) -> pl.DataFrame:
    """The five weeks after that."""
    return frame.filter(pl.col("at") >= START + timedelta(days=LEARNED_DAYS))


def trained_on(frame: pl.DataFrame, directory: Path, *, remembering: bool = False) -> Trained:
    """A model that has learned from these payments."""
    path = directory / "payments.parquet"
    frame.drop("at").write_parquet(path)
    data = read_data(path, EVENT_TYPE)
    rows = split(data.rows)
    # Good enough to rank by, and grown at once.
    recipe = Recipe(
        parameters_for(rows, remembering=remembering)
        | {"num_iterations": 40, "learning_rate": 0.15, "num_leaves": 15, "max_bin": 63}
    )
    return train(data, plan=plan_for(data) if remembering else None, seed=1, recipe=recipe)


def publish(connection: Connection, trained: Trained) -> str:
    """Store a training as the model's next version, and decide with it; the version."""
    put_event_type(connection, EVENT_TYPE)
    put_outcome(connection, "approve")
    put_detector(connection, Detector(detector_id="guard", event_type=EVENT_TYPE.name))
    kind = (
        ModelType.ONLINE_FRAUD_INSIGHTS
        if trained.artifact.plan is None
        else ModelType.TRANSACTION_FRAUD_INSIGHTS
    )
    create_model(connection, MODEL, EVENT_TYPE.name, model_type=kind)
    version = store_version(connection, MODEL, trained).version
    rule = put_rule(
        connection,
        "guard",
        Rule(
            rule_id="any",
            version="1",
            expression=f"${output_variable(MODEL)} >= 0",
            outcomes=("approve",),
        ),
    )
    draft = create_detector_version(
        connection,
        "guard",
        rules=[RuleRef(rule.rule_id, rule.version)],
        models=[ModelRef(MODEL, version)],
        mode=ExecutionMode.FIRST_MATCHED,
    )
    activate_detector_version(connection, "guard", draft.version)
    return version


def decide(
    connection: Connection,
    frame: pl.DataFrame,
    trained: Trained,
    *,
    remembered: Sequence[Sequence[float]] | None = None,
    labelled: bool = True,
    detector_version: str = "1",
) -> None:
    """Put payments into the event log with the decisions that the model leads to."""
    names = [variable.name for variable in EVENT_TYPE.variables if variable.name in frame.columns]
    rows = frame.select(names).to_dicts()
    ats = frame["at"].to_list()
    scorer = Scorer(trained.artifact)
    scores = scorer.score(rows, ats, remembered)
    plan = trained.artifact.plan
    events, decisions = [], []
    for place, (row, at, of_row) in enumerate(
        zip(rows, ats, frame.iter_rows(named=True), strict=True)
    ):
        event_id = f"{of_row['EVENT_ID']}-{place}"
        events.append(
            {
                "event_type": EVENT_TYPE.name,
                "event_id": event_id,
                "at": at,
                "received_at": at,
                "entities": [
                    Entity("customer", of_row["customer_id"]),
                    Entity("card", of_row["card_id"]),
                ],
                "variables": row,
                "content_hash": b"0" * 16,
                "label": of_row["EVENT_LABEL"] if labelled else None,
            }
        )
        decisions.append(
            {
                "event_type": EVENT_TYPE.name,
                "event_id": event_id,
                "detector_id": "guard",
                "detector_version": detector_version,
                "decided_at": at,
                "scores": {output_variable(MODEL): scores[place]},
                "rule_results": [],
                "outcomes": [],
                "profile_values": None
                if plan is None or remembered is None
                else {plan.plan_id: [None if x != x else float(x) for x in remembered[place]]},
            }
        )
    connection.execute(insert(event_tables.events), events)
    connection.execute(insert(detector_tables.decisions), decisions)
