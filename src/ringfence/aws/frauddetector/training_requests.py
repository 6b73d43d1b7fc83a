"""What a client asks a version to learn from: read, checked, and written again.

Everything that can be known before the events are looked at is refused here, in the client's words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection

from ringfence.aws.wire.times import instant, read_instant
from ringfence.errors import InvalidInput, NotFound
from ringfence.events import EventType, get_event_type
from ringfence.events.registry import get_variables
from ringfence.events.variables import VariableType
from ringfence.models import Facts, Model, ModelType
from ringfence.models.trainings import DataSource, TrainingRequest
from ringfence.models.types import learns_from_logins
from ringfence.models.weights import UnlabelledTreatment

_LEAST_VARIABLES, _MOST_VARIABLES = 2, 100
_SCHEMA = "trainingDataSchema"
_MAPPER = f"{_SCHEMA}.labelSchema.labelMapper"
_FRAUD, _LEGIT = "FRAUD", "LEGIT"
# What a model of account takeovers cannot do without.
_OF_LOGINS = (
    VariableType.IP_ADDRESS,
    VariableType.USERAGENT,
    VariableType.ARE_CREDENTIALS_VALID,
)


def read_request(
    connection: Connection, model: Model, members: Mapping[str, Any]
) -> TrainingRequest:
    """What `CreateModelVersion` asks for. Raises `InvalidInput` naming the member."""
    try:
        event_type = get_event_type(connection, model.event_type)
    except NotFound as error:
        raise InvalidInput(error.message, field="modelId") from None
    source = DataSource(members["trainingDataSource"])
    if source is DataSource.EXTERNAL_EVENTS and (
        model.model_type is not ModelType.ONLINE_FRAUD_INSIGHTS
    ):
        raise InvalidInput(
            f"a model of type {model.model_type} learns from stored events alone",
            field="trainingDataSource",
            expected=str(DataSource.INGESTED_EVENTS),
        )
    schema = members[_SCHEMA]
    variables = tuple(schema["modelVariables"])
    _check_variables(connection, model, event_type, variables)
    labels = schema.get("labelSchema", {})
    mapper = labels.get("labelMapper", {})
    required = not learns_from_logins(model.model_type)
    fraud, legit = _mapped(mapper, event_type, required=required)
    treatment = labels.get("unlabeledEventsTreatment")
    request = TrainingRequest(
        source=source,
        variables=variables,
        fraud_labels=fraud,
        legit_labels=legit,
        unlabelled=None if treatment is None else UnlabelledTreatment(treatment),
    )
    return with_events(request, members)


def with_events(request: TrainingRequest, members: Mapping[str, Any]) -> TrainingRequest:
    """The request with the events that the members name, or those that it names already.

    Raises `InvalidInput` where neither does.
    """
    if request.source is DataSource.EXTERNAL_EVENTS:
        _refuse(members, "ingestedEventsDetail", request.source)
        given = members.get("externalEventsDetail")
        if given is None:
            # A file that `ringfence train` has read may be gone, and is not for clients to name.
            if request.location is None or not request.location.startswith("s3://"):
                raise _missing("externalEventsDetail", request.source)
            return request
        return msgspec.structs.replace(
            request, location=given["dataLocation"], role=given["dataAccessRoleArn"]
        )
    _refuse(members, "externalEventsDetail", request.source)
    given = members.get("ingestedEventsDetail")
    if given is None:
        if request.since is None:
            raise _missing("ingestedEventsDetail", request.source)
        return request
    window, field = (
        given["ingestedEventsTimeWindow"],
        "ingestedEventsDetail.ingestedEventsTimeWindow",
    )
    since = read_instant(window["startTime"], f"{field}.startTime")
    until = read_instant(window["endTime"], f"{field}.endTime")
    if since >= until:
        raise InvalidInput(
            "is not after the start", field=f"{field}.endTime", expected="a later time"
        )
    return msgspec.structs.replace(request, since=since, until=until)


def shown_request(request: TrainingRequest) -> dict[str, Any]:
    """The members of an answer that say what was asked for."""
    labels: dict[str, Any] = {}
    if request.fraud_labels or request.legit_labels:
        labels["labelMapper"] = {
            _FRAUD: list(request.fraud_labels),
            _LEGIT: list(request.legit_labels),
        }
    if request.unlabelled is not None:
        labels["unlabeledEventsTreatment"] = request.unlabelled
    shown: dict[str, Any] = {
        "trainingDataSource": request.source,
        _SCHEMA: {"modelVariables": list(request.variables), "labelSchema": labels or None},
    }
    if request.location is not None:
        shown["externalEventsDetail"] = {
            "dataLocation": request.location,
            "dataAccessRoleArn": request.role or "",
        }
    if request.since is not None and request.until is not None:
        window = {"startTime": instant(request.since), "endTime": instant(request.until)}
        shown["ingestedEventsDetail"] = {"ingestedEventsTimeWindow": window}
    return shown


def request_of(facts: Facts, event_type: EventType | None) -> TrainingRequest:
    """What is known of a version that was not asked for here, such as by `ringfence train`."""
    from_log = "event log" in facts.source and not facts.source.startswith("s3://")
    labels = (
        (None, None) if event_type is None else (event_type.fraud_label, event_type.legit_label)
    )
    return TrainingRequest(
        source=DataSource.INGESTED_EVENTS if from_log else DataSource.EXTERNAL_EVENTS,
        variables=tuple(variable.name for variable in facts.variables),
        fraud_labels=tuple(label for label in labels[:1] if label is not None),
        legit_labels=tuple(label for label in labels[1:] if label is not None),
        location=None if from_log else facts.source,
        since=facts.first_at if from_log else None,
        until=facts.last_at if from_log else None,
    )


def _check_variables(
    connection: Connection, model: Model, event_type: EventType, names: tuple[str, ...]
) -> None:
    field = f"{_SCHEMA}.modelVariables"
    known = {variable.name: variable for variable in event_type.variables}
    for name in names:
        if name not in known:
            raise InvalidInput(
                f"event type {event_type.name!r} has no variable {name!r}",
                field=field,
                expected="some of " + ", ".join(known),
            )
    if len(set(names)) != len(names):
        raise InvalidInput("a variable is named twice", field=field)
    registered = get_variables(connection, names)
    for name in names:
        if name in registered and registered[name].variable_type is None:
            raise InvalidInput(
                f"variable {name!r} has no variable type",
                field=field,
                expected="variables with a type: UpdateVariable gives them one",
            )
    types = {known[name].variable_type for name in names}
    if learns_from_logins(model.model_type):
        missing = [kind for kind in _OF_LOGINS if kind not in types]
        if missing:
            raise InvalidInput(
                f"no variable of type {missing[0]}",
                field=field,
                expected="one each of " + ", ".join(_OF_LOGINS),
            )
    elif not _LEAST_VARIABLES <= len(names) <= _MOST_VARIABLES:
        raise InvalidInput(
            f"{len(names)} given",
            field=field,
            expected=f"{_LEAST_VARIABLES} to {_MOST_VARIABLES} variables",
        )


def _mapped(
    mapper: Mapping[str, Any], event_type: EventType, *, required: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    for name in mapper:
        if name not in (_FRAUD, _LEGIT):
            raise InvalidInput(
                f"{name!r} is not what labels are mapped to",
                field=_MAPPER,
                expected=f"{_FRAUD} and {_LEGIT}",
            )
    fraud, legit = tuple(mapper.get(_FRAUD, ())), tuple(mapper.get(_LEGIT, ()))
    for name, labels in ((_FRAUD, fraud), (_LEGIT, legit)):
        if not labels and (required or mapper):
            raise InvalidInput(
                "no label", field=f"{_MAPPER}.{name}", expected="labels of the event type"
            )
        for label in labels:
            if label not in event_type.labels:
                raise InvalidInput(
                    f"event type {event_type.name!r} has no label {label!r}",
                    field=f"{_MAPPER}.{name}",
                    expected="some of " + ", ".join(event_type.labels),
                )
    both = set(fraud) & set(legit)
    if both:
        raise InvalidInput(f"{min(both)!r} means both", field=_MAPPER, expected="each label once")
    return fraud, legit


def _refuse(members: Mapping[str, Any], name: str, source: DataSource) -> None:
    if members.get(name) is not None:
        raise InvalidInput(
            f"does not go with {source}", field=name, expected="none, or another trainingDataSource"
        )


def _missing(name: str, source: DataSource) -> InvalidInput:
    return InvalidInput("missing", field=name, expected=f"it, as the source is {source}")
