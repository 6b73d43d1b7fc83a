"""Model versions: asked for, trained, deployed, described, deleted.

CreateModelVersion, UpdateModelVersion, UpdateModelVersionStatus, GetModelVersion,
DescribeModelVersions, DeleteModelVersion.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from ringfence.aws.frauddetector.arns import arn
from ringfence.aws.frauddetector.models import named_model
from ringfence.aws.frauddetector.operations import Call, Operations
from ringfence.aws.frauddetector.service import FraudDetector
from ringfence.aws.frauddetector.tags import forget_tags, note_tags
from ringfence.aws.frauddetector.training_requests import (
    read_request,
    request_of,
    shown_request,
    with_events,
)
from ringfence.aws.frauddetector.training_results import (
    failed_result,
    first_result,
    second_result,
)
from ringfence.aws.training import (
    crash_of,
    forget_job,
    is_at_work,
    settle,
    start_training,
    stop_training,
)
from ringfence.aws.wire.paging import page
from ringfence.aws.wire.times import instant
from ringfence.detectors.deployments import (
    ModelStatus,
    deploy,
    lacking_profiles,
    remove_version,
    status_of,
    withdraw,
)
from ringfence.detectors.plans import note_deletion as build_kept_anew
from ringfence.errors import Conflict, InvalidInput, NotFound
from ringfence.events import get_event_type
from ringfence.events.composing import set_labels
from ringfence.models import Model, ModelType, get_version, list_models, load_artifact
from ringfence.models.numbering import parts_of
from ringfence.models.trainings import (
    Training,
    TrainingRequest,
    TrainingStatus,
    ask_for_retraining,
    ask_for_version,
    get_training,
    latest_of,
    list_trainings,
)
from ringfence.profiles import ProfilePlan
from ringfence.storage import now

operations = Operations()

_ACTIVATING = (ModelStatus.ACTIVATE_REQUESTED, ModelStatus.ACTIVATE_IN_PROGRESS)
# Whoever was to build profiles may have died; they are built by whoever is asked after so long.
_PATIENCE = timedelta(seconds=30)


@operations.add("CreateModelVersion")
def create(service: FraudDetector, call: Call) -> dict[str, Any]:
    """A new major version, whose training begins at once."""
    with service.redefine() as connection:
        model = named_model(connection, call)
        request = read_request(connection, model, call.members)
        if request.fraud_labels:
            _learn_labels(connection, model.event_type, request)
        training = ask_for_version(connection, model.model_id, request, by=call.by)
        begun = _begun(connection, call, model, training)
    service.jobs.wake()
    return begun


@operations.add("UpdateModelVersion")
def update(service: FraudDetector, call: Call) -> dict[str, Any]:
    """A new minor version of a major one, trained on other events, or on what came since."""
    with service.write() as connection:
        model = named_model(connection, call)
        major = int(call.members["majorVersionNumber"])
        before = latest_of(connection, model.model_id, major)
        request = with_events(_request(connection, model, before), call.members)
        training = ask_for_retraining(connection, model.model_id, major, request, by=call.by)
        begun = _begun(connection, call, model, training)
    service.jobs.wake()
    return begun


@operations.add("UpdateModelVersionStatus")
def update_status(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Give up a training, deploy a version, or withdraw it."""
    wanted = call.members["status"]
    lacking: list[ProfilePlan] = []
    with service.redefine() as connection:
        model = named_model(connection, call)
        training = settle(connection, _training(connection, model, call))
        status = status_of(connection, training)
        _check_change(training, status, wanted)
        if wanted == ModelStatus.TRAINING_CANCELLED:
            stop_training(connection, training)
        elif wanted == ModelStatus.ACTIVE:
            lacking = deploy(connection, model.model_id, training.version)
            if is_at_work(connection, training):
                lacking = []  # the job that trained it builds them
        else:
            withdraw(connection, model.model_id, training.version)
    service.jobs.wake()
    service.engine.build_profiles(lacking)
    return {}


@operations.add("GetModelVersion")
def get(service: FraudDetector, call: Call) -> dict[str, Any]:
    """What a version was asked to learn from, and where it stands."""
    with service.read() as connection:
        model = named_model(connection, call)
        training = _training(connection, model, call)
        shown = _shown(connection, call, model, training)
        lacking: list[ProfilePlan] = []
        waits = shown["status"] in _ACTIVATING and _waits_long(training)
        if waits and not is_at_work(connection, training):
            lacking = lacking_profiles(connection, training)
    service.engine.build_profiles(lacking)
    return shown


