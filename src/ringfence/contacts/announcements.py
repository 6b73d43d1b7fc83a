"""What others are told of contacts: events as they happen, and a record when they are over.

The shapes are those that Amazon Connect publishes (EventBridge detail-type "Amazon Connect Contact
Event"; contact records, "Contact records data model", Administrator Guide). A message
is put down in the transaction of the change that it tells of, and is published later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select

from ringfence.contacts import tables
from ringfence.contacts.records import StoredContact, TrafficType
from ringfence.storage import OrderedIds, now

RECORD_FORMAT = "2017-03-10"  # AWSContactTraceRecordFormatVersion

_IDS = OrderedIds()


class ContactEvent(StrEnum):
    """What happens to a contact, by Amazon Connect's names."""

    INITIATED = "INITIATED"
    CONNECTED_TO_SYSTEM = "CONNECTED_TO_SYSTEM"
    QUEUED = "QUEUED"
    CONNECTED_TO_AGENT = "CONNECTED_TO_AGENT"
    CONTACT_DATA_UPDATED = "CONTACT_DATA_UPDATED"
    DISCONNECTED = "DISCONNECTED"


class MessageKind(StrEnum):
    """What a message is."""

    EVENT = "event"
    RECORD = "record"


class ContactMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message as it is kept until it is published. `detail` has Amazon Connect's names."""

    kind: MessageKind
    contact_id: str
    instance_arn: str
    at: datetime
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Announcer:
    """Puts messages down. `on` is False where nobody wants them."""

    region: str
    account: str
    on: bool = True

    def tell(self, connection: Connection, event: ContactEvent, contact: StoredContact) -> None:
        """Put down the event, and with the last one the contact's record."""
        if not self.on:
            return
        self._put(
            connection, MessageKind.EVENT, contact, self.event_detail(connection, event, contact)
        )
        if event is ContactEvent.DISCONNECTED:
            self._put(connection, MessageKind.RECORD, contact, self.record(connection, contact))

    def event_detail(
        self, connection: Connection, event: ContactEvent, contact: StoredContact
    ) -> dict[str, Any]:
        """The `detail` of a contact event."""
        queue = self._queue(connection, contact)
        agent = self._agent(contact)
        detail: dict[str, Any] = {
            "eventType": event,
            "contactId": contact.contact_id,
            "initialContactId": contact.initial_contact_id,
            "previousContactId": contact.previous_contact_id,
            "relatedContactId": contact.related_contact_id,
            "channel": contact.channel,
            "instanceArn": self._arn(contact),
            "initiationMethod": contact.initiation_method,
            "initiationTimestamp": second(contact.initiated_at),
            "connectedToSystemTimestamp": second(contact.connected_at),
            "disconnectTimestamp": second(contact.disconnected_at),
            "scheduledTimestamp": second(contact.scheduled_at),
            "tags": dict(contact.tags) or None,
        }
        if queue is not None and contact.enqueued_at is not None:
            detail["queueInfo"] = {
                "queueArn": queue["ARN"],
                "queueType": "STANDARD",
                "enqueueTimestamp": second(contact.enqueued_at),
            }
        if agent is not None and contact.agent_connected_at is not None:
            detail["agentInfo"] = {
                "agentArn": agent,
                "connectedToAgentTimestamp": second(contact.agent_connected_at),
            }
        if event is ContactEvent.CONNECTED_TO_SYSTEM:
            detail["answeringMachineDetectionStatus"] = contact.answering_machine
        if event is ContactEvent.DISCONNECTED:
            detail["disconnectReason"] = contact.disconnect_reason
        if contact.request.traffic_type is TrafficType.CAMPAIGN:
            detail["campaign"] = {"campaignId": contact.request.campaign_id or None}
        return _present(detail)

    def record(self, connection: Connection, contact: StoredContact) -> dict[str, Any]:
        """The contact record (CTR) of a contact that is over."""
        queue = self._queue(connection, contact)
        agent = self._agent(contact)
        record: dict[str, Any] = {
            "AWSAccountId": self.account,
            "AWSContactTraceRecordFormatVersion": RECORD_FORMAT,
            "Agent": None
            if agent is None
            else {"ARN": agent, "ConnectedToAgentTimestamp": second(contact.agent_connected_at)},
            "AnsweringMachineDetectionStatus": contact.answering_machine,
            "Attributes": dict(contact.attributes),
            "Campaign": {"CampaignId": contact.request.campaign_id}
            if contact.request.campaign_id
            else None,
            "Channel": contact.channel,
            "ConnectedToSystemTimestamp": second(contact.connected_at),
            "ContactDetails": _present(
                {"ContactName": contact.name or None, "Description": contact.description or None}
            )
            or None,
            "ContactId": contact.contact_id,
            "CustomerEndpoint": _endpoint(contact.customer_number),
            "CustomerId": contact.customer_id or None,
            "DisconnectReason": contact.disconnect_reason,
            "DisconnectTimestamp": second(contact.disconnected_at),
            "InitialContactId": contact.initial_contact_id,
            "InitiationMethod": contact.initiation_method,
            "InitiationTimestamp": second(contact.initiated_at),
            "InstanceARN": self._arn(contact),
            "LanguageCode": contact.language,
            "LastUpdateTimestamp": second(contact.updated_at),
            "MediaStreams": [{"Type": "AUTOMATED_INTERACTION"}] if contact.connected_at else [],
            "NextContactId": None,
            "PreviousContactId": contact.previous_contact_id,
            "Queue": None if queue is None else {**queue, **_waiting(contact)},
            "References": [
                {"Name": name, "Type": one.type, "Value": one.value}
                for name, one in contact.references.items()
            ],
            "RelatedContactId": contact.related_contact_id,
            "ScheduledTimestamp": second(contact.scheduled_at),
            "SystemEndpoint": _endpoint(contact.system_number),
            "Tags": dict(contact.tags),
        }
        # A record has every field, as a table has; only what newer versions added is left out.
        return record

    def _arn(self, contact: StoredContact) -> str:
        return f"arn:aws:connect:{self.region}:{self.account}:instance/{contact.instance_id}"

    def _agent(self, contact: StoredContact) -> str | None:
        return f"{self._arn(contact)}/agent/{contact.agent_id}" if contact.agent_id else None

    def _queue(self, connection: Connection, contact: StoredContact) -> dict[str, Any] | None:
        if contact.queue_id is None:
            return None
        table = tables.queues
        row = connection.execute(
            select(table.c.name).where(table.c.queue_id == contact.queue_id)
        ).first()
        name = row.name if row is not None else None
        return {"ARN": f"{self._arn(contact)}/queue/{contact.queue_id}", "Name": name}

    def _put(
        self,
        connection: Connection,
        kind: MessageKind,
        contact: StoredContact,
        detail: dict[str, Any],
    ) -> None:
        at = now()
        content = ContactMessage(
            kind=kind,
            contact_id=contact.contact_id,
            instance_arn=self._arn(contact),
            at=at,
            detail=detail,
        )
        connection.execute(
            insert(tables.contact_messages).values(
                message_id=_IDS.new(), content=content, created_at=at
            )
        )


def second(at: datetime | None) -> str | None:
    """A time as Connect's records have it: `2024-05-04T22:28:30Z`."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _waiting(contact: StoredContact) -> dict[str, Any]:
    until = contact.dequeued_at or contact.disconnected_at
    duration = None
    if contact.enqueued_at is not None and until is not None:
        duration = int((until - contact.enqueued_at).total_seconds())
    return {
        "EnqueueTimestamp": second(contact.enqueued_at),
        "DequeueTimestamp": second(contact.dequeued_at),
        "Duration": duration,
    }


def _endpoint(number: str) -> dict[str, str] | None:
    return {"Address": number, "Type": "TELEPHONE_NUMBER"} if number else None


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
