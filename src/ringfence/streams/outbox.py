"""The outbox: messages that were put down with their decisions and are still to be published."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, select, update

from ringfence.storage import RowInsert, now
from ringfence.streams import tables
from ringfence.streams.messages import Content

_REASON_CHARACTERS = 512
_MESSAGES = RowInsert(tables.decision_messages, "message_id", "content", "created_at")


class Kept(msgspec.Struct, frozen=True):
    """A message as it is kept; `content` as it came out of the database."""

    message_id: str
    content: Any


class Standing(msgspec.Struct, frozen=True):
    """How many messages wait, how many the target refused, and since when the oldest waits."""

    waiting: int
    refused: int
    oldest_at: datetime | None


def put_down(connection: Connection, message_id: str, content: Content) -> None:
    """Keep a message until it is published."""
    _MESSAGES.insert(connection, [(message_id, content, content.decided_at)])


def oldest_messages(connection: Connection, limit: int) -> list[Kept]:
    """The messages that wait, in the order in which they are to be sent, `limit` at most."""
    messages = tables.decision_messages.c
    rows = connection.execute(
        select(messages.message_id, messages.content)
        .where(messages.refused.is_(None))
        .order_by(messages.message_id)
        .limit(limit)
    )
    return [Kept(row.message_id, row.content) for row in rows]


def anything_waits(connection: Connection) -> bool:
    """Whether there is a message to send."""
    messages = tables.decision_messages.c
    return (
        connection.execute(
            select(messages.message_id).where(messages.refused.is_(None)).limit(1)
        ).first()
        is not None
    )


def remove_messages(connection: Connection, message_ids: Sequence[str]) -> None:
    """Forget messages that were published."""
    if message_ids:
        messages = tables.decision_messages
        connection.execute(delete(messages).where(messages.c.message_id.in_(message_ids)))


def set_aside(connection: Connection, message_id: str, reason: str) -> None:
    """Keep a message that the target will not take from holding up those after it."""
    messages = tables.decision_messages
    connection.execute(
        update(messages)
        .where(messages.c.message_id == message_id)
        .values(refused=reason[:_REASON_CHARACTERS])
    )


def take_up_again(connection: Connection) -> int:
    """Let messages that were set aside wait again. Returns how many there were."""
    messages = tables.decision_messages
    return connection.execute(
        update(messages).where(messages.c.refused.is_not(None)).values(refused=None)
    ).rowcount


def drop_messages(connection: Connection, before: datetime) -> int:
    """Give up messages that are older than that. Returns how many there were."""
    messages = tables.decision_messages
    return connection.execute(delete(messages).where(messages.c.created_at < before)).rowcount


def standing_of(connection: Connection) -> Standing:
    """How the outbox stands."""
    messages = tables.decision_messages.c
    waiting, refused, oldest = connection.execute(
        select(
            func.count().filter(messages.refused.is_(None)),
            func.count(messages.refused),
            func.min(messages.created_at).filter(messages.refused.is_(None)),
        )
    ).one()
    return Standing(waiting, refused, oldest)


def seconds_waiting(standing: Standing) -> float:
    """For how long the oldest message has been waiting; 0 when none is."""
    if standing.oldest_at is None:
        return 0.0
    return max(0.0, (now() - standing.oldest_at).total_seconds())
