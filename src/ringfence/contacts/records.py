"""Contacts as they are on record: opened before they are dialled, changed as they go, closed once.

Every step is one transaction of its own, so that a record says what had happened when the process
died: what is open and was never dialled can still be dialled, what was dialled never is again.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, insert, select, update

from ringfence.contacts import tables
from ringfence.errors import InvalidInput, NotFound
from ringfence.flows import ContactState, InitiationMethod, Reference
from ringfence.storage import now

MOST_ATTRIBUTE_BYTES = 32_768  # of all attributes of a contact together, in UTF-8
TOKEN_LIFE = timedelta(days=7)

# Run many times in each call, so they are built once.
_OF_CONTACT = tables.contacts.c.contact_id == bindparam("of_contact")
_OPEN = insert(tables.contacts)
_CONTACT = select(tables.contacts).where(_OF_CONTACT)
_CHANGE = update(tables.contacts).where(_OF_CONTACT)
_CHANGE_OPEN = _CHANGE.where(tables.contacts.c.disconnected_at.is_(None))
_DIAL = _CHANGE_OPEN.where(tables.contacts.c.dialled_at.is_(None))


class Channel(StrEnum):
    """What a contact is held over."""

    VOICE = "VOICE"
    TASK = "TASK"


class TrafficType(StrEnum):
    """Why a call is placed; a campaign may listen for answering machines."""

    GENERAL = "GENERAL"
    CAMPAIGN = "CAMPAIGN"


class CallWishes(msgspec.Struct, frozen=True, kw_only=True):
    """What the request of an outbound contact asks for. Times in seconds."""

    ring_timeout_seconds: float = 60.0
    traffic_type: TrafficType = TrafficType.GENERAL
    detect_machine: bool = False
    await_machine_prompt: bool = False
    campaign_id: str = ""
    caller_name: str = ""
    requested_by: str = ""
    parameters: str = ""  # a digest of what was asked for with a client token
    attempt: bool = False  # it is an attempt of a case, which sees to what follows by itself


class StoredContact(msgspec.Struct, frozen=True, kw_only=True):
    """One contact. Numbers are E.164, times aware UTC; what has not happened is None."""

    contact_id: str
    instance_id: str
    initial_contact_id: str
    previous_contact_id: str | None = None
    related_contact_id: str | None = None
    initiation_method: InitiationMethod = InitiationMethod.API
    channel: Channel = Channel.VOICE
    flow_id: str | None = None
    flow_version: int | None = None
    line: str = ""
    customer_number: str = ""
    system_number: str = ""
    name: str = ""
    description: str = ""
    customer_id: str = ""
    language: str = "en-US"
    attributes: Mapping[str, str] = {}
    references: Mapping[str, Reference] = {}
    tags: Mapping[str, str] = {}
    segment_attributes: Mapping[str, str] = {}
    request: CallWishes = CallWishes()
    client_token: str | None = None
    queue_id: str | None = None
    enqueued_at: datetime | None = None
    dequeued_at: datetime | None = None
    agent_id: str | None = None
    agent_connected_at: datetime | None = None
    answering_machine: str | None = None
    initiated_at: datetime
    scheduled_at: datetime | None = None
    dialled_at: datetime | None = None
    connected_at: datetime | None = None
    disconnected_at: datetime | None = None
    disconnect_reason: str | None = None
    detail: str = ""
    updated_at: datetime


def new_contact_id() -> str:
    """An id for a contact."""
    return str(uuid.uuid4())


def open_contact(connection: Connection, contact: StoredContact) -> StoredContact:
    """Put a contact on record.

    One with a client token that was used in the last seven days is the contact of then. Raises
    `InvalidInput` for attributes that are too large.
    """
    require_attributes(contact.attributes)
    known = _by_token(connection, contact)
    if known is not None and _counts_for(known, contact):
        return known
    if known is not None:
        _change(connection, known.contact_id, client_token=None)
    connection.execute(_OPEN, msgspec.structs.asdict(contact))
    return contact


def contact_of_token(connection: Connection, contact: StoredContact) -> StoredContact | None:
    """The contact of the last seven days that the client token of this one stands for."""
    known = _by_token(connection, contact)
    return known if known is not None and _counts_for(known, contact) else None


def get_contact(connection: Connection, contact_id: str) -> StoredContact:
    """The contact of that id. Raises `NotFound`."""
    row = connection.execute(_CONTACT, {"of_contact": contact_id}).first()
    if row is None:
        raise NotFound(f"there is no contact {contact_id!r}", field="contact_id")
    return _contact(row)


def list_contacts(
    connection: Connection,
    instance_id: str,
    *,
    before: datetime | None = None,
    open_only: bool = False,
    limit: int = 100,
) -> list[StoredContact]:
    """Contacts of an instance, the newest first."""
    table = tables.contacts
    query = select(table).where(table.c.instance_id == instance_id)
    if before is not None:
        query = query.where(table.c.initiated_at < before)
    if open_only:
        query = query.where(table.c.disconnected_at.is_(None))
    rows = connection.execute(query.order_by(table.c.initiated_at.desc()).limit(limit))
    return [_contact(row) for row in rows]


def unfinished_contacts(connection: Connection) -> list[StoredContact]:
    """Calls that have not ended, the oldest first; but for call-backs, which wait in queues."""
    table = tables.contacts
    rows = connection.execute(
        select(table)
        .where(
            table.c.disconnected_at.is_(None),
            table.c.channel == Channel.VOICE,
            table.c.initiation_method != InitiationMethod.CALLBACK,
        )
        .order_by(table.c.initiated_at)
    )
    return [_contact(row) for row in rows]


def dialled(connection: Connection, contact_id: str, at: datetime) -> bool:
    """The contact is dialled now; False, and not so, when it was dialled before or has ended."""
    changed = connection.execute(
        _DIAL, {"of_contact": contact_id, "dialled_at": at, "updated_at": at}
    )
    return changed.rowcount == 1


def connected(
    connection: Connection, contact_id: str, at: datetime, answering_machine: str | None
) -> StoredContact:
    """Somebody, or something, has picked up."""
    _change(connection, contact_id, connected_at=at, answering_machine=answering_machine)
    return get_contact(connection, contact_id)


def disconnected(
    connection: Connection, contact_id: str, at: datetime, reason: str | None, detail: str = ""
) -> StoredContact | None:
    """The contact is over; None when it was over before."""
    changed = connection.execute(
        _CHANGE_OPEN,
        {
            "of_contact": contact_id,
            "disconnected_at": at,
            "disconnect_reason": reason,
            "detail": detail[:512],
            "updated_at": at,
        },
    )
    return get_contact(connection, contact_id) if changed.rowcount else None


def keep(connection: Connection, state: ContactState) -> None:
    """Keep what its flows have made of a contact. The attributes are those of its chain."""
    contact = state.contact
    _change(
        connection,
        contact.contact_id,
        name=state.name,
        description=state.description,
        customer_id=state.customer_id,
        language=state.language,
        references=state.references,
        tags=state.tags,
        segment_attributes=state.segment_attributes,
        queue_id=state.queue.queue_id if state.queue is not None else None,
    )
    first_id = contact.initial_contact_id or contact.contact_id
    _change(connection, first_id, attributes=state.attributes)


def attributes_of(connection: Connection, contact_id: str) -> Mapping[str, str]:
    """The attributes of a contact, which are those of the first of its chain. Raises `NotFound`."""
    contact = get_contact(connection, contact_id)
    if contact.initial_contact_id in ("", contact_id):
        return contact.attributes
    return get_contact(connection, contact.initial_contact_id).attributes


def update_attributes(
    connection: Connection, contact_id: str, attributes: Mapping[str, str]
) -> Mapping[str, str]:
    """Set some attributes and leave the others; all of them then.

    Raises `NotFound`, and `InvalidInput` when together they are too large.
    """
    contact = get_contact(connection, contact_id)
    together = {**attributes_of(connection, contact_id), **attributes}
    require_attributes(together)
    _change(connection, contact.initial_contact_id or contact_id, attributes=together)
    return together


def require_attributes(attributes: Mapping[str, str]) -> None:
    """Raise `InvalidInput` for attributes that together are larger than a contact may have."""
    size = sum(len(text.encode(errors="replace")) for pair in attributes.items() for text in pair)
    if size > MOST_ATTRIBUTE_BYTES:
        raise InvalidInput(
            f"the attributes have {size} bytes together",
            field="attributes",
            expected=f"at most {MOST_ATTRIBUTE_BYTES}",
        )


def take_contact(
    connection: Connection, contact_id: str, agent_id: str, at: datetime
) -> StoredContact | None:
    """An agent has a contact from now on; None where another one has it, or it is over."""
    contacts = tables.contacts
    changed = connection.execute(
        update(contacts)
        .where(
            contacts.c.contact_id == contact_id,
            contacts.c.agent_id.is_(None),
            contacts.c.disconnected_at.is_(None),
        )
        .values(agent_id=agent_id, agent_connected_at=at, updated_at=at)
    ).rowcount
    return get_contact(connection, contact_id) if changed else None


def change_contact(connection: Connection, contact_id: str, **values: object) -> StoredContact:
    """Change columns of a contact, such as its queue and agent. Raises `NotFound`."""
    _change(connection, contact_id, **values)
    return get_contact(connection, contact_id)


def _change(connection: Connection, contact_id: str, **values: object) -> None:
    changed = connection.execute(_CHANGE, {"of_contact": contact_id, **values, "updated_at": now()})
    if changed.rowcount == 0:
        raise NotFound(f"there is no contact {contact_id!r}", field="contact_id")


def _by_token(connection: Connection, contact: StoredContact) -> StoredContact | None:
    """The contact that has its client token, however old it is."""
    if contact.client_token is None:
        return None
    table = tables.contacts
    row = connection.execute(
        select(table).where(
            table.c.instance_id == contact.instance_id,
            table.c.client_token == contact.client_token,
        )
    ).first()
    return _contact(row) if row is not None else None


def _counts_for(known: StoredContact, contact: StoredContact) -> bool:
    return known.initiated_at > contact.initiated_at - TOKEN_LIFE


def _contact(row: Row[tuple[Any, ...]]) -> StoredContact:
    values = dict(row._mapping)
    values["initiation_method"] = InitiationMethod(row.initiation_method)
    values["channel"] = Channel(row.channel)
    values["request"] = msgspec.convert(row.request, CallWishes)
    values["references"] = {key: Reference(**one) for key, one in row.references.items()}
    return StoredContact(**values)
