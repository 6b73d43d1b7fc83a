"""Training what a request asks for: its events, its labels, its variables and nothing else.

Between a request, as Amazon Fraud Detector has it, and a training. Who waits for it, and what is
done with the result, is for others to know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import msgspec

from ringfence.errors import InvalidInput
from ringfence.events import EventType, get_event_type
from ringfence.models.data import DataSet, read_data
from ringfence.models.definitions import Model
from ringfence.models.logged import data_from_log
from ringfence.models.messages import DataInvalid, Message, MessageKind
from ringfence.models.steps import TIME_INPUT
from ringfence.models.training import Trained
from ringfence.models.trainings import DataSource, TrainingRequest
from ringfence.models.types import learns_from_logins, train_as
from ringfence.models.weights import LabelWeight, Unlabelled, UnlabelledTreatment, assume_labels
from ringfence.profiles import ProfilePlan
from ringfence.storage import Database

Progress = Callable[[float, str], None]
# Reading takes about so much of the time.
_READING = 0.2
_MICROSECOND = timedelta(microseconds=1)
_NOT_USED = "Column not used"


def train_requested(
    database: Database,
    model: Model,
    request: TrainingRequest,
    *,
    at: datetime,
    weights: Mapping[str, LabelWeight] | None = None,
    progress: Progress,
    planned: Callable[[ProfilePlan], None] | None = None,
) -> Trained:
    """Train what is asked for. `at` is the present, `weights` those of labels by their source.

    `planned` is told what a version will remember as soon as that is known, `progress` the share of
    the work (0 to 1) and what is being done; what they raise ends the training. Raises
    `DataInvalid` with every finding, `NotFound` for an event type that is gone, `Unavailable` when
    events cannot be read.
    """
    with database.read() as connection:
        event_type = get_event_type(connection, model.event_type)
    data = _read(database, model, request, event_type, progress)
    data = replace(data, messages=_about(data, event_type))
    _check_variables(data, request)
    ignored = request.unlabelled in (None, UnlabelledTreatment.IGNORE)
    # To a model that learns from logins those without a label are ordinary anyway.
    if request.unlabelled is not None and not (ignored or learns_from_logins(model.model_type)):
        data = assume_labels(data, Unlabelled(request.unlabelled, 0.0), at)
    return train_as(
        model.model_type,
        data,
        since=request.since,
        weights=weights,
        progress=lambda share, what: progress(_READING + (1 - _READING) * share, what),
        planned=planned,
    )


def narrowed(event_type: EventType, request: TrainingRequest) -> EventType:
    """The event type with the variables of the request alone."""
    names = set(request.variables)

    def kept(name: str | None) -> str | None:
        return name if name in names else None

    return msgspec.structs.replace(
        event_type,
        variables=tuple(v for v in event_type.variables if v.name in names),
        amount_variable=kept(event_type.amount_variable),
        currency_variable=kept(event_type.currency_variable),
        merchant_variable=kept(event_type.merchant_variable),
    )


def _read(
    database: Database,
    model: Model,
    request: TrainingRequest,
    event_type: EventType,
    progress: Progress,
) -> DataSet:
    looked_at = narrowed(event_type, request)
    of_logins = learns_from_logins(model.model_type)
    if request.source is DataSource.EXTERNAL_EVENTS:
        if request.location is None:
            raise InvalidInput("missing", field="location", expected="where the events are")
        return read_data(
            request.location,
            looked_at,
            labels_required=not of_logins,
            meanings=_meanings(request, event_type),
            progress=lambda share, what: progress(_READING * share, what),
        )
    data = data_from_log(
        database,
        looked_at,
        until=None if request.until is None else request.until + _MICROSECOND,
        labels_required=not of_logins,
        meanings=_meanings(request, event_type),
        progress=lambda share: progress(_READING * share, "reading the event log"),
    )
    if of_logins and request.since is not None:
        # Nothing is remembered from before: what is learned from and what is known are one.
        within = data.past[TIME_INPUT] >= request.since
        data = replace(data, past=data.past.filter(within))
    if data.past.is_empty():
        text = f"no event of type {event_type.name} is stored for this time"
        raise DataInvalid([Message(MessageKind.ERROR, None, "Data not ingested", text)])
    return data


def _meanings(request: TrainingRequest, event_type: EventType) -> dict[str, bool | None] | None:
    """What the labels mean; those that are not mapped say neither."""
    if not request.fraud_labels and not request.legit_labels:
        return None
    return (
        dict.fromkeys(event_type.labels)
        | dict.fromkeys(request.legit_labels, False)
        | dict.fromkeys(request.fraud_labels, True)
    )


def _about(data: DataSet, event_type: EventType) -> tuple[Message, ...]:
    """The messages without those about columns that are variables, which are left out by choice."""
    names = {variable.name for variable in event_type.variables}
    return tuple(
        message
        for message in data.messages
        if not (message.title == _NOT_USED and message.column in names)
    )


def _check_variables(data: DataSet, request: TrainingRequest) -> None:
    there = {variable.name for variable in data.variables}
    missing = [name for name in request.variables if name not in there]
    if missing:
        raise DataInvalid(
            [
                *data.messages,
                *(
                    Message(
                        MessageKind.ERROR,
                        name,
                        "Missing variable",
                        f"the data has no column {name}, which the model is to learn from",
                    )
                    for name in missing
                ),
            ]
        )
