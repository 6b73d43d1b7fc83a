from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from sqlalchemy import delete, select, update
from training_banks import csv_of, keep, payments

from ringfence.aws import tables
from ringfence.aws.jobs.context import Cancelled, JobContext
from ringfence.aws.jobs.job import Job, JobKind, JobStatus
from ringfence.aws.jobs.records import list_jobs
from ringfence.aws.training import (
    crash_of,
    forget_job,
    settle,
    start_training,
    stop_training,
    work_on_training,
)
from ringfence.detectors.deployments import ModelStatus, deploy, model_status, withdraw
from ringfence.detectors.plans import plans_of
from ringfence.errors import Conflict, NotFound
from ringfence.events import DataType, EventType, Variable, VariableType, put_event_type
from ringfence.models import DataInvalid, ModelType, create_model, list_versions
from ringfence.models.trainings import (
    DataSource,
    Training,
    TrainingRequest,
    TrainingStatus,
    ask_for_version,
    get_training,
)
from ringfence.profiles import built_at
from ringfence.profiles.tables import profile_plans
from ringfence.settings import Settings
from ringfence.storage import Database

EVENT_TYPE = EventType(
    name="payments",
    variables=(
        Variable("amt", DataType.FLOAT, VariableType.PRICE, 0.0),
        Variable("email", DataType.STRING, VariableType.EMAIL_ADDRESS),
    ),
    labels=("1", "0"),
    fraud_label="1",
    legit_label="0",
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path)  # type: ignore[call-arg]


@pytest.fixture
def training(database: Database, tmp_path: Path) -> Training:
    """A version that waits for its job."""
    path = tmp_path / "payments.csv"
    path.write_text(csv_of(payments(800)).replace(",abuse,", ",1,"))
    with database.write() as connection:
        put_event_type(connection, EVENT_TYPE)
        create_model(connection, "cards", EVENT_TYPE.name)
        asked = ask_for_version(
            connection,
            "cards",
            TrainingRequest(
                source=DataSource.EXTERNAL_EVENTS,
                variables=("amt", "email"),
                fraud_labels=("1",),
                legit_labels=("0",),
                location=str(path),
            ),
            by="me",
        )
        start_training(connection, asked)
    return asked


def claimed(database: Database, training: Training) -> Job:
    """The job, as the process of it finds it."""
    with database.write() as connection:
        connection.execute(
            update(tables.jobs).values(status=JobStatus.RUNNING, claim="mine", attempts=1)
        )
    return job_of(database)


def job_of(database: Database) -> Job:
    with database.read() as connection:
        (job,) = list_jobs(connection, JobKind.TRAINING)
    return job


def life(database: Database) -> Training:
    with database.read() as connection:
        return get_training(connection, "cards", "1.0")


def test_a_job_that_is_begun_again_after_its_end_does_nothing(
    database: Database, settings: Settings, training: Training
) -> None:
    job = claimed(database, training)
    for _ in range(2):
        with JobContext(settings, database, job) as context:
            work_on_training(context)
        claimed(database, training)
    assert life(database).status is TrainingStatus.COMPLETE
    with database.read() as connection:
        assert [of.version for of in list_versions(connection, "cards")] == ["1.0"]


def test_why_a_training_fails_is_kept_with_the_version(
    database: Database, settings: Settings, training: Training, tmp_path: Path
) -> None:
    (tmp_path / "payments.csv").write_text(csv_of(payments(30)).replace(",abuse,", ",1,"))
    job = claimed(database, training)
    with JobContext(settings, database, job) as context, pytest.raises(DataInvalid):
        work_on_training(context)
    found = life(database)
    assert found.status is TrainingStatus.ERROR
    assert "Insufficient data" in {message.title for message in found.messages}


