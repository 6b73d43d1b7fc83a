"""The job that trains a model version, and what its end means for the version.

The version's life is in `models.trainings`, the job's in `jobs`: a training that is given up is
cancelled there first, so that nothing comes of a process that has not noticed yet.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from ringfence.aws.jobs.job import JobKind, JobStatus
from ringfence.aws.jobs.records import add_job, delete_job, find_job, request_cancel
from ringfence.errors import Conflict, NotFound, RingfenceError
from ringfence.models.definitions import get_model
from ringfence.models.messages import DataInvalid, Message, MessageKind
from ringfence.models.trainings import (
    Training,
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


def start_training(connection: Connection, training: Training) -> None:
    """Ask for the job that trains a version which has its number."""
    job_id = _job_id(training)
    # The version of a model that was deleted and made anew has the same name.
    delete_job(connection, JobKind.TRAINING, job_id)
    payload = {"model_id": training.model_id, "version": training.version}
    add_job(connection, JobKind.TRAINING, job_id, payload, training.created_by)


def stop_training(connection: Connection, training: Training) -> None:
    """Give up a training, and end its job. Raises `Conflict` when it is over."""
    cancel_training(connection, training.model_id, training.version)
    with suppress(NotFound, Conflict):
        request_cancel(connection, JobKind.TRAINING, _job_id(training))


def forget_job(connection: Connection, training: Training) -> None:
    """Delete the job of a version that is deleted. Raises `Conflict` while it still runs."""
    delete_job(connection, JobKind.TRAINING, _job_id(training))


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
    """Train what the job's version asked for, and keep the result.

    Raises what the training raises when it fails, after the reasons are stored with the version.
    """
    from ringfence.models.requested import train_requested
    from ringfence.models.weights import weights_of

    model_id, version = context.job.payload["model_id"], context.job.payload["version"]
    with context.database.read() as connection:
        model = get_model(connection, model_id)
        training = get_training(connection, model_id, version)
    if training.status is not TrainingStatus.TRAINING or training.request is None:
        return  # an earlier process came to the end
    try:
        trained = train_requested(
            context.database,
            model,
            training.request,
            at=now(),
            weights=weights_of(context.settings.label_weights),
            progress=lambda share, stage: context.tell(0.98 * share, stage),
        )
    except RingfenceError as error:
        if error.field == "database_url":
            raise
        with context.database.write() as connection:
            context.check(connection)
            fail_training(connection, model_id, version, _reasons(error))
        raise
    context.tell(0.98, "storing the version")
    with context.database.write() as connection:
        context.check(connection)
        finish_training(connection, model_id, version, trained)
        context.tell(1.0, "trained")
        context.complete(connection)


def _reasons(error: RingfenceError) -> list[Message]:
    if isinstance(error, DataInvalid):
        return list(error.messages)
    return [Message(MessageKind.ERROR, None, _FAILED, str(error))]


def _job_id(training: Training) -> str:
    return f"{training.model_id}/{training.version}"
