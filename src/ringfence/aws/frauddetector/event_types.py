"""Event types: which variables, labels and entity types an event of a kind has."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from ringfence.aws.frauddetector.arns import arn
from ringfence.aws.frauddetector.operations import Call, Operations
from ringfence.aws.frauddetector.service import FraudDetector
from ringfence.aws.frauddetector.tags import forget_tags, note_tags
from ringfence.aws.wire.paging import page
from ringfence.aws.wire.times import instant
from ringfence.detectors import usage
from ringfence.detectors.plans import clear_given_up_plans
from ringfence.events.composing import compose_event_type
from ringfence.events.definitions import (
    StoredEventType,
    stored_event_type,
    stored_event_types,
)
from ringfence.events.statistics import event_statistics

ENABLED, DISABLED = "ENABLED", "DISABLED"

operations = Operations()


@operations.add("PutEventType")
def put_event_type(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Create an event type from registered names, or add to one.

    What the request leaves out of an event type that is there stays as it is; a new one then keeps
    no events and publishes nothing.
    """
    given = call.members
    name = given["name"]
    ingestion = given.get("eventIngestion")
    with service.redefine() as connection:
        is_new = all(stored.event_type.name != name for stored in stored_event_types(connection))
        compose_event_type(
            connection,
            name,
            variables=given["eventVariables"],
            entity_types=given["entityTypes"],
            labels=given.get("labels"),
            description=given.get("description"),
            event_ingestion=None if ingestion is None else ingestion == ENABLED,
            event_orchestration=given.get("eventOrchestration", {}).get("eventBridgeEnabled"),
        )
        if is_new:
            note_tags(connection, f"event-type/{name}", given.get("tags"))
    return {}


@operations.add("GetEventTypes")
def get_event_types(service: FraudDetector, call: Call) -> dict[str, Any]:
    """One event type, or a page of all."""
    with service.read() as connection:
        more: dict[str, str] = {}
        if "name" in call.members:
            found = [stored_event_type(connection, call.members["name"])]
        else:
            found, more = page(
                stored_event_types(connection),
                call,
                default=10,
                key=lambda stored: stored.event_type.name,
            )
        return {
            "eventTypes": [_document(connection, call, stored) for stored in found],
            **more,
        }


@operations.add("DeleteEventType")
def delete_event_type(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Delete an event type of which there is no event, no detector and no model; one that is not
    there is no error."""
    name = call.members["name"]
    with service.redefine() as connection:
        usage.delete_event_type(connection, name)
        forget_tags(connection, f"event-type/{name}")
    clear_given_up_plans(service.database, name)
    return {}


def _document(connection: Connection, call: Call, stored: StoredEventType) -> dict[str, Any]:
    event_type = stored.event_type
    return {
        "name": event_type.name,
        "description": event_type.description or None,
        "eventVariables": [variable.name for variable in event_type.variables],
        "labels": list(event_type.labels),
        "entityTypes": list(event_type.entity_types),
        "eventIngestion": ENABLED if event_type.event_ingestion else DISABLED,
        "ingestedEventStatistics": _statistics(connection, event_type.name),
        "eventOrchestration": {"eventBridgeEnabled": event_type.event_orchestration},
        "createdTime": instant(stored.created_at),
        "lastUpdatedTime": instant(stored.updated_at),
        "arn": arn(call, f"event-type/{event_type.name}"),
    }


def _statistics(connection: Connection, event_type: str) -> dict[str, Any]:
    found = event_statistics(connection, event_type)
    return {
        "numberOfEvents": found.events,
        "eventDataSizeInBytes": found.size_bytes,
        "leastRecentEvent": found.first_at and instant(found.first_at),
        "mostRecentEvent": found.last_at and instant(found.last_at),
        "lastUpdatedTime": found.last_received_at and instant(found.last_received_at),
    }
