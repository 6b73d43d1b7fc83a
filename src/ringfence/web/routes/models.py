"""Models and their versions, as they were trained."""

from __future__ import annotations

from ringfence.access import Scope
from ringfence.models import (
    Model,
    ModelVersion,
    Threshold,
    get_version,
    list_models,
    list_versions,
    suggest_thresholds,
)
from ringfence.web.api import Call, Operations
from ringfence.web.services import Services

operations = Operations("models")


@operations.add("GET", "/v1/models", scope=Scope.MODELS_READ, reply=list[Model])
def get_models(services: Services, call: Call) -> list[Model]:
    """All models."""
    with services.database.read() as connection:
        return list_models(connection)


@operations.add(
    "GET", "/v1/models/{model_id}/versions", scope=Scope.MODELS_READ, reply=list[ModelVersion]
)
def get_model_versions(services: Services, call: Call) -> list[ModelVersion]:
    """All versions of a model, oldest first, with data, metrics and variable importance."""
    with services.database.read() as connection:
        return list_versions(connection, call.path["model_id"])


@operations.add(
    "GET",
    "/v1/models/{model_id}/versions/{version}/thresholds",
    scope=Scope.MODELS_READ,
    reply=list[Threshold],
)
def get_thresholds(services: Services, call: Call) -> list[Threshold]:
    """Suggested thresholds at 1 % to 6 % false positives."""
    with services.database.read() as connection:
        version = get_version(connection, call.path["model_id"], call.path["version"])
    return list(suggest_thresholds(version.metrics))
