"""An outbox: messages that were put down with what they tell of, and are still to be published."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, delete, func, select, update

from ringfence.contacts.tables import contact_messages
from ringfence.storage import RowInsert, now
from ringfence.streams import tables

_REASON_CHARACTERS = 512


class Kept(msgspec.Struct, frozen=True):
    """A message as it is kept; `content` as it came out of the database."""

    message_id: str
    content: Any


class Standing(msgspec.Struct, frozen=True):
    """How many messages wait, how many the target refused, and since when the oldest waits."""

    waiting: int
    refused: int
    oldest_at: datetime | None


class Outbox:
    """The outbox in one table, of messages that people call `noun`."""

    def __init__(self, table: Table, noun: str):
        self.noun = noun
        self._table = table
        self._insert = RowInsert(table, "message_id", "content", "created_at")

    def put_down(
        self, connection: Connection, message_id: str, content: object, at: datetime
    ) -> None:
        """Keep a message until it is published."""
        self._insert.insert(connection, [(message_id, content, at)])

    def oldest(self, connection: Connection, limit: int) -> list[Kept]:
        """The messages that wait, in the order in which they are to be sent, `limit` at most."""
        messages = self._table.c
        rows = connection.execute(
            select(messages.message_id, messages.content)
            .where(messages.refused.is_(None))
            .order_by(messages.message_id)
            .limit(limit)
        )
        return [Kept(row.message_id, row.content) for row in rows]

    def anything_waits(self, connection: Connection) -> bool:
        """Whether there is a message to send."""
        messages = self._table.c
        return (
            connection.execute(
                select(messages.message_id).where(messages.refused.is_(None)).limit(1)
            ).first()
            is not None
        )

    def remove(self, connection: Connection, message_ids: Sequence[str]) -> None:
        """Forget messages that were published."""
        if message_ids:
            messages = self._table
            connection.execute(delete(messages).where(messages.c.message_id.in_(message_ids)))

    def set_aside(self, connection: Connection, message_id: str, reason: str) -> None:
        """Keep a message that the target will not take from holding up those after it."""
        messages = self._table
        connection.execute(
            update(messages)
            .where(messages.c.message_id == message_id)
            .values(refused=reason[:_REASON_CHARACTERS])
        )

    def take_up_again(self, connection: Connection) -> int:
        """Let messages that were set aside wait again. Returns how many there were."""
        messages = self._table
        return connection.execute(
            update(messages).where(messages.c.refused.is_not(None)).values(refused=None)
        ).rowcount

    def drop(self, connection: Connection, before: datetime) -> int:
        """Give up messages that are older than that. Returns how many there were."""
        messages = self._table
        return connection.execute(delete(messages).where(messages.c.created_at < before)).rowcount

    def standing(self, connection: Connection) -> Standing:
        """How the outbox stands."""
        messages = self._table.c
        waiting, refused, oldest = connection.execute(
            select(
                func.count().filter(messages.refused.is_(None)),
                func.count(messages.refused),
                func.min(messages.created_at).filter(messages.refused.is_(None)),
            )
        ).one()
        return Standing(waiting, refused, oldest)


DECISIONS = Outbox(tables.decision_messages, "decisions")
CONTACTS = Outbox(contact_messages, "contact events")


def seconds_waiting(standing: Standing) -> float:
    """For how long the oldest message has been waiting; 0 when none is."""
    if standing.oldest_at is None:
        return 0.0
    return max(0.0, (now() - standing.oldest_at).total_seconds())
