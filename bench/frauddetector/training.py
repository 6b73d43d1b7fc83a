"""From `create_model_version` to a version that is active, with 100,000 events.

    python bench/frauddetector/training.py [events]

Generated payments: ONLINE_FRAUD_INSIGHTS learns from a file in S3 (moto's server on the same
machine), TRANSACTION_FRAUD_INSIGHTS from events that are stored, with all that it remembers of
them. The limit is `ringfence train` on the same file, on this machine. The peer is Amazon Fraud
Detector as its users tell: 45 minutes at the least, and 6 to activate.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

if not __package__:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.frauddetector.stores import BUCKET, client, s3
from bench.servers import ringfence
from bench.tables import print_table

EVENTS = 100_000
_EVENT_TYPE = "card_payment"
_ROLE = "arn:aws:iam::123456789012:role/bench"
_POLL_SECONDS = 0.1
_PEER_TRAINING, _PEER_ACTIVATION = 45 * 60.0, 6 * 60.0
_WINDOW = {"startTime": "2000-01-01T00:00:00Z", "endTime": "2100-01-01T00:00:00Z"}


def main(events: int = EVENTS) -> None:
    rows = []
    with TemporaryDirectory() as folder, s3():
        path, data_dir = Path(folder) / "payments.csv", Path(folder) / "data"
        _run("simulate", str(path), "--transactions", str(events), "--seed", "5")
        limits = {
            model_type: _seconds_of(
                *("train", str(path), "--type", model_type),
                *("--data-dir", str(Path(folder) / model_type)),
            )
            for model_type in ("ONLINE_FRAUD_INSIGHTS", "TRANSACTION_FRAUD_INSIGHTS")
        }
        client("s3").upload_file(str(path), BUCKET, "payments.csv")
        _run("events", "import", str(path), "--type", _EVENT_TYPE, "--data-dir", str(data_dir))
        with ringfence(data_dir) as server:
            aws = client("frauddetector", server.port)
            sources = {
                "ONLINE_FRAUD_INSIGHTS": {
                    "trainingDataSource": "EXTERNAL_EVENTS",
                    "externalEventsDetail": {
                        "dataLocation": f"s3://{BUCKET}/payments.csv",
                        "dataAccessRoleArn": _ROLE,
                    },
                },
                "TRANSACTION_FRAUD_INSIGHTS": {
                    "trainingDataSource": "INGESTED_EVENTS",
                    "ingestedEventsDetail": {"ingestedEventsTimeWindow": _WINDOW},
                },
            }
            for model_type, source in sources.items():
                trained, active = _version(aws, model_type, source)
                rows.append(
                    [
                        model_type,
                        f"{trained:.1f} s",
                        f"{trained / limits[model_type]:.2f}",
                        f"{_PEER_TRAINING / trained:,.0f} times",
                        f"{active:.2f} s",
                        f"{_PEER_ACTIVATION / active:,.0f} times",
                    ]
                )
    print_table(
        f"`create_model_version` with {events:,} events, to complete, and then to active",
        ("", "trained", "by `ringfence train`", "faster", "active after", "faster"),
        rows,
    )


def _version(aws: Any, model_type: str, source: dict[str, Any]) -> tuple[float, float]:
    """The seconds until a version of this type is trained, and until it then is active."""
    (of_type,) = aws.get_event_types(name=_EVENT_TYPE)["eventTypes"]
    model = {"modelId": model_type.lower(), "modelType": model_type}
    aws.create_model(**model, eventTypeName=_EVENT_TYPE)
    began = time.perf_counter()
    made = aws.create_model_version(
        **model,
        trainingDataSchema={
            "modelVariables": of_type["eventVariables"],
            "labelSchema": {"labelMapper": {"FRAUD": ["fraud"], "LEGIT": ["legit"]}},
        },
        **source,
    )
    version = {**model, "modelVersionNumber": made["modelVersionNumber"]}
    _wait(aws, version, "TRAINING_COMPLETE")
    trained = time.perf_counter() - began
    aws.update_model_version_status(**version, status="ACTIVE")
    _wait(aws, version, "ACTIVE")
    return trained, time.perf_counter() - began - trained


def _wait(aws: Any, version: dict[str, str], wanted: str) -> None:
    while (status := aws.get_model_version(**version)["status"]) != wanted:
        if status == "ERROR":
            sys.exit(f"the training failed: {aws.describe_model_versions(**version)}")
        time.sleep(_POLL_SECONDS)


def _run(*arguments: str) -> None:
    command = [sys.executable, "-m", "ringfence", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _seconds_of(*arguments: str) -> float:
    began = time.perf_counter()
    _run(*arguments)
    return time.perf_counter() - began


if __name__ == "__main__":
    main(*(int(text) for text in sys.argv[1:2]))
