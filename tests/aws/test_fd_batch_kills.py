"""Batch jobs whose processes are killed: nothing is done twice, nothing is left out."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from job_processes import kill_worker
from s3_stores import BUCKET, Store, running_store
from sqlalchemy import func, select

from ringfence.aws.jobs.job import Job, JobKind, JobStatus
from ringfence.aws.jobs.records import add_job, get_job
from ringfence.aws.jobs.runner import JobRunner
from ringfence.detectors import (
    Detector,
    RuleRef,
    create_detector_version,
    put_detector,
    put_outcome,
    put_rule,
)
from ringfence.events import (
    DataType,
    EventType,
    Variable,
    VariableType,
    put_event_type,
    tables,
)
from ringfence.rules import Rule
from ringfence.settings import Settings
from ringfence.storage import Database, migrate

HEADER = "EVENT_ID,EVENT_TIMESTAMP,ENTITY_TYPE,ENTITY_ID,amount,note"
EVENT_TYPE = EventType(
    name="payment",
    variables=(
        Variable("amount", DataType.FLOAT, VariableType.PRICE, 0.0),
        Variable("note", DataType.STRING, VariableType.FREE_FORM_TEXT, ""),
    ),
)
PATIENCE_SECONDS = 120.0


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with running_store() as store:
        yield store


@pytest.fixture
def bank(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Database, JobRunner]]:
    """A database with an event type and a detector of one rule, and a runner."""
    for name, value in store.environment.items():
        monkeypatch.setenv(name, value)
    settings = Settings(data_dir=tmp_path)
    database = Database(settings.url)
    migrate(database)
    with database.write() as connection:
        put_event_type(connection, EVENT_TYPE)
        put_outcome(connection, "block")
        put_detector(connection, Detector(detector_id="guard", event_type="payment"))
        rule = Rule(rule_id="large", version="1", expression="$amount > 100", outcomes=("block",))
        put_rule(connection, "guard", rule)
        create_detector_version(connection, "guard", rules=[RuleRef("large", "1")], models=[])
    runner = JobRunner(settings, database, lease=timedelta(seconds=5))
    runner.start()
    yield database, runner
    runner.close()
    database.dispose()


def test_an_import_that_is_killed_stores_every_event_once(
    bank: tuple[Database, JobRunner], store: Store, tmp_path: Path
) -> None:
    database, runner = bank
    count = 16_000
    # Every hundredth record is refused, so that what was told before a kill must be told after it.
    rows = [
        f"e-{n},2026-03-01 10:00:00,customer,c{n % 9},{'much' if n % 100 == 7 else n},x"
        for n in range(count)
    ]
    path = store.put("in/import.csv", "\n".join([HEADER, *rows]) + "\n")
    _ask(database, runner, JobKind.BATCH_IMPORT, path)
    for done in (2_000, 8_000):
        _until(database, JobKind.BATCH_IMPORT, lambda job, done=done: job.processed >= done)  # type: ignore[misc]
        kill_worker(tmp_path, "job")
    job = _until(database, JobKind.BATCH_IMPORT, lambda job: job.status.is_final)
    assert (job.status, job.attempts) == (JobStatus.COMPLETE, 3)
    assert (job.processed, job.failed, job.total) == (count, count // 100, count)
    with database.read() as connection:
        stored = connection.execute(select(func.count()).select_from(tables.events)).scalar_one()
    assert stored == count - count // 100
    listed = list(csv.DictReader(io.StringIO(store.get(_output(store, "import-out")))))
    assert [int(row["ROW"]) for row in listed] == list(range(8, count + 1, 100))


def test_a_prediction_that_is_killed_writes_every_event_once(
    bank: tuple[Database, JobRunner], store: Store, tmp_path: Path
) -> None:
    database, runner = bank
    count = 4_000
    note = "word " * 1_600  # some events make a part
    rows = [f"e-{n},2026-03-01 10:00:00,customer,c1,{n % 200},{note}" for n in range(count)]
    path = store.put("in/predict.csv", "\n".join([HEADER, *rows]) + "\n")
    _ask(database, runner, JobKind.BATCH_PREDICTION, path, detector="guard", version="1")
    killed = 0
    while killed < 2:
        before = _read(database, JobKind.BATCH_PREDICTION).processed
        _until(
            database,
            JobKind.BATCH_PREDICTION,
            lambda job, before=before: job.processed > before or job.status.is_final,  # type: ignore[misc]
        )
        killed += 1
        kill_worker(tmp_path, "job")
    job = _until(database, JobKind.BATCH_PREDICTION, lambda job: job.status.is_final)
    assert (job.status, job.failure) == (JobStatus.COMPLETE, None)
    assert (job.processed, job.failed, job.total) == (count, 0, count)
    found = list(csv.DictReader(io.StringIO(store.get(_output(store, "prediction-out")))))
    assert [row["EVENT_ID"] for row in found] == [f"e-{n}" for n in range(count)]
    assert {row["OUTCOMES"] for row in found if float(row["amount"]) > 100} == {"block"}
    assert {row["STATUS"] for row in found} == {"Success"}


def test_a_file_that_is_replaced_while_its_import_is_down_is_noticed(
    bank: tuple[Database, JobRunner], store: Store, tmp_path: Path
) -> None:
    database, runner = bank
    rows = [f"e-{n},2026-03-01 10:00:00,customer,c1,{n},x" for n in range(30_000)]
    path = store.put("in/replaced.csv", "\n".join([HEADER, *rows]))
    _ask(database, runner, JobKind.BATCH_IMPORT, path)
    _until(database, JobKind.BATCH_IMPORT, lambda job: job.processed >= 2_000)
    store.put("in/replaced.csv", "\n".join([HEADER, *rows[::-1]]))
    kill_worker(tmp_path, "job")
    job = _until(database, JobKind.BATCH_IMPORT, lambda job: job.status.is_final)
    assert job.status is JobStatus.FAILED
    assert job.failure is not None
    assert "was changed" in job.failure


def _ask(database: Database, runner: JobRunner, kind: JobKind, path: str, **payload: str) -> None:
    out = f"s3://{BUCKET}/{kind.removeprefix('batch-')}-out/"
    with database.write() as connection:
        asked: dict[str, Any] = {
            "input_path": path,
            "output_path": out,
            "event_type": "payment",
            **payload,
        }
        add_job(connection, kind, "job", asked, "somebody")
    runner.wake()


def _read(database: Database, kind: JobKind) -> Job:
    with database.read() as connection:
        return get_job(connection, kind, "job")


def _until(database: Database, kind: JobKind, is_so: Callable[[Job], bool]) -> Job:
    until = time.monotonic() + PATIENCE_SECONDS
    while not is_so(job := _read(database, kind)):
        assert time.monotonic() < until, f"waited for too long: {job}"
        time.sleep(0.01)
    return job


def _output(store: Store, folder: str) -> str:
    (key,) = store.keys(f"{folder}/")
    return key
