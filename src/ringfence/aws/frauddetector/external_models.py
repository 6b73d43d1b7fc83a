"""External models: PutExternalModel, GetExternalModels, DeleteExternalModel.

A SageMaker endpoint is an external model behind an address: that of the setting `sagemaker_url`, of
`AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME`, or of AWS, where requests are signed. A model of that name
which our own API has defined, such as an ONNX file, is associated as it is.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec
from sqlalchemy import Connection

from ringfence.aws.frauddetector.arns import arn
from ringfence.aws.frauddetector.operations import Call, Operations
from ringfence.aws.frauddetector.service import FraudDetector
from ringfence.aws.frauddetector.tags import forget_tags, note_tags
from ringfence.aws.wire.paging import page
from ringfence.aws.wire.times import instant
from ringfence.detectors.external import define_external_model, remove_external_model
from ringfence.errors import InvalidInput, NotFound
from ringfence.events.registry import DataSource, get_variables, remove_variable
from ringfence.models.external import (
    Association,
    AwsSignature,
    Endpoint,
    ExternalKind,
    ExternalModel,
    ExternalOutput,
    OnFailure,
    ReplyFormat,
    RequestFormat,
    Scale,
    associate,
    get_external_model,
    list_external_models,
)
from ringfence.settings import Settings

operations = Operations()

_ASSOCIATED, _DISSOCIATED = "ASSOCIATED", "DISSOCIATED"
_SOURCE = "SAGEMAKER"
# SageMaker answers within tens of milliseconds; an instance that is just starting takes longer.
_TIMEOUT_SECONDS = 5.0
_INPUT, _OUTPUT = "inputConfiguration", "outputConfiguration"
_TEMPLATES = {
    RequestFormat.TEXT_CSV: "csvInputTemplate",
    RequestFormat.APPLICATION_JSON: "jsonInputTemplate",
}
_MAPS = {
    ReplyFormat.TEXT_CSV: "csvIndexToVariableMap",
    ReplyFormat.APPLICATION_JSONLINES: "jsonKeyToVariableMap",
}


@operations.add("PutExternalModel")
def put(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Import a SageMaker endpoint, or change how it is asked and what it gives."""
    members = call.members
    name = members["modelEndpoint"]
    with service.redefine() as connection:
        try:
            stored = get_external_model(connection, name)
        except NotFound:
            stored = None
        own = stored is not None and (stored.association is None or stored.association.adopted)
        association = Association(
            role=members["invokeModelEndpointRoleArn"],
            associated=members["modelEndpointStatus"] == _ASSOCIATED,
            input=members[_INPUT],
            output=members[_OUTPUT],
            adopted=own,
        )
        outputs = _outputs(association.output)
        _check_variables(connection, [output.variable for output in outputs])
        if stored is not None and own:
            _check_adopted(stored, outputs, association.input)
            associate(connection, name, association)
        else:
            url, signature = address_of(service.settings, call.region, name)
            model = ExternalModel(
                name=name,
                event_type=association.input.get("eventTypeName", ""),
                kind=ExternalKind.HTTP,
                outputs=outputs,
                endpoint=_endpoint(association, url, signature),
                on_failure=OnFailure.REFUSE,
                description="A SageMaker endpoint.",
                association=association,
            )
            _define(connection, model, association)
        if stored is None:
            note_tags(connection, _resource(name), members.get("tags"))
    return {}


@operations.add("GetExternalModels")
def get(service: FraudDetector, call: Call) -> dict[str, Any]:
    """All external models, those of our own API too, or one."""
    with service.read() as connection:
        if "modelEndpoint" in call.members:
            models = [get_external_model(connection, call.members["modelEndpoint"])]
        else:
            models = list_external_models(connection)
    shown, next_page = page(models, call, default=10, key=lambda model: model.name)
    return {"externalModels": [_shown(model, call) for model in shown], **next_page}


