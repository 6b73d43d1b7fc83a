"""Whose turn it is to publish, of several servers on one database: so that messages are sent in
order, and none by two at once."""

from __future__ import annotations

import os
import socket
import uuid
from datetime import timedelta

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects.postgresql import insert as insert_on_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_on_sqlite

from ringfence.storage import now
from ringfence.streams import tables


class Lease:
    """The lease of one publisher of the messages that `name` says. It is over when its time is,
    unless it is held again."""

    def __init__(self, name: str, seconds: float):
        self._name = name
        self._for = timedelta(seconds=seconds)
        self.holder = f"{socket.gethostname()[:80]}/{os.getpid()}/{uuid.uuid4().hex[:12]}"

    def hold(self, connection: Connection) -> bool:
        """Take or renew it, in a transaction. Returns whether it is this publisher's now."""
        leases = tables.publisher_leases
        at = now()
        renewed = connection.execute(
            update(leases)
            .where(
                leases.c.name == self._name,
                (leases.c.holder == self.holder) | (leases.c.held_until < at),
            )
            .values(holder=self.holder, held_until=at + self._for)
        )
        if renewed.rowcount:
            return True
        # On PostgreSQL another server may do this in the same moment: one of them inserts.
        insert = insert_on_sqlite if connection.dialect.name == "sqlite" else insert_on_postgresql
        added = connection.execute(
            insert(leases)
            .values(name=self._name, holder=self.holder, held_until=at + self._for)
            .on_conflict_do_nothing()
            .returning(leases.c.name)
        )
        if added.first() is not None:
            return True
        if connection.dialect.name == "sqlite" and self._holder_is_dead(connection):
            connection.execute(
                update(leases)
                .where(leases.c.name == self._name)
                .values(holder=self.holder, held_until=at + self._for)
            )
            return True
        return False

    def release(self, connection: Connection) -> None:
        """Let another publisher have it at once."""
        leases = tables.publisher_leases
        connection.execute(
            delete(leases).where(leases.c.name == self._name, leases.c.holder == self.holder)
        )

    def _holder_is_dead(self, connection: Connection) -> bool:
        """Whether the holder was a process of this machine that is no more. A database in a file
        has no other holders, and a server that was killed goes on without waiting."""
        leases = tables.publisher_leases.c
        holder = connection.execute(
            select(leases.holder).where(leases.name == self._name)
        ).scalar_one_or_none()
        if holder is None or os.name != "posix":
            return False
        host, _, rest = holder.rpartition("/")[0].rpartition("/")
        if host != self.holder.rpartition("/")[0].rpartition("/")[0]:
            return False
        return not rest.isdigit() or not _is_alive(int(rest))


def _is_alive(process_id: int) -> bool:
    if process_id == os.getpid():
        # In a container the server before had the same number as often as not; but two publishers
        # of one process are possible too, and those wait for each other.
        return True
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
