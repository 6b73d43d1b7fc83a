"""Contacts: described, changed, stopped; their attributes and tags."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from ringfence.aws.connect.naming import arn_of, attributes_in, instance_of, last_part
from ringfence.aws.connect.operations import Call, Operations
from ringfence.aws.connect.service import Connect
from ringfence.aws.wire.errors import AwsError
from ringfence.contacts.calls import STOPPED
from ringfence.contacts.instances import ConnectInstance
from ringfence.contacts.records import (
    StoredContact,
    attributes_of,
    change_contact,
    get_contact,
)
from ringfence.errors import InvalidInput, NotFound
from ringfence.flows import Reference

MOST_TAGS = 6  # user-defined tags of a contact, Amazon Connect's limit

operations = Operations()


@operations.add("DescribeContact")
def describe(connect: Connect, call: Call) -> dict[str, Any]:
    """Everything that is known of a contact."""
    with connect.read() as connection:
        instance = instance_of(connection, call)
        contact = _contact(connection, instance, call.members["ContactId"])
        attributes = attributes_of(connection, contact.contact_id)
    return {"Contact": _description(call, instance, contact, attributes)}


@operations.add("UpdateContact")
def update(connect: Connect, call: Call) -> dict[str, Any]:
    """Name, description and references."""
    members = call.members
    values: dict[str, object] = {}
    if "Name" in members:
        values["name"] = members["Name"]
    if "Description" in members:
        values["description"] = members["Description"]
    with connect.write() as connection:
        instance = instance_of(connection, call)
        contact = _contact(connection, instance, members["ContactId"])
        if "References" in members:
            values["references"] = {
                **contact.references,
                **{
                    key: Reference(value=one.get("Value", ""), type=one["Type"])
                    for key, one in members["References"].items()
                },
            }
        if values:
            change_contact(connection, contact.contact_id, **values)
    return {}


@operations.add("GetContactAttributes")
def get_attributes(connect: Connect, call: Call) -> dict[str, Any]:
    """The attributes, also of a contact that is over."""
    with connect.read() as connection:
        instance = instance_of(connection, call)
        contact = _contact(connection, instance, call.members["InitialContactId"])
        return {"Attributes": dict(attributes_of(connection, contact.contact_id))}


@operations.add("UpdateContactAttributes")
async def update_attributes(connect: Connect, call: Call) -> dict[str, Any]:
    """Set some, and leave the others; a flow that is under way sees them at once."""
    contact_id: str = call.members["InitialContactId"]
    attributes = attributes_in(call)

    def check() -> None:
        with connect.read() as connection:
            _contact(connection, instance_of(connection, call), contact_id)

    await asyncio.to_thread(check)
    try:
        await connect.calls.update_attributes(contact_id, attributes)
    except InvalidInput as error:
        raise AwsError("InvalidRequestException", str(error)) from None
    return {}


@operations.add("StopContact")
async def stop(connect: Connect, call: Call) -> dict[str, Any]:
    """End a contact: hang up, or do not dial. One that is over already is left so.

    Raises ContactNotFoundException.
    """
    contact_id: str = call.members["ContactId"]

    def check() -> None:
        with connect.read() as connection:
            instance = instance_of(connection, call)
            try:
                _contact(connection, instance, contact_id)
            except NotFound as error:
                raise AwsError("ContactNotFoundException", error.message, 410) from None

    await asyncio.to_thread(check)
    code = call.members.get("DisconnectReason", {}).get("Code")
    await connect.calls.hang_up(contact_id, code or STOPPED)
    return {}


@operations.add("TagContact")
def tag(connect: Connect, call: Call) -> dict[str, Any]:
    """Add tags."""
    with connect.write() as connection:
        instance = instance_of(connection, call)
        contact = _contact(connection, instance, call.members["ContactId"])
        tags = {**contact.tags, **call.members["Tags"]}
        if len(tags) > MOST_TAGS:
            raise InvalidInput(
                f"the contact would have {len(tags)} tags",
                field="Tags",
                expected=f"at most {MOST_TAGS}",
            )
        change_contact(connection, contact.contact_id, tags=tags)
    return {}


@operations.add("UntagContact")
def untag(connect: Connect, call: Call) -> dict[str, Any]:
    """Take tags away."""
    gone = set(call.members["TagKeys"])
    with connect.write() as connection:
        instance = instance_of(connection, call)
        contact = _contact(connection, instance, call.members["ContactId"])
        tags = {key: value for key, value in contact.tags.items() if key not in gone}
        change_contact(connection, contact.contact_id, tags=tags)
    return {}


def _contact(connection: Connection, instance: ConnectInstance, named: str) -> StoredContact:
    contact = get_contact(connection, last_part(named))
    if contact.instance_id != instance.instance_id:
        raise NotFound(f"there is no contact {named!r} in this instance", field="contact_id")
    return contact


def _description(
    call: Call, instance: ConnectInstance, contact: StoredContact, attributes: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "Arn": arn_of(call, instance, f"contact/{contact.contact_id}"),
        "Id": contact.contact_id,
        "InitialContactId": contact.initial_contact_id,
        "PreviousContactId": contact.previous_contact_id,
        "RelatedContactId": contact.related_contact_id,
        "InitiationMethod": contact.initiation_method,
        "Name": contact.name or None,
        "Description": contact.description or None,
        "Channel": contact.channel,
        "QueueInfo": None
        if contact.queue_id is None
        else {"Id": contact.queue_id, "EnqueueTimestamp": contact.enqueued_at},
        "AgentInfo": None
        if contact.agent_id is None
        else {"Id": contact.agent_id, "ConnectedToAgentTimestamp": contact.agent_connected_at},
        "InitiationTimestamp": contact.initiated_at,
        "DisconnectTimestamp": contact.disconnected_at,
        "LastUpdateTimestamp": contact.updated_at,
        "ScheduledTimestamp": contact.scheduled_at,
        "ConnectedToSystemTimestamp": contact.connected_at,
        "CustomerId": contact.customer_id or None,
        "CustomerEndpoint": _endpoint(contact.customer_number),
        "SystemEndpoint": _endpoint(contact.system_number),
        "Tags": dict(contact.tags),
        "SegmentAttributes": {
            name: {"ValueString": value} for name, value in contact.segment_attributes.items()
        },
        "AnsweringMachineDetectionStatus": contact.answering_machine,
        "Campaign": {"CampaignId": contact.request.campaign_id}
        if contact.request.campaign_id
        else None,
        "DisconnectReason": contact.disconnect_reason,
        "Attributes": dict(attributes),
    }


def _endpoint(number: str) -> dict[str, str] | None:
    return {"Type": "TELEPHONE_NUMBER", "Address": number} if number else None
