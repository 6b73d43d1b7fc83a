"""Batch prediction and batch import of very many events through boto3 and S3.

    python -m bench frauddetector
    python bench/frauddetector/batch.py [events]

The events have 30 variables (those of `bench.bulk`), the detector a model of type
ONLINE_FRAUD_INSIGHTS that learned from 100,000 of them, and three rules. S3 is moto's server on the
same machine, whose work is in the figures. The peer is Amazon Fraud Detector as its users tell:
5,000 events in 5 minutes.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

if not __package__:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.bulk import EVENT_TYPE, write_payments
from bench.frauddetector.stores import BUCKET, client, s3
from bench.servers import ringfence
from bench.tables import print_table

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
from ringfence.events import put_event_type
from ringfence.models import create_model, read_data, store_version, train
from ringfence.rules import Rule
from ringfence.storage import Database, migrate

EVENTS = 1_000_000
IMPORTED = 200_000
_LEARNED = 100_000
_ROLE = "arn:aws:iam::123456789012:role/bench"
_POLL_SECONDS = 0.25
_RULES = (("high", "> 900", "block"), ("middle", "> 700", "review"), ("low", "<= 700", "approve"))


def main(events: int = EVENTS) -> None:
    with TemporaryDirectory() as folder, s3():
        data_dir = Path(folder) / "data"
        _prepare(data_dir, Path(folder))
        path = Path(folder) / "events.parquet"
        write_payments(path, max(events, IMPORTED))
        frame = _as_sent(pl.read_parquet(path))
        size = _put(frame.head(events), Path(folder), "prediction/events.csv")
        _put(_labelled(frame.head(IMPORTED)), Path(folder), "import/events.csv")
        with ringfence(data_dir) as server:
            aws = client("frauddetector", server.port)
            predicted = _run(aws, "prediction", detectorName="payments")
            imported = _run(aws, "import")
    print_table(
        f"Batch jobs by boto3, 30 variables, {size / 1e6:,.0f} MB of CSV for {events:,} events",
        ("Job", "Events", "Seconds", "Events per second"),
        [
            ("prediction: model and 3 rules", *_figures(events, predicted)),
            ("prediction by Amazon Fraud Detector, as told", *_figures(5_000, 300.0)),
            ("import, with labels", *_figures(IMPORTED, imported)),
        ],
    )


def _figures(events: int, seconds: float) -> tuple[str, str, str]:
    return f"{events:,}", f"{seconds:,.1f}", f"{events / seconds:,.0f}"


def _prepare(data_dir: Path, folder: Path) -> None:
    """A model that has learned, and a detector that uses it."""
    learned = folder / "learned.parquet"
    write_payments(learned, _LEARNED)
    trained = train(read_data(learned, EVENT_TYPE), seed=1)
    data_dir.mkdir()
    database = Database(f"sqlite:///{data_dir / 'ringfence.db'}")
    migrate(database)
    with database.write() as connection:
        put_event_type(connection, EVENT_TYPE)
        create_model(connection, "payments_model", EVENT_TYPE.name)
        model = store_version(connection, "payments_model", trained)
        put_detector(connection, Detector(detector_id="payments", event_type=EVENT_TYPE.name))
        for rule_id, test, outcome in _RULES:
            put_outcome(connection, outcome)
            expression = f"$payments_model_insightscore {test}"
            put_rule(
                connection,
                "payments",
                Rule(rule_id=rule_id, version="1", expression=expression, outcomes=(outcome,)),
            )
        version = create_detector_version(
            connection,
            "payments",
            rules=[RuleRef(rule_id, "1") for rule_id, _, _ in _RULES],
            models=[ModelRef("payments_model", model.version)],
        )
        activate_detector_version(connection, "payments", version.version)
    database.dispose()


def _as_sent(frame: pl.DataFrame) -> pl.DataFrame:
    """The columns that a batch job's file has."""
    at = pl.col("EVENT_TIMESTAMP").dt.strftime("%Y-%m-%d %H:%M:%S")
    return frame.with_row_index("number").select(
        pl.format("event-{}", "number").alias("EVENT_ID"),
        at.alias("EVENT_TIMESTAMP"),
        pl.lit("customer").alias("ENTITY_TYPE"),
        pl.col("customer_id").alias("ENTITY_ID"),
        *(variable.name for variable in EVENT_TYPE.variables),
        "EVENT_LABEL",
    )


def _labelled(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(LABEL_TIMESTAMP=pl.lit("2026-12-01T00:00:00Z"))


def _put(frame: pl.DataFrame, folder: Path, key: str) -> int:
    path = folder / "events.csv"
    frame.write_csv(path)
    client("s3").upload_file(str(path), BUCKET, key)
    return path.stat().st_size


def _run(aws: Any, kind: str, **options: str) -> float:
    """Have a job done; the seconds from asking for it until it is complete."""
    name = {"prediction": "BatchPrediction", "import": "BatchImport"}[kind]
    word = {"prediction": "batch_prediction", "import": "batch_import"}[kind]
    began = time.perf_counter()
    getattr(aws, f"create_{word}_job")(
        jobId="bench",
        inputPath=f"s3://{BUCKET}/{kind}/events.csv",
        outputPath=f"s3://{BUCKET}/{kind}-output",
        eventTypeName=EVENT_TYPE.name,
        iamRoleArn=_ROLE,
        **options,
    )
    while True:
        (job,) = getattr(aws, f"get_{word}_jobs")(jobId="bench")[f"{name[0].lower()}{name[1:]}s"]
        if "IN_PROGRESS" not in job["status"]:
            break
        time.sleep(_POLL_SECONDS)
    if job["status"] != "COMPLETE":
        sys.exit(f"the {kind} ended as {job['status']}: {job.get('failureReason')}")
    return time.perf_counter() - began


if __name__ == "__main__":
    main(*(int(text) for text in sys.argv[1:2]))