def test_nothing_comes_of_a_training_that_was_given_up(
    database: Database, settings: Settings, training: Training
) -> None:
    job = claimed(database, training)
    with database.write() as connection:
        stop_training(connection, training)
        with pytest.raises(Conflict):
            stop_training(connection, training)
    assert life(database).status is TrainingStatus.CANCELLED
    # A process that began before does not get as far as storing anything.
    with JobContext(settings, database, job) as context:
        work_on_training(context)
    with database.read() as connection:
        assert list_versions(connection, "cards") == []
    assert job_of(database).status is JobStatus.CANCELLING


def test_what_a_version_remembers_is_built_before_anybody_deploys_it(
    database: Database, settings: Settings
) -> None:
    rows = [row for row in payments(1_200) if row.label != "abuse"]
    request = TrainingRequest(
        source=DataSource.INGESTED_EVENTS,
        variables=("amt", "email"),
        fraud_labels=("1",),
        legit_labels=("0",),
        since=rows[0].at,
        until=rows[-1].at,
    )
    with database.write() as connection:
        put_event_type(connection, msgspec.structs.replace(EVENT_TYPE, entity_types=("customer",)))
        keep(connection, rows, "amt", "email")
        create_model(
            connection,
            "cards",
            EVENT_TYPE.name,
            model_type=ModelType.TRANSACTION_FRAUD_INSIGHTS,
        )
        training = ask_for_version(connection, "cards", request, by="me")
        start_training(connection, training)
    with JobContext(settings, database, claimed(database, training)) as context:
        work_on_training(context)
    with database.write() as connection:
        assert model_status(connection, "cards", "1.0") is ModelStatus.TRAINING_COMPLETE
        assert deploy(connection, "cards", "1.0") == []
        assert model_status(connection, "cards", "1.0") is ModelStatus.ACTIVE
        withdraw(connection, "cards", "1.0")
        (plan,) = plans_of(connection, [("cards", "1.0")]).values()
        assert built_at(connection, plan) is None

    # A process that ends on the way leaves nobody waiting for what it has begun.
    with database.write() as connection:
        another = ask_for_version(connection, "cards", request, by="me")
        connection.execute(delete(tables.jobs))
        start_training(connection, another)
    with JobContext(settings, database, claimed(database, another)) as context:

        def ended(share: float, stage: str) -> None:
            if stage == "building profiles":
                raise Cancelled

        context.tell = ended  # type: ignore[method-assign]
        with pytest.raises(Cancelled):
            work_on_training(context)
    with database.read() as connection:
        row = connection.execute(select(profile_plans)).one()
        assert (row.built_at, row.building_id) == (None, None)


def test_a_training_is_stopped_in_the_middle(
    database: Database, settings: Settings, training: Training
) -> None:
    job = claimed(database, training)
    with JobContext(settings, database, job, beat_seconds=0.01) as context:
        tell = context.tell

        def stopping(share: float, stage: str) -> None:
            if share > 0.5:
                with database.write() as connection:
                    now = get_training(connection, "cards", "1.0")
                    if now.status is TrainingStatus.TRAINING:
                        stop_training(connection, training)
            tell(share, stage)

        context.tell = stopping  # type: ignore[method-assign]
        with pytest.raises((Cancelled, Conflict)):
            work_on_training(context)
    assert life(database).status is TrainingStatus.CANCELLED
    with database.read() as connection:
        assert list_versions(connection, "cards") == []


def test_a_version_whose_job_crashed_has_failed(database: Database, training: Training) -> None:
    with database.write() as connection:
        assert crash_of(connection, training) is None
        assert settle(connection, training) == training
        connection.execute(
            update(tables.jobs).values(status=JobStatus.FAILED, failure="killed three times")
        )
    with database.write() as connection:
        crash = crash_of(connection, training)
        assert crash is not None
        assert crash.text == "killed three times"
        settled = settle(connection, training)
        assert (settled.status, settled.messages) == (TrainingStatus.ERROR, (crash,))
        assert crash_of(connection, settled) is None
        forget_job(connection, settled)
        forget_job(connection, settled)
        with pytest.raises(NotFound):
            get_training(connection, "cards", "2.0")
