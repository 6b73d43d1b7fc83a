"""Asking an external model about one event, to see whether it works; nothing is stored."""

from __future__ import annotations

import time
from collections.abc import Mapping

import msgspec

from ringfence.errors import InvalidInput
from ringfence.events.definitions import get_event_type
from ringfence.events.reading import EventReader, SentEvent
from ringfence.models.external.calls import ExternalCalls
from ringfence.models.external.definitions import ExternalKind
from ringfence.models.external.registry import load_external_model, load_network
from ringfence.storage import Database, now


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it: the values that rules would see, why they are the fallbacks if they are,
    and how long it took."""

    values: dict[str, float]
    failure: str | None
    seconds: float


def try_external_model(
    database: Database, calls: ExternalCalls, name: str, variables: Mapping[str, object]
) -> Trial:
    """Ask an external model about an event with these variables; the event type's defaults stand
    in for the others. Raises `NotFound`, `InvalidInput` naming the variable, `Unavailable`."""
    with database.read() as connection:
        model = load_external_model(connection, name)
        if not model.event_type:
            raise InvalidInput(
                "looks at what the client sends, not at variables",
                field="variables",
                expected="an external model that looks at the variables of events",
            )
        reader = EventReader(get_event_type(connection, model.event_type))
        network = load_network(connection, name) if model.kind is ExternalKind.ONNX else None
    event = reader.read(SentEvent(event_id="trial", variables=variables), now())
    began = time.perf_counter()
    if network is not None:
        (answer,) = network.ask([event.variables])
    else:
        answer = calls.ask_here(model, event.variables)
    return Trial(values=answer.values, failure=answer.failure, seconds=time.perf_counter() - began)
