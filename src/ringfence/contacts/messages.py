"""SMS and e-mails that flows send: put down first, then handed to a provider, until it has them.

A message is in the outbox in one transaction with what it is about and stays there when the server
dies. It is handed over at least once; what is handed over twice has the same id.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, insert, select, update

from ringfence.carddata import mask_card_numbers
from ringfence.cards.phones import read_phone_number
from ringfence.contacts import tables
from ringfence.contacts.naming import new_id
from ringfence.errors import Conflict, InvalidInput, NotFound
from ringfence.flows import Channel, Message, MessageFailed

KEEP_TRYING = timedelta(hours=24)
HAND_OVER_WITHIN = timedelta(seconds=120)

_LONGEST_TO, _LONGEST_SUBJECT, _LONGEST_SENDER, _LONGEST_DETAIL = 256, 512, 256, 512
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 2.0, 900.0
_ADDRESS = re.compile(r"[^@\s<>\"(),:;\\]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")


class MessageState(StrEnum):
    """How far a message has got."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


class StoredMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message. `detail` says why it was not taken, or what the provider calls it."""

    message_id: str
    contact_id: str
    channel: Channel
    to: str
    text: str
    subject: str = ""
    sender: str = ""
    state: MessageState = MessageState.WAITING
    attempts: int = 0
    detail: str = ""
    created_at: datetime
    due_at: datetime
    sent_at: datetime | None = None


def put_message(
    connection: Connection, message: Message, contact_id: str, at: datetime
) -> StoredMessage:
    """Put a message down. Card numbers in it are masked.

    Raises `MessageFailed` for an address that no provider can send it to.
    """
    kept = StoredMessage(
        message_id=new_id(),
        contact_id=contact_id,
        channel=message.channel,
        to=_addressee(message),
        text=mask_card_numbers(message.text),
        subject=mask_card_numbers(" ".join(message.subject.split()))[:_LONGEST_SUBJECT],
        sender=" ".join(message.sender.split())[:_LONGEST_SENDER],
        created_at=at,
        due_at=at,
    )
    connection.execute(insert(tables.sent_messages).values(**msgspec.structs.asdict(kept)))
    return kept


def get_message(connection: Connection, message_id: str) -> StoredMessage:
    """The message of that id. Raises `NotFound`."""
    table = tables.sent_messages
    row = connection.execute(select(table).where(table.c.message_id == message_id)).first()
    if row is None:
        raise NotFound(f"there is no message {message_id!r}", field="message_id")
    return _message(row)


def list_messages(
    connection: Connection,
    *,
    contact_id: str | None = None,
    state: MessageState | None = None,
    limit: int = 100,
) -> list[StoredMessage]:
    """Messages, the newest first; of one contact, or in one state, where that is given."""
    table = tables.sent_messages
    query = select(table)
    if contact_id is not None:
        query = query.where(table.c.contact_id == contact_id)
    if state is not None:
        query = query.where(table.c.state == state)
    rows = connection.execute(query.order_by(table.c.created_at.desc()).limit(limit))
    return [_message(row) for row in rows]


def take_messages(
    connection: Connection, channels: Collection[Channel], at: datetime, limit: int
) -> list[StoredMessage]:
    """Messages to be handed over now, set aside for whoever asks.

    One that is neither `sent` nor `not_sent` within `HAND_OVER_WITHIN` is due again, for its
    taker is dead.
    """
    table = tables.sent_messages
    due = connection.execute(
        select(table)
        .where(
            table.c.state == MessageState.WAITING,
            table.c.due_at <= at,
            table.c.channel.in_(list(channels)),
        )
        .order_by(table.c.due_at, table.c.message_id)
        .limit(limit)
    ).all()
    taken = []
    for row in due:
        mine = connection.execute(
            update(table)
            .where(
                table.c.message_id == row.message_id,
                table.c.state == MessageState.WAITING,
                table.c.due_at == row.due_at,
            )
            .values(due_at=at + HAND_OVER_WITHIN, attempts=table.c.attempts + 1)
        ).rowcount
        if mine:
            taken.append(msgspec.structs.replace(_message(row), attempts=row.attempts + 1))
    return taken


def sent(connection: Connection, message_id: str, at: datetime, detail: str = "") -> None:
    """The provider has the message."""
    _change(
        connection,
        message_id,
        state=MessageState.SENT,
        sent_at=at,
        detail=detail[:_LONGEST_DETAIL],
    )


def not_sent(
    connection: Connection,
    message: StoredMessage,
    at: datetime,
    reason: str,
    *,
    refused: bool = False,
    wait_seconds: float = 0.0,
) -> MessageState:
    """The provider does not have it: it is tried again, later each time, for a day; but not where
    the provider `refused` it for good."""
    detail = mask_card_numbers(reason)[:_LONGEST_DETAIL]
    pause = min(_FIRST_PAUSE_SECONDS * 2.0 ** (message.attempts - 1), _LONGEST_PAUSE_SECONDS)
    due_at = at + timedelta(seconds=max(pause, wait_seconds))
    if refused or due_at - message.created_at > KEEP_TRYING:
        _change(connection, message.message_id, state=MessageState.FAILED, detail=detail)
        return MessageState.FAILED
    _change(connection, message.message_id, due_at=due_at, detail=detail)
    return MessageState.WAITING


def send_again(connection: Connection, message_id: str, at: datetime) -> None:
    """Try a message again that was given up, once where it is older than a day.

    Raises `NotFound`, and `Conflict` for others.
    """
    message = get_message(connection, message_id)
    if message.state is not MessageState.FAILED:
        raise Conflict(f"this message is {message.state}", field="message_id")
    table = tables.sent_messages
    connection.execute(
        update(table)
        .where(table.c.message_id == message_id)
        .values(state=MessageState.WAITING, attempts=0, due_at=at)
    )


def next_due(connection: Connection, channels: Collection[Channel]) -> datetime | None:
    """When the next message is due; None when there is none."""
    table = tables.sent_messages.c
    found: datetime | None = connection.execute(
        select(func.min(table.due_at)).where(
            table.state == MessageState.WAITING, table.channel.in_(list(channels))
        )
    ).scalar()
    return found


def _addressee(message: Message) -> str:
    to = message.to.strip()
    if message.channel is Channel.SMS:
        try:
            return read_phone_number(to, field="to").e164
        except InvalidInput as error:
            raise MessageFailed(f"an SMS cannot be sent: {error.message}") from None
    if not _ADDRESS.fullmatch(to) or len(to) > _LONGEST_TO:
        raise MessageFailed("an e-mail cannot be sent: not an e-mail address")
    return to


def _change(connection: Connection, message_id: str, **values: object) -> None:
    table = tables.sent_messages
    connection.execute(update(table).where(table.c.message_id == message_id).values(**values))


def _message(row: Row[tuple[Any, ...]]) -> StoredMessage:
    return StoredMessage(
        **{
            **row._mapping,
            "channel": Channel(row.channel),
            "state": MessageState(row.state),
        }
    )