@operations.add("DeleteExternalModel")
def delete(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Delete an external model that no detector version uses, and the variables that it gives.

    One that does not exist is deleted already.
    """
    name = call.members["modelEndpoint"]
    with service.redefine() as connection:
        try:
            model = get_external_model(connection, name)
        except NotFound:
            return {}
        remove_external_model(connection, name)
        for variable in get_variables(connection, model.variables).values():
            if variable.data_source is DataSource.EXTERNAL_MODEL_SCORE:
                remove_variable(connection, variable.name)
        forget_tags(connection, _resource(name))
    return {}


def _outputs(given: Mapping[str, Any]) -> tuple[ExternalOutput, ...]:
    reply = ReplyFormat(given["format"])
    wanted = _MAPS[reply]
    mapped: Mapping[str, str] = given.get(wanted, {})
    if not mapped:
        raise InvalidInput(
            "missing", field=f"{_OUTPUT}.{wanted}", expected=f"it, as the format is {reply}"
        )
    for key in mapped:
        if reply is ReplyFormat.TEXT_CSV and not key.isdecimal():
            raise InvalidInput(
                f"{key!r} is not a column",
                field=f"{_OUTPUT}.{wanted}",
                expected="the number of a column, from 0",
            )
    return tuple(
        ExternalOutput(variable=variable, key=key, scale=Scale.AS_IS)
        for key, variable in mapped.items()
    )


def _endpoint(association: Association, url: str, signature: AwsSignature | None) -> Endpoint:
    given = association.input
    reply = ReplyFormat(association.output["format"])
    if not given["useEventVariables"]:
        return Endpoint(
            url=url,
            use_event_variables=False,
            reply_format=reply,
            timeout_seconds=_TIMEOUT_SECONDS,
            aws_signature=signature,
        )
    for name in ("eventTypeName", "format"):
        if not given.get(name):
            raise InvalidInput(
                "missing", field=f"{_INPUT}.{name}", expected="it, as event variables are used"
            )
    request = RequestFormat(given["format"])
    template = given.get(_TEMPLATES[request])
    if template is None:
        raise InvalidInput(
            "missing",
            field=f"{_INPUT}.{_TEMPLATES[request]}",
            expected=f"it, as the format is {request}",
        )
    return Endpoint(
        url=url,
        request_format=request,
        template=template,
        reply_format=reply,
        timeout_seconds=_TIMEOUT_SECONDS,
        aws_signature=signature,
    )


def address_of(settings: Settings, region: str, name: str) -> tuple[str, AwsSignature | None]:
    """Where a SageMaker endpoint of that name is asked, and the signature that it wants."""
    place = settings.sagemaker_url
    if place:
        if "{name}" in place:
            return place.replace("{name}", quote(name)), None
        return f"{place.rstrip('/')}/endpoints/{quote(name)}/invocations", None
    signature = AwsSignature(service="sagemaker", region=region)
    place = (
        os.environ.get("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME")
        or os.environ.get("AWS_ENDPOINT_URL")
        or f"https://runtime.sagemaker.{region}.amazonaws.com"
    )
    return f"{place.rstrip('/')}/endpoints/{quote(name)}/invocations", signature


def _define(connection: Connection, model: ExternalModel, association: Association) -> None:
    """Store the model; what does not fit is named as the client knows it."""
    request = association.input.get("format", RequestFormat.TEXT_CSV)
    names = {
        "endpoint.template": f"{_INPUT}.{_TEMPLATES[RequestFormat(request)]}",
        "event_type": f"{_INPUT}.eventTypeName",
        "outputs": _OUTPUT,
    }
    try:
        define_external_model(connection, model)
    except NotFound as error:
        raise InvalidInput(error.message, field=names["event_type"]) from None
    except InvalidInput as error:
        field = error.field or ""
        known = _OUTPUT if field.startswith("outputs") else names.get(field, field)
        raise InvalidInput(error.message, field=known, expected=error.expected) from None


def _check_variables(connection: Connection, names: list[str]) -> None:
    """Raise `InvalidInput` for an output whose name is that of something else. One that nobody has
    made is there with the model."""
    for variable in get_variables(connection, names).values():
        if variable.data_source is not DataSource.EXTERNAL_MODEL_SCORE:
            raise InvalidInput(
                f"variable {variable.name!r} has the source {variable.data_source}",
                field=_OUTPUT,
                expected=f"variables whose source is {DataSource.EXTERNAL_MODEL_SCORE}",
            )


def _check_adopted(
    model: ExternalModel, outputs: tuple[ExternalOutput, ...], given: Mapping[str, Any]
) -> None:
    """Raise `InvalidInput` where a model that is defined already is said to be something else."""
    other = sorted({output.variable for output in outputs} - set(model.variables))
    if other:
        raise InvalidInput(
            f"external model {model.name!r} is defined already and does not give {other[0]!r}",
            field=_OUTPUT,
            expected="some of " + ", ".join(model.variables),
        )
    event_type = given.get("eventTypeName")
    if event_type is not None and not model.is_for(event_type):
        raise InvalidInput(
            f"external model {model.name!r} is defined already for another event type",
            field=f"{_INPUT}.eventTypeName",
            expected=model.event_type,
        )


def _shown(model: ExternalModel, call: Call) -> dict[str, Any]:
    given = model.association
    shown: dict[str, Any] = {
        "modelEndpoint": model.name,
        "modelSource": _SOURCE,
        "invokeModelEndpointRoleArn": "" if given is None else given.role,
        _INPUT: _input_of(model) if given is None else given.input,
        _OUTPUT: _output_of(model) if given is None else given.output,
        "modelEndpointStatus": _ASSOCIATED if model.is_associated else _DISSOCIATED,
        "arn": arn(call, _resource(model.name)),
    }
    if model.created_at is not None:
        shown["createdTime"] = instant(model.created_at)
    if model.updated_at is not None:
        shown["lastUpdatedTime"] = instant(model.updated_at)
    return shown


def _input_of(model: ExternalModel) -> dict[str, Any]:
    """How a model of our own API is asked, in Fraud Detector's words."""
    endpoint = model.endpoint
    if endpoint is not None and not endpoint.use_event_variables:
        return {"useEventVariables": False, "eventTypeName": model.event_type or None}
    request = RequestFormat.TEXT_CSV if endpoint is None else endpoint.request_format
    template = None if endpoint is None else endpoint.template
    if template is None:
        places = [(of.input or of.variable, "{{" + of.variable + "}}") for of in model.inputs]
        if request is RequestFormat.TEXT_CSV:
            template = ",".join(place for _, place in places)
        else:
            keys = (f"{msgspec.json.encode(key).decode()}: {place}" for key, place in places)
            template = "{" + ", ".join(keys) + "}"
    return {
        "eventTypeName": model.event_type,
        "useEventVariables": True,
        "format": request,
        _TEMPLATES[request]: template,
    }


def _output_of(model: ExternalModel) -> dict[str, Any]:
    reply = ReplyFormat.TEXT_CSV if model.endpoint is None else model.endpoint.reply_format
    return {
        "format": reply,
        _MAPS[reply]: {
            output.key if model.endpoint is not None else str(number): output.variable
            for number, output in enumerate(model.outputs)
        },
    }


def _resource(name: str) -> str:
    return f"external-model/{name}"
