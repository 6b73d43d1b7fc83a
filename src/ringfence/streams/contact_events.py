"""What is published of a contact: its events and its record, in Amazon Connect's shapes.

Events are those that Amazon EventBridge carries ("Amazon Connect Contact Event"), in its envelope.
A contact record is the document that Amazon Connect writes to a stream, bare.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection

from ringfence.contacts.announcements import ContactMessage, MessageKind, second
from ringfence.streams.messages import Message, Origin

SOURCE = "aws.connect"
EVENT_TYPE = "Amazon Connect Contact Event"
RECORD_TYPE = "Amazon Connect Contact Record"


class ContactComposer:
    """Makes messages of what is kept of contacts."""

    def __init__(self, origin: Origin):
        self._origin = origin

    def message(self, connection: Connection, message_id: str, content: Any) -> Message:
        """The message. Raises `msgspec.ValidationError` for a content that is none."""
        kept = msgspec.convert(content, ContactMessage)
        detail = msgspec.json.encode(kept.detail)
        if kept.kind is MessageKind.RECORD:
            return self._message(message_id, kept, RECORD_TYPE, body=detail, detail=detail)
        envelope = {
            "version": "0",
            "id": message_id,
            "detail-type": EVENT_TYPE,
            "source": SOURCE,
            "account": self._origin.account,
            "time": second(kept.at),
            "region": self._origin.region,
            "resources": [kept.instance_arn, f"{kept.instance_arn}/contact/{kept.contact_id}"],
            "detail": msgspec.Raw(detail),
        }
        body = msgspec.json.encode(envelope)
        return self._message(message_id, kept, EVENT_TYPE, body=body, detail=detail)

    def _message(
        self, message_id: str, kept: ContactMessage, detail_type: str, *, body: bytes, detail: bytes
    ) -> Message:
        return Message(
            message_id=message_id,
            event_type=f"contact_{kept.kind}",
            event_id=kept.contact_id,
            subject=kept.contact_id,
            body=body,
            detail=detail,
            source=SOURCE,
            detail_type=detail_type,
        )
