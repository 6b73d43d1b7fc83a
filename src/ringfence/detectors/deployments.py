"""Model versions in service: deployed, taken back, deleted, and who uses them.

Deploying a version has its profiles built from the event log and kept from then on, so that a
detector version that uses it decides at once. How far that is follows from the profiles alone, so a
crash leaves nothing half done. A version that a detector version uses counts as deployed.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from sqlalchemy import Connection, delete, select

from ringfence.detectors import tables
from ringfence.detectors.plans import give_up_unused_plans, plans_of, unbuilt
from ringfence.detectors.retraining.challengers import ChallengerStatus
from ringfence.errors import Conflict
from ringfence.events.revisions import raise_revision
from ringfence.models.definitions import get_model
from ringfence.models.trainings import (
    Training,
    TrainingStatus,
    delete_model,
    delete_version,
    get_training,
    list_trainings,
    set_deployed,
)
from ringfence.profiles import ProfilePlan
from ringfence.profiles.tables import profile_plans
from ringfence.storage import now


class ModelStatus(StrEnum):
    """Where a model version stands, in Amazon Fraud Detector's words."""

    TRAINING_IN_PROGRESS = "TRAINING_IN_PROGRESS"
    TRAINING_COMPLETE = "TRAINING_COMPLETE"
    TRAINING_CANCELLED = "TRAINING_CANCELLED"
    ERROR = "ERROR"
    ACTIVATE_REQUESTED = "ACTIVATE_REQUESTED"
    ACTIVATE_IN_PROGRESS = "ACTIVATE_IN_PROGRESS"
    ACTIVE = "ACTIVE"


_OF_TRAINING = {
    TrainingStatus.TRAINING: ModelStatus.TRAINING_IN_PROGRESS,
    TrainingStatus.CANCELLED: ModelStatus.TRAINING_CANCELLED,
    TrainingStatus.ERROR: ModelStatus.ERROR,
}


def model_status(connection: Connection, model_id: str, version: str) -> ModelStatus:
    """Where a model version stands. Raises `NotFound`."""
    return status_of(connection, get_training(connection, model_id, version))


def status_of(connection: Connection, training: Training) -> ModelStatus:
    """Where the version stands whose life this is."""
    if training.status in _OF_TRAINING:
        return _OF_TRAINING[training.status]
    if training.activated_at is None:
        used = users_of(connection, training.model_id, training.version)
        return ModelStatus.ACTIVE if used else ModelStatus.TRAINING_COMPLETE
    if training.plan_id is None:
        return ModelStatus.ACTIVE
    plan = connection.execute(
        select(profile_plans.c.built_at, profile_plans.c.building_id).where(
            profile_plans.c.plan_id == training.plan_id
        )
    ).first()
    if plan is not None and plan.built_at is not None:
        return ModelStatus.ACTIVE
    if plan is not None and plan.building_id is not None:
        return ModelStatus.ACTIVATE_IN_PROGRESS
    return ModelStatus.ACTIVATE_REQUESTED


def deploy(connection: Connection, model_id: str, version: str) -> list[ProfilePlan]:
    """Deploy a version; the plans of profiles that are to be built before it is active.

    A version that is deployed stays so. Raises `NotFound`, `Conflict` for one whose training is not
    complete.
    """
    training = get_training(connection, model_id, version)
    if training.status is not TrainingStatus.COMPLETE:
        raise _not_from(training, _OF_TRAINING[training.status], "TRAINING_COMPLETE")
    plans = plans_of(connection, [(model_id, training.version)])
    if training.activated_at is None:
        set_deployed(connection, training, now(), next(iter(plans), None))
        raise_revision(connection)
    return unbuilt(connection, plans.values())


def withdraw(connection: Connection, model_id: str, version: str) -> None:
    """Deploy a version no longer; profiles that nobody else needs are given up.

    Raises `NotFound`, `Conflict` for one that is not deployed or that a detector version uses.
    """
    training = get_training(connection, model_id, version)
    _refuse_if_used(connection, training)
    if training.activated_at is None:
        raise _not_from(training, status_of(connection, training), "ACTIVE")
    set_deployed(connection, training, None)
    give_up_unused_plans(connection, get_model(connection, model_id).event_type)
    raise_revision(connection)


def lacking_profiles(connection: Connection, training: Training) -> list[ProfilePlan]:
    """The plans of a deployed version that are not built yet."""
    if training.activated_at is None or training.plan_id is None:
        return []
    plans = plans_of(connection, [(training.model_id, training.version)])
    return unbuilt(connection, plans.values())


def remove_version(connection: Connection, model_id: str, version: str) -> None:
    """Delete a version with what was compared and watched of it.

    Raises `NotFound`, `Conflict` while it is trained, deployed, or used by a detector version.
    """
    training = get_training(connection, model_id, version)
    if training.status is TrainingStatus.TRAINING:
        raise _not_from(training, ModelStatus.TRAINING_IN_PROGRESS, "TRAINING_COMPLETE")
    _refuse_if_used(connection, training)
    if training.activated_at is not None:
        raise _not_from(training, status_of(connection, training), "TRAINING_COMPLETE")
    number = training.version
    challengers = tables.challengers
    waiting = connection.execute(
        select(challengers.c.version).where(
            challengers.c.model_id == model_id,
            challengers.c.champion_version == number,
            challengers.c.status == ChallengerStatus.CANDIDATE,
        )
    ).scalar()
    if waiting is not None:
        raise Conflict(
            f"challenger {waiting} is compared with version {number} of model {model_id!r}",
            field="version",
            expected="a version that no challenger waits to replace",
        )
    for table in (tables.drift_alerts, tables.drift_checks, challengers):
        connection.execute(
            delete(table).where(table.c.model_id == model_id, table.c.version == number)
        )
    delete_version(connection, model_id, number)


def remove_model(connection: Connection, model_id: str) -> None:
    """Delete a model, with the schedule of its retrainings.

    Raises `NotFound`, `Conflict` while it has a version, saying by whom that is used.
    """
    for training in list_trainings(connection, model_id):
        _refuse_if_used(connection, training)
    schedules = tables.retraining_schedules
    connection.execute(delete(schedules).where(schedules.c.model_id == model_id))
    delete_model(connection, model_id)


def users_of(connection: Connection, model_id: str, version: str) -> list[str]:
    """The detector versions that use a model version, whatever their status, in words."""
    versions = tables.detector_versions
    rows = connection.execute(
        select(versions.c.detector_id, versions.c.version, versions.c.models).order_by(
            versions.c.created_at
        )
    )
    wanted = {"model_id": model_id, "version": version}
    return [
        f"version {row.version} of detector {row.detector_id!r}"
        for row in rows
        if wanted in _named(row.models)
    ]


def _named(models: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    return [{"model_id": ref["model_id"], "version": ref["version"]} for ref in models]


def _refuse_if_used(connection: Connection, training: Training) -> None:
    users = users_of(connection, training.model_id, training.version)
    if users:
        raise Conflict(
            f"{users[0]} uses version {training.version} of model {training.model_id!r}",
            field="version",
            expected="a version that no detector version uses",
        )


def _not_from(training: Training, status: ModelStatus, wanted: str) -> Conflict:
    return Conflict(
        f"version {training.version} of model {training.model_id!r} is {status}",
        field="status",
        expected=f"a version that is {wanted}",
    )
