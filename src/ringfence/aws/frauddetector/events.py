"""Events that are stored without a prediction: sent, read, labelled, deleted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ringfence.aws.frauddetector.batch_jobs import STATUSES
from ringfence.aws.frauddetector.operations import Call, Operations
from ringfence.aws.frauddetector.sent_events import read_sent, written
from ringfence.aws.frauddetector.service import FraudDetector
from ringfence.aws.jobs.job import JobKind
from ringfence.aws.jobs.records import add_job, delete_job, find_job
from ringfence.aws.wire.times import instant, read_instant
from ringfence.detectors import Arriving, Stored, label_event
from ringfence.detectors.forgetting import forget_event
from ringfence.errors import Conflict, InvalidInput, NotFound
from ringfence.events import EventType, get_event_type, stored_event
from ringfence.events.log import EventLabel
from ringfence.storage import now

_SOURCE_OF_LABELS = "import"

operations = Operations()


@operations.add("SendEvent")
async def send_event(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Store an event for the record. The same event again is no error, and may bring its label."""
    members = call.members
    sent = read_sent(members)
    reader = await service.engine.reader(members["eventTypeName"])
    event_type = reader.event_type
    if not event_type.event_ingestion:
        raise InvalidInput(
            f"events of type {event_type.name!r} are not kept",
            field="eventTypeName",
            expected="an event type with eventIngestion ENABLED",
        )
    label = _given_label(call, event_type)
    event = reader.read(sent, now(), field="eventVariables")
    stored = await service.engine.store(Arriving(event, label))
    if stored is Stored.OTHER:
        raise Conflict(
            f"another event {event.event_id!r} of type {event_type.name!r} is stored",
            field="eventId",
            expected="a new id, or exactly what was sent before",
        )
    return {}


@operations.add("GetEvent")
def get_event(service: FraudDetector, call: Call) -> dict[str, Any]:
    """A stored event with its label; a variable that was sent as null is left out."""
    if not call.members["eventId"]:
        raise InvalidInput("is empty", field="eventId", expected="the id of an event")
    with service.read() as connection:
        get_event_type(connection, call.members["eventTypeName"])
        found = stored_event(connection, call.members["eventTypeName"], call.members["eventId"])
    return {
        "event": {
            "eventId": found.event_id,
            "eventTypeName": found.event_type,
            "eventTimestamp": instant(found.at),
            "eventVariables": {
                name: written(value) for name, value in found.variables.items() if value is not None
            },
            "currentLabel": found.label,
            "labelTimestamp": found.label_at and instant(found.label_at),
            "entities": [
                {"entityType": entity.entity_type, "entityId": entity.entity_id}
                for entity in found.entities
            ],
        }
    }


@operations.add("UpdateEventLabel")
def update_event_label(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Give a stored event its label, in place of the one that it may have had."""
    members = call.members
    at = read_instant(members["labelTimestamp"], "labelTimestamp")
    with service.write() as connection:
        event_type = get_event_type(connection, members["eventTypeName"])
        label = _label_of(event_type, members["assignedLabel"])
        label_event(
            connection,
            event_type.name,
            members["eventId"],
            label,
            source=_SOURCE_OF_LABELS,
            at=at,
        )
    return {}


@operations.add("DeleteEvent")
def delete_event(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Delete an event, and with `deleteAuditHistory` what was predicted of it; one that is not
    there is no error. An event that a case is about stays."""
    members = call.members
    with service.write() as connection:
        forget_event(
            connection,
            members["eventTypeName"],
            members["eventId"],
            with_predictions=members.get("deleteAuditHistory", False),
        )
    return {}


@operations.add("DeleteEventsByEventType")
def delete_events_by_event_type(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Begin to delete all events of a type that are stored by now."""
    name = call.members["eventTypeName"]
    with service.write() as connection:
        get_event_type(connection, name)
        # The one before may be over; of one that is not this raises `Conflict`.
        delete_job(connection, JobKind.EVENT_DELETION, name)
        job = add_job(connection, JobKind.EVENT_DELETION, name, {"event_type": name}, call.by)
    service.jobs.wake()
    return {"eventTypeName": name, "eventsDeletionStatus": STATUSES[job.status]}


@operations.add("GetDeleteEventsByEventTypeStatus")
def get_delete_events_by_event_type_status(service: FraudDetector, call: Call) -> dict[str, Any]:
    """How far the last deletion of all events of a type is."""
    name = call.members["eventTypeName"]
    with service.read() as connection:
        get_event_type(connection, name)
        job = find_job(connection, JobKind.EVENT_DELETION, name)
    if job is None:
        raise NotFound(
            f"nobody has asked to delete the events of type {name!r}", field="eventTypeName"
        )
    return {"eventTypeName": name, "eventsDeletionStatus": STATUSES[job.status]}


def _given_label(call: Call, event_type: EventType) -> EventLabel | None:
    label: str | None = call.members.get("assignedLabel")
    at: str | None = call.members.get("labelTimestamp")
    for given, other, name, missing in (
        (label, at, "assignedLabel", "labelTimestamp"),
        (at, label, "labelTimestamp", "assignedLabel"),
    ):
        if given is not None and other is None:
            raise InvalidInput("missing", field=missing, expected=f"it goes with {name}")
    if label is None or at is None:
        return None
    known_at: datetime = read_instant(at, "labelTimestamp")
    return EventLabel(_label_of(event_type, label), known_at, _SOURCE_OF_LABELS)


def _label_of(event_type: EventType, label: str) -> str:
    if label not in event_type.labels:
        raise InvalidInput(
            f"{label!r} is not a label of event type {event_type.name!r}",
            field="assignedLabel",
            expected="one of " + ", ".join(event_type.labels) if event_type.labels else "no label",
        )
    return label
