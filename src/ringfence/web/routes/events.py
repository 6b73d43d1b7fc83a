"""Event types, lists and stored events."""

from __future__ import annotations

from typing import Annotated

import msgspec

from ringfence.access import Scope
from ringfence.detectors import label_event
from ringfence.errors import InvalidInput
from ringfence.events import (
    EventType,
    get_event_type,
    list_event_types,
    put_event_type,
    stored_event,
)
from ringfence.events.lists import get_lists, put_list
from ringfence.events.log import StoredEvent
from ringfence.web.api import Call, Operations
from ringfence.web.services import Services

operations = Operations("events")


class ListBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The elements of a list that rules refer to as `@name`."""

    elements: list[Annotated[str, msgspec.Meta(min_length=1, max_length=320)]]
    description: str = ""


class LabelBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The label of an event; null takes it away."""

    label: str | None


@operations.add("GET", "/v1/event-types", scope=Scope.RULES_READ, reply=list[EventType])
def get_event_types(services: Services, call: Call) -> list[EventType]:
    """All event types."""
    with services.database.read() as connection:
        return list_event_types(connection)


@operations.add("GET", "/v1/event-types/{name}", scope=Scope.RULES_READ, reply=EventType)
def get_one_event_type(services: Services, call: Call) -> EventType:
    """One event type."""
    with services.database.read() as connection:
        return get_event_type(connection, call.path["name"])


@operations.add(
    "PUT", "/v1/event-types/{name}", scope=Scope.RULES_WRITE, body=EventType, reply=EventType
)
def put_one_event_type(services: Services, call: Call) -> EventType:
    """Create an event type, or add to it."""
    event_type: EventType = call.body
    if event_type.name != call.path["name"]:
        raise InvalidInput("differs from the path", field="name", expected=call.path["name"])
    with services.redefine() as connection:
        put_event_type(connection, event_type)
    return event_type


@operations.add("GET", "/v1/lists", scope=Scope.RULES_READ, reply=dict[str, list[str]])
def get_all_lists(services: Services, call: Call) -> dict[str, list[str]]:
    """All lists with their elements."""
    with services.database.read() as connection:
        return {name: sorted(elements) for name, elements in get_lists(connection).items()}


@operations.add("PUT", "/v1/lists/{name}", scope=Scope.RULES_WRITE, body=ListBody, status=204)
def put_one_list(services: Services, call: Call) -> None:
    """Create or replace a list."""
    with services.redefine() as connection:
        put_list(connection, call.path["name"], call.body.elements, call.body.description)


@operations.add(
    "GET",
    "/v1/event-types/{name}/events/{event_id}",
    scope=Scope.DECISIONS,
    reply=StoredEvent,
)
def get_one_event(services: Services, call: Call) -> StoredEvent:
    """A stored event with its label."""
    with services.database.read() as connection:
        return stored_event(connection, call.path["name"], call.path["event_id"])


@operations.add(
    "PUT",
    "/v1/event-types/{name}/events/{event_id}/label",
    scope=Scope.CASES_WRITE,
    body=LabelBody,
    reply=StoredEvent,
)
def put_event_label(services: Services, call: Call) -> StoredEvent:
    """Label an event, as an analyst who knows better."""
    label = call.body.label
    with services.database.write() as connection:
        known = get_event_type(connection, call.path["name"]).labels
        if label is not None and label not in known:
            raise InvalidInput(
                "not a label of this event type",
                field="label",
                expected="one of " + ", ".join(known),
            )
        label_event(connection, call.path["name"], call.path["event_id"], label, source="analyst")
        return stored_event(connection, call.path["name"], call.path["event_id"])
