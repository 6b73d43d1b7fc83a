"""External models: ONNX files that run here, HTTP endpoints that are asked."""

from __future__ import annotations

import msgspec

from ringfence.access import Scope
from ringfence.detectors.external import define_external_model, remove_external_model
from ringfence.models.external import (
    Endpoint,
    ExternalInput,
    ExternalKind,
    ExternalModel,
    ExternalOutput,
    OnFailure,
    Trial,
    get_external_model,
    list_external_models,
    try_external_model,
)
from ringfence.web.api import Call, Operations
from ringfence.web.decisions import RawValue
from ringfence.web.services import Services

operations = Operations("external models")


class ExternalModelBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a model looks at, what it gives, and where it runs.

    `content` is the ONNX file in base64; without it, the file that is stored stays. A file that is
    larger than a request may be is imported by `ringfence models import`. Without `outputs` the
    model gives `<name>_score`. A header whose value is null keeps the stored value.
    """

    event_type: str
    kind: ExternalKind
    inputs: tuple[ExternalInput, ...] = ()
    outputs: tuple[ExternalOutput, ...] = ()
    endpoint: Endpoint | None = None
    on_failure: OnFailure = OnFailure.FALLBACK
    description: str = ""
    content: bytes | None = None


class TrialBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The variables of an event."""

    variables: dict[str, RawValue]


@operations.add("GET", "/v1/external-models", scope=Scope.MODELS_READ, reply=list[ExternalModel])
def get_external_models(services: Services, call: Call) -> list[ExternalModel]:
    """All external models, without the values of their headers."""
    with services.database.read() as connection:
        return list_external_models(connection)


@operations.add("GET", "/v1/external-models/{name}", scope=Scope.MODELS_READ, reply=ExternalModel)
def get_one_external_model(services: Services, call: Call) -> ExternalModel:
    """An external model, without the values of its headers."""
    with services.database.read() as connection:
        return get_external_model(connection, call.path["name"])


@operations.add(
    "PUT",
    "/v1/external-models/{name}",
    scope=Scope.MODELS_WRITE,
    body=ExternalModelBody,
    reply=ExternalModel,
)
def put_one_external_model(services: Services, call: Call) -> ExternalModel:
    """Create or replace an external model; an ONNX file is run once before it is stored."""
    body: ExternalModelBody = call.body
    model = ExternalModel(
        name=call.path["name"],
        event_type=body.event_type,
        kind=body.kind,
        inputs=body.inputs,
        outputs=body.outputs,
        endpoint=body.endpoint,
        on_failure=body.on_failure,
        description=body.description,
    )
    with services.redefine() as connection:
        return define_external_model(connection, model, body.content)


@operations.add("DELETE", "/v1/external-models/{name}", scope=Scope.MODELS_WRITE, status=204)
def delete_one_external_model(services: Services, call: Call) -> None:
    """Take away an external model that no detector version uses."""
    with services.redefine() as connection:
        remove_external_model(connection, call.path["name"])


@operations.add(
    "POST",
    "/v1/external-models/{name}/trials",
    scope=Scope.MODELS_WRITE,
    body=TrialBody,
    reply=Trial,
)
def post_trial(services: Services, call: Call) -> Trial:
    """Ask an external model about an event that is not stored."""
    return try_external_model(
        services.database, services.engine.external, call.path["name"], call.body.variables
    )
