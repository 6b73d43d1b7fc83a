"""StartOutboundVoiceContact: ring somebody, and run a contact flow once they answer."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import msgspec
from sqlalchemy import Connection

from ringfence.aws.connect.naming import attributes_in, flow_of, instance_of, thing_of
from ringfence.aws.connect.operations import Call, Operations
from ringfence.aws.connect.service import Connect
from ringfence.aws.wire.errors import AwsError
from ringfence.contacts.calls import TooManyCalls
from ringfence.contacts.instances import ConnectInstance
from ringfence.contacts.queues import get_queue
from ringfence.contacts.records import (
    CallWishes,
    StoredContact,
    TrafficType,
    get_contact,
    new_contact_id,
)
from ringfence.errors import InvalidInput, NotFound
from ringfence.flows import InitiationMethod, Reference, ResourceKind
from ringfence.storage import now

DEFAULT_RING_SECONDS = 60

operations = Operations()


@operations.add("StartOutboundVoiceContact")
async def start(connect: Connect, call: Call) -> dict[str, Any]:
    """The id of the contact, at once; it is on record, and the phone rings soon.

    The same ClientToken within seven days is the same contact. Raises InvalidParameterException,
    ResourceNotFoundException, DestinationNotAllowedException for a number that may not be called,
    OutboundContactNotPermittedException for one that may not be called from, and
    LimitExceededException.
    """
    contact = await asyncio.to_thread(_contact, connect, call)
    try:
        kept = await connect.calls.accept(contact)
    except TooManyCalls as error:
        raise AwsError("LimitExceededException", str(error), 429) from None
    if kept.request.parameters != contact.request.parameters:
        raise InvalidInput(
            "this token belongs to another request", field="ClientToken", expected="a new one"
        )
    return {"ContactId": kept.contact_id}


def _contact(connect: Connect, call: Call) -> StoredContact:
    members = call.members
    detection = members.get("AnswerMachineDetectionConfig", {})
    detect = bool(detection.get("EnableAnswerMachineDetection"))
    traffic = TrafficType(members.get("TrafficType", TrafficType.GENERAL))
    if detect and traffic is not TrafficType.CAMPAIGN:
        raise InvalidInput(
            "answering machines are listened for in campaigns only",
            field="TrafficType",
            expected="CAMPAIGN",
        )
    if members.get("OutboundStrategy") is not None:
        raise InvalidInput(
            "calls that begin with an agent are not offered", field="OutboundStrategy"
        )
    number: str = members["DestinationPhoneNumber"]
    _require_allowed(connect, number)
    at = now()
    contact_id = new_contact_id()
    with connect.read() as connection:
        instance = instance_of(connection, call)
        if not instance.outbound_calls:
            raise _not_permitted("this instance may not call out")
        flow, _ = flow_of(connection, instance, members["ContactFlowId"])
        if flow.published_version is None:
            raise InvalidInput("the flow has not been published", field="flow_id")
        queue_id, source = _source(connection, instance, call)
        related = _related(connection, instance.instance_id, members.get("RelatedContactId"))
    return StoredContact(
        contact_id=contact_id,
        instance_id=instance.instance_id,
        initial_contact_id=contact_id,
        related_contact_id=related,
        initiation_method=InitiationMethod.API,
        flow_id=flow.flow_id,
        line=_line_of(connect, source),
        customer_number=number,
        system_number=source,
        name=members.get("Name", ""),
        description=members.get("Description", ""),
        attributes=attributes_in(call),
        references={
            key: Reference(value=one.get("Value", ""), type=one["Type"])
            for key, one in members.get("References", {}).items()
        },
        request=CallWishes(
            ring_timeout_seconds=members.get("RingTimeoutInSeconds", DEFAULT_RING_SECONDS),
            traffic_type=traffic,
            detect_machine=detect,
            await_machine_prompt=bool(detection.get("AwaitAnswerMachinePrompt")),
            campaign_id=members.get("CampaignId", ""),
            caller_name=connect.settings.bank_name,
            requested_by=call.by,
            parameters=_digest(members),
        ),
        client_token=members.get("ClientToken") or None,
        queue_id=queue_id,
        initiated_at=at,
        updated_at=at,
    )


def _source(
    connection: Connection, instance: ConnectInstance, call: Call
) -> tuple[str | None, str]:
    """The queue that is named, if one is, and the number that is called from."""
    named, source = call.members.get("QueueId"), call.members.get("SourcePhoneNumber")
    queue_id = None
    if named is not None:
        queue_id = thing_of(connection, instance, ResourceKind.QUEUE, named, "QueueId")
        source = source or get_queue(connection, queue_id).caller_number
    if not source:
        raise InvalidInput(
            "nothing says which number to call from",
            field="SourcePhoneNumber",
            expected="a number, or a QueueId whose queue has one",
        )
    return queue_id, source


def _line_of(connect: Connect, source: str) -> str:
    """The line that may call from that number."""
    for name, line in connect.lines.items():
        if line.numbers is not None and source in line.numbers:
            return name
    for name, line in connect.lines.items():
        if line.numbers is None:
            return name
    raise _not_permitted(f"no line here owns {source}")


def _require_allowed(connect: Connect, number: str) -> None:
    prefixes = connect.settings.callable_prefixes
    if prefixes and not number.startswith(tuple(prefixes)):
        raise AwsError(
            "DestinationNotAllowedException",
            f"{number} does not begin with any of {', '.join(prefixes)}, which are the numbers "
            "that may be called (setting callable_prefixes)",
            403,
        )


def _related(connection: Connection, instance_id: str, contact_id: str | None) -> str | None:
    if contact_id is None:
        return None
    try:
        related = get_contact(connection, contact_id)
    except NotFound as error:
        error.field = "RelatedContactId"
        raise
    if related.instance_id != instance_id:
        raise NotFound(f"{contact_id!r} is of another instance", field="RelatedContactId")
    return related.contact_id


def _not_permitted(message: str) -> AwsError:
    return AwsError("OutboundContactNotPermittedException", message, 403)


def _digest(members: Any) -> str:
    asked = {name: value for name, value in members.items() if name != "ClientToken"}
    return hashlib.sha256(msgspec.json.encode(asked, order="sorted")).hexdigest()
