"""Queues: where contacts wait, when somebody is there for them, and what their calls show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET
from sqlalchemy import Connection

from ringfence.aws.connect.naming import arn_of, instance_of, last_part, summary, thing_of
from ringfence.aws.connect.operations import Call, Operations
from ringfence.aws.connect.service import Connect
from ringfence.aws.wire.paging import page
from ringfence.contacts import queues
from ringfence.contacts.instances import ConnectInstance
from ringfence.contacts.phone_numbers import list_numbers
from ringfence.contacts.queues import StoredQueue
from ringfence.errors import InvalidInput, NotFound
from ringfence.flows import ResourceKind

STANDARD = "STANDARD"  # the other type is a queue of one agent, of which there are none here

_NOT_KEPT = ("OutboundEmailConfig", "EmailAddressesConfig", "QuickConnectIds")

operations = Operations()


@operations.add("CreateQueue")
def create(connect: Connect, call: Call) -> dict[str, Any]:
    """A queue that takes contacts at once."""
    members = call.members
    for member in _NOT_KEPT:
        if members.get(member):
            raise InvalidInput(
                "queues hold calls, chats and tasks only", field=member, expected="none"
            )
    with connect.write() as connection:
        instance = instance_of(connection, call)
        made = queues.create_queue(
            connection,
            instance.instance_id,
            members["Name"],
            description=members.get("Description", ""),
            hours_id=_hours(connection, instance, call),
            most_contacts=members.get("MaxContacts"),
            tags=members.get("Tags"),
            **_outbound(connection, instance, members.get("OutboundCallerConfig", {})),
        )
    return {"QueueId": made.queue_id, "QueueArn": _arn(call, instance, made)}


@operations.add("DescribeQueue")
def describe(connect: Connect, call: Call) -> dict[str, Any]:
    """A queue."""
    with connect.read() as connection:
        instance, queue = _find(connection, call)
        numbers = _numbers(connection, instance)
    return {"Queue": _told(call, instance, queue, numbers)}


@operations.add("ListQueues")
def list_all(connect: Connect, call: Call) -> dict[str, Any]:
    """The queues of an instance, of some types."""
    types = call.members.get("QueueTypes")
    with connect.read() as connection:
        instance = instance_of(connection, call)
        found = queues.list_queues(connection, instance.instance_id)
    if types and STANDARD not in types:
        found = []
    chosen, token = page(found, call, default=1000, key=lambda each: each.queue_id)
    return {
        "QueueSummaryList": [
            summary(call, each.queue_id, _arn(call, instance, each), each) | {"QueueType": STANDARD}
            for each in chosen
        ],
        **token,
    }


@operations.add("UpdateQueueName")
def update_name(connect: Connect, call: Call) -> dict[str, Any]:
    """The name, the description, or both."""
    members = call.members
    with connect.write() as connection:
        _, queue = _find(connection, call)
        queues.update_queue(
            connection,
            queue.queue_id,
            name=members.get("Name", UNSET),
            description=members.get("Description", UNSET),
        )
    return {}


@operations.add("UpdateQueueStatus")
def update_status(connect: Connect, call: Call) -> dict[str, Any]:
    """Whether it takes contacts."""
    with connect.write() as connection:
        _, queue = _find(connection, call)
        enabled = call.members["Status"] == "ENABLED"
        queues.update_queue(connection, queue.queue_id, enabled=enabled)
    return {}


@operations.add("UpdateQueueHoursOfOperation")
def update_hours(connect: Connect, call: Call) -> dict[str, Any]:
    """Other hours of operation."""
    with connect.write() as connection:
        instance, queue = _find(connection, call)
        hours_id = _hours(connection, instance, call)
        queues.update_queue(connection, queue.queue_id, hours_id=hours_id)
    return {}


@operations.add("UpdateQueueMaxContacts")
def update_max_contacts(connect: Connect, call: Call) -> dict[str, Any]:
    """How many may wait; without a number, any number."""
    with connect.write() as connection:
        _, queue = _find(connection, call)
        most: int | None = call.members.get("MaxContacts")
        queues.update_queue(connection, queue.queue_id, most_contacts=most)
    return {}


@operations.add("UpdateQueueOutboundCallerConfig")
def update_outbound(connect: Connect, call: Call) -> dict[str, Any]:
    """What outbound calls show, and their whisper flow; what is not given is shown no longer."""
    with connect.write() as connection:
        instance, queue = _find(connection, call)
        outbound = _outbound(connection, instance, call.members["OutboundCallerConfig"])
        queues.update_queue(connection, queue.queue_id, **outbound)
    return {}


@operations.add("DeleteQueue")
def delete(connect: Connect, call: Call) -> dict[str, Any]:
    """Not while contacts wait in it."""
    with connect.write() as connection:
        _, queue = _find(connection, call)
        queues.delete_queue(connection, queue.queue_id)
    return {}


def _find(connection: Connection, call: Call) -> tuple[ConnectInstance, StoredQueue]:
    instance = instance_of(connection, call)
    named: str = call.members["QueueId"]
    queue_id = thing_of(connection, instance, ResourceKind.QUEUE, named, "queue_id")
    return instance, queues.get_queue(connection, queue_id)


def _hours(connection: Connection, instance: ConnectInstance, call: Call) -> str:
    named: str = call.members["HoursOfOperationId"]
    return thing_of(connection, instance, ResourceKind.HOURS, named, "hours_id")


def _numbers(connection: Connection, instance: ConnectInstance) -> dict[str, str]:
    """The ids of the numbers that an instance has claimed, by number."""
    found = list_numbers(connection, instance.instance_id)
    return {each.number: each.number_id for each in found}


def _outbound(
    connection: Connection, instance: ConnectInstance, config: Mapping[str, str]
) -> dict[str, Any]:
    """What a queue keeps of its outbound calls; empty where the configuration does not say.

    A number that the instance has not claimed, as one that the lines call from by themselves, is
    named as it is dialled.
    """
    number = last_part(config.get("OutboundCallerIdNumberId", ""))
    if number and not number.startswith("+"):
        by_id = {number_id: each for each, number_id in _numbers(connection, instance).items()}
        if number not in by_id:
            raise NotFound(f"this instance has no phone number {number!r}", field="caller_number")
        number = by_id[number]
    flow = config.get("OutboundFlowId")
    return {
        "caller_number": number,
        "caller_name": config.get("OutboundCallerIdName", ""),
        "outbound_flow_id": thing_of(
            connection, instance, ResourceKind.FLOW, flow, "outbound_flow_id"
        )
        if flow
        else None,
    }


def _arn(call: Call, instance: ConnectInstance, queue: StoredQueue) -> str:
    return arn_of(call, instance, f"queue/{queue.queue_id}")


def _told(
    call: Call, instance: ConnectInstance, queue: StoredQueue, numbers: Mapping[str, str]
) -> dict[str, Any]:
    number = queue.caller_number
    return {
        "Name": queue.name,
        "QueueArn": _arn(call, instance, queue),
        "QueueId": queue.queue_id,
        "Description": queue.description or None,
        "OutboundCallerConfig": {
            "OutboundCallerIdName": queue.caller_name or None,
            "OutboundCallerIdNumberId": numbers.get(number, number) or None,
            "OutboundFlowId": queue.outbound_flow_id,
        },
        "HoursOfOperationId": queue.hours_id,
        "MaxContacts": queue.most_contacts,
        "Status": "ENABLED" if queue.enabled else "DISABLED",
        "Tags": dict(queue.tags),
        "LastModifiedTime": queue.updated_at,
        "LastModifiedRegion": call.region,
    }