@operations.add("DescribeModelVersions")
def describe(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Versions with what came of their trainings: all, those of a model, or one."""
    with service.read() as connection:
        found = _found(connection, call)
        shown, next_page = page(found, call, default=10, key=_place)
        details = [_described(connection, call, model, training) for model, training in shown]
    return {"modelVersionDetails": details, **next_page}


@operations.add("DeleteModelVersion")
def delete(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Delete a version that nobody uses; one that does not exist is deleted already."""
    with service.redefine() as connection:
        try:
            model = named_model(connection, call)
            training = settle(connection, _training(connection, model, call))
        except NotFound:
            return {}
        remove_version(connection, model.model_id, training.version)
        forget_job(connection, training)
        forget_tags(connection, _resource(model, training))
    return {}


def _learn_labels(connection: Connection, event_type: str, request: TrainingRequest) -> None:
    """Let the event type know which of its labels mean fraud, and its profiles learn by them."""
    before = get_event_type(connection, event_type)
    after = set_labels(
        connection, event_type, fraud=request.fraud_labels, legit=request.legit_labels
    )
    if before.fraud_label != after.fraud_label:
        build_kept_anew(connection, event_type)


def _begun(connection: Connection, call: Call, model: Model, training: Training) -> dict[str, Any]:
    start_training(connection, training)
    note_tags(connection, _resource(model, training), call.members.get("tags"))
    return {
        "modelId": model.model_id,
        "modelType": model.model_type,
        "modelVersionNumber": training.version,
        "status": ModelStatus.TRAINING_IN_PROGRESS,
    }


def _check_change(training: Training, status: ModelStatus, wanted: str) -> None:
    """Raise `Conflict` for a change that is none of the three that there are."""
    begun = {
        ModelStatus.TRAINING_CANCELLED: ModelStatus.TRAINING_IN_PROGRESS,
        ModelStatus.ACTIVE: ModelStatus.TRAINING_COMPLETE,
        "INACTIVE": ModelStatus.ACTIVE,
    }[wanted]
    if status is not begun:
        raise Conflict(
            f"version {training.version} of model {training.model_id!r} is {status} and cannot "
            f"become {wanted}",
            field="status",
            expected=f"a version that is {begun}",
        )


def _waits_long(training: Training) -> bool:
    return training.activated_at is not None and now() - training.activated_at > _PATIENCE


def _found(connection: Connection, call: Call) -> list[tuple[Model, Training]]:
    members = call.members
    if "modelId" in members:
        model = named_model(connection, call)
        if "modelVersionNumber" in members:
            return [(model, _training(connection, model, call))]
        models = [model]
    elif "modelVersionNumber" in members:
        raise InvalidInput(
            "is a number of which model?", field="modelVersionNumber", expected="a modelId with it"
        )
    else:
        wanted = members.get("modelType")
        models = [m for m in list_models(connection) if wanted in (None, m.model_type)]
    return [(m, training) for m in models for training in list_trainings(connection, m.model_id)]


def _place(found: tuple[Model, Training]) -> str:
    model, training = found
    major, minor = parts_of(training.version)
    return f"{model.model_id}/{major:05d}.{minor:02d}"


def _training(connection: Connection, model: Model, call: Call) -> Training:
    return get_training(connection, model.model_id, call.members["modelVersionNumber"])


def _request(connection: Connection, model: Model, training: Training) -> TrainingRequest:
    """What a version was asked to learn from, as far as that is known."""
    if training.request is not None:
        return training.request
    facts = get_version(connection, model.model_id, training.version).facts
    return request_of(facts, get_event_type(connection, model.event_type))


def _shown(connection: Connection, call: Call, model: Model, training: Training) -> dict[str, Any]:
    crashed = crash_of(connection, training) is not None
    return {
        "modelId": model.model_id,
        "modelType": model.model_type,
        "modelVersionNumber": training.version,
        "status": ModelStatus.ERROR if crashed else status_of(connection, training),
        "arn": arn(call, _resource(model, training)),
        **shown_request(_request(connection, model, training)),
    }


def _described(
    connection: Connection, call: Call, model: Model, training: Training
) -> dict[str, Any]:
    shown = _shown(connection, call, model, training)
    shown["createdTime"] = instant(training.created_at)
    shown["lastUpdatedTime"] = instant(training.updated_at)
    if training.status is TrainingStatus.COMPLETE:
        version = get_version(connection, model.model_id, training.version)
        plan = None
        if model.model_type is ModelType.TRANSACTION_FRAUD_INSIGHTS:
            plan = load_artifact(connection, model.model_id, training.version).plan
        shown["trainingResult"] = first_result(version)
        shown["trainingResultV2"] = second_result(version, model.model_type, plan)
        return shown
    crash = crash_of(connection, training)
    messages = training.messages if crash is None else (crash,)
    if messages:
        shown["trainingResult"] = shown["trainingResultV2"] = failed_result(messages)
    return shown


def _resource(model: Model, training: Training) -> str:
    return f"model-version/{model.model_type}/{model.model_id}/{training.version}"
