"""The job that trains a model version, and what its end means for the version.

The version's life is in `models.trainings`, the job's in `jobs`: a training that is given up is
cancelled there first, so that nothing comes of a process that has not noticed yet. A version that
remembers is complete once the profiles that it will need are built as well, so that who deploys it
next does not wait for them.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from ringfence.aws.early_building import EarlyBuilding
from ringfence.aws.jobs.job import JobKind, JobStatus
from ringfence.aws.jobs.records import add_job, delete_job, find_job, request_cancel
from ringfence.errors import Conflict, NotFound, RingfenceError
from ringfence.models.definitions import get_model
from ringfence.models.messages import DataInvalid, Message, MessageKind
from ringfence.models.trainings import (
    Training,
    TrainingRequest,
    TrainingStatus,
    cancel_training,
    fail_training,
    finish_training,
    get_training,
)
from ringfence.storage import now

if TYPE_CHECKING:
    from ringfence.aws.jobs.context import JobContext

_FAILED = "Training failed"
# So much of the work is done when what remains is to be built.
_TRAINED = 0.9


def start_training(connection: Connection, training: Training) -> None:
    """Ask for the job that trains a version which has its number."""
    payload = {"model_id": training.model_id, "version": training.version}
    add_job(connection, JobKind.TRAINING, _job_id(training), payload, training.created_by)


def stop_training(connection: Connection, training: Training) -> None:
    """Give up a training, and end its job. Raises `Conflict` when it is over."""
    cancel_training(connection, training.model_id, training.version)
    with suppress(NotFound, Conflict):
        request_cancel(connection, JobKind.TRAINING, _job_id(training))


def forget_job(connection: Connection, training: Training) -> None:
    """End and delete the job of a version that is deleted; one whose process has not noticed yet is
    left behind."""
    with suppress(NotFound, Conflict):
        request_cancel(connection, JobKind.TRAINING, _job_id(training))
    with suppress(Conflict):
        delete_job(connection, JobKind.TRAINING, _job_id(training))


def is_at_work(connection: Connection, training: Training) -> bool:
    """Whether the job of a version is not over."""
    job = find_job(connection, JobKind.TRAINING, _job_id(training))
    return job is not None and not job.status.is_final


def crash_of(connection: Connection, training: Training) -> Message | None:
    """Why a training that seems to be under way will not go on: its job has failed."""
    if training.status is not TrainingStatus.TRAINING:
        return None
    job = find_job(connection, JobKind.TRAINING, _job_id(training))
    if job is None or job.status is not JobStatus.FAILED:
        return None
    return Message(MessageKind.ERROR, None, _FAILED, job.failure or "its process ended")


def settle(connection: Connection, training: Training) -> Training:
    """The training as it is once it is noted that its job has failed, if it has."""
    crash = crash_of(connection, training)
    if crash is None:
        return training
    fail_training(connection, training.model_id, training.version, [crash])
    return get_training(connection, training.model_id, training.version)


def work_on_training(context: JobContext) -> None:
    """Train what the job's version asked for, build what it remembers, and keep the result.

    Raises what the training raises when it fails, after the reasons are stored with the version.
    """
    model_id, version = context.job.payload["model_id"], context.job.payload["version"]
    with context.database.read() as connection:
        training = get_training(connection, model_id, version)
    if training.status is not TrainingStatus.TRAINING or training.request is None:
        return  # it was given up, or an earlier process came to the end
    building = EarlyBuilding(context.settings, context.database)
    try:
        _train(context, training, training.request, building)
    finally:
        building.end()


def _train(
    context: JobContext, training: Training, request: TrainingRequest, building: EarlyBuilding
) -> None:
    from ringfence.models.requested import train_requested
    from ringfence.models.weights import weights_of

    model_id, version = training.model_id, training.version
    with context.database.read() as connection:
        model = get_model(connection, model_id)
    try:
        trained = train_requested(
            context.database,
            model,
            request,
            at=now(),
            weights=weights_of(context.settings.label_weights),
            progress=lambda share, stage: context.tell(_TRAINED * share, stage),
            planned=building.begin,
        )
    except RingfenceError as error:
        if error.field == "database_url":
            raise
        with context.database.write() as connection:
            context.check(connection)
            fail_training(connection, model_id, version, _reasons(error))
        raise
    if trained.artifact.plan is not None:
        building.wait(
            trained.artifact.plan,
            lambda share: context.tell(_TRAINED + (1 - _TRAINED) * share, "building profiles"),
        )
    context.tell(1.0, "storing the version")
    with context.database.write() as connection:
        context.check(connection)
        finish_training(connection, model_id, version, trained)


def _reasons(error: RingfenceError) -> list[Message]:
    if isinstance(error, DataInvalid):
        return list(error.messages)
    return [Message(MessageKind.ERROR, None, _FAILED, str(error))]


def _job_id(training: Training) -> str:
    # The version of a model that was deleted and made anew has the same name.
    return f"{training.model_id}/{training.version}@{training.created_at:%Y%m%dT%H%M%S.%f}"
