"""Models: CreateModel, UpdateModel, GetModels, DeleteModel."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from ringfence.aws.frauddetector.arns import arn
from ringfence.aws.frauddetector.operations import Call, Operations
from ringfence.aws.frauddetector.service import FraudDetector
from ringfence.aws.frauddetector.tags import forget_tags, note_tags
from ringfence.aws.wire.paging import page
from ringfence.aws.wire.times import instant
from ringfence.detectors.deployments import remove_model
from ringfence.errors import InvalidInput, NotFound
from ringfence.models import Model, ModelType, create_model, get_model, list_models
from ringfence.models.definitions import describe_model

operations = Operations()


@operations.add("CreateModel")
def create(service: FraudDetector, call: Call) -> dict[str, Any]:
    """A model without a version; rules may name its score from now on."""
    members = call.members
    with service.redefine() as connection:
        try:
            model = create_model(
                connection,
                members["modelId"],
                members["eventTypeName"],
                model_type=members["modelType"],
                description=members.get("description", ""),
            )
        except NotFound as error:
            raise InvalidInput(error.message, field="eventTypeName") from None
        note_tags(connection, resource_of_model(model), members.get("tags"))
    return {}


@operations.add("UpdateModel")
def update(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Change what a model is said to be."""
    with service.write() as connection:
        model = named_model(connection, call)
        if "description" in call.members:
            describe_model(connection, model.model_id, call.members["description"])
    return {}


@operations.add("GetModels")
def get(service: FraudDetector, call: Call) -> dict[str, Any]:
    """All models, those of a type, or one."""
    with service.read() as connection:
        if "modelId" in call.members:
            models = [named_model(connection, call)]
        else:
            models = list_models(connection)
    if "modelType" in call.members:
        models = [model for model in models if model.model_type == call.members["modelType"]]
    shown, next_page = page(models, call, default=10, key=lambda model: model.model_id)
    return {"models": [_shown(model, call) for model in shown], **next_page}


@operations.add("DeleteModel")
def delete(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Delete a model whose versions are deleted; one that does not exist is deleted already."""
    with service.redefine() as connection:
        try:
            model = named_model(connection, call)
        except NotFound:
            return {}
        remove_model(connection, model.model_id)
        forget_tags(connection, resource_of_model(model))
    return {}


def named_model(connection: Connection, call: Call) -> Model:
    """The model that `modelId` names, and `modelType` if that is given. Raises `NotFound`."""
    model_id, model_type = call.members["modelId"], call.members.get("modelType")
    model = get_model(connection, model_id)
    if model_type is not None and model.model_type is not ModelType(model_type):
        raise NotFound(f"there is no model {model_id!r} of type {model_type}", field="modelId")
    return model


def resource_of_model(model: Model) -> str:
    """What the model is called in an ARN."""
    return f"model/{model.model_type}/{model.model_id}"


def _shown(model: Model, call: Call) -> dict[str, Any]:
    return {
        "modelId": model.model_id,
        "modelType": model.model_type,
        "description": model.description or None,
        "eventTypeName": model.event_type,
        "createdTime": instant(model.created_at),
        "lastUpdatedTime": instant(model.updated_at or model.created_at),
        "arn": arn(call, resource_of_model(model)),
    }
