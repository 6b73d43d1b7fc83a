"""What the table in which customers are mastered has yet to learn of.

A change of a customer or of a card's block is noted in the transaction that makes it, so that no
crash can lose it; `cards.dynamodb` carries it to the table and then settles the note. A note says
who has changed, not what to write: that follows from the customer and the cards as they are, and
from what their items in the table were last seen to hold. So notes of one customer add up to one,
and however late it is carried over, the latest state arrives. Where customers are mastered here,
nothing is noted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ringfence.cards import tables

_masters = tables.customer_masters
_writes = tables.customer_writes
_items = tables.customer_items
_PURPOSE = "customers"
_MOST_FORMER = 20


class Edit(msgspec.Struct, frozen=True):
    """When an attribute was last changed here, and what it was here before that."""

    at: datetime
    was: tuple[str, ...] = ()


class PendingWrite(msgspec.Struct, frozen=True, kw_only=True):
    """A customer with changes that the table does not have yet.

    `urgent` when a card was blocked or released. `revision` counts the changes, so that one made
    while the others are carried over is not taken for one of them.
    """

    customer_id: str
    edits: Mapping[str, Edit]
    urgent: bool
    revision: int
    noted_at: datetime
    tries: int
    next_try_at: datetime
    failure: str | None


class WritesWaiting(msgspec.Struct, frozen=True):
    """How many customers wait to be written, since when, and why the last try failed."""

    customers: int
    since: datetime | None
    failure: str | None


def note_write(
    connection: Connection,
    customer_id: str,
    *,
    edits: Mapping[str, str | None] | None = None,
    urgent: bool = False,
    at: datetime,
) -> None:
    """Note that a customer has changed. `edits` tells what each changed attribute was before;
    None for one that was not there. Does nothing where customers are mastered here."""
    if mastered_in(connection) is None:
        return
    make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    noted = make(_writes).values(
        customer_id=customer_id,
        edits={},
        urgent=urgent,
        revision=1,
        noted_at=at,
        tries=0,
        next_try_at=at,
    )
    connection.execute(
        noted.on_conflict_do_update(
            index_elements=["customer_id"],
            set_={
                "urgent": or_(_writes.c.urgent, noted.excluded.urgent),
                "revision": _writes.c.revision + 1,
                # What is urgent does not wait for the end of a pause.
                "next_try_at": at if urgent else _writes.c.next_try_at,
            },
        )
    )
    if edits:
        write = pending_write(connection, customer_id)
        assert write is not None  # inserted above, and locked since
        merged = dict(write.edits)
        for name, before in edits.items():
            former = merged[name].was if name in merged else ()
            known = former if before is None else (*former, before)
            merged[name] = Edit(at, tuple(dict.fromkeys(known))[-_MOST_FORMER:])
        connection.execute(
            update(_writes)
            .where(_writes.c.customer_id == customer_id)
            .values(edits=msgspec.to_builtins(merged))
        )


def pending_write(connection: Connection, customer_id: str) -> PendingWrite | None:
    """What the table has yet to learn of a customer; None when it knows everything."""
    row = connection.execute(select(_writes).where(_writes.c.customer_id == customer_id)).first()
    return None if row is None else _pending(row)


def writes_due(connection: Connection, at: datetime, limit: int) -> Sequence[str]:
    """The customers whose next try is due, blocks and releases first, then the oldest."""
    return (
        connection.execute(
            select(_writes.c.customer_id)
            .where(_writes.c.next_try_at <= at)
            .order_by(_writes.c.urgent.desc(), _writes.c.noted_at, _writes.c.customer_id)
            .limit(limit)
        )
        .scalars()
        .all()
    )


def settle_write(connection: Connection, customer_id: str, revision: int) -> bool:
    """The table has what was noted up to `revision`. Returns whether nothing was noted since."""
    settled = connection.execute(
        delete(_writes).where(_writes.c.customer_id == customer_id, _writes.c.revision == revision)
    )
    return settled.rowcount > 0


def postpone_write(
    connection: Connection, customer_id: str, *, until: datetime, failure: str
) -> None:
    """A try failed; the next one is due at `until`."""
    connection.execute(
        update(_writes)
        .where(_writes.c.customer_id == customer_id)
        .values(tries=_writes.c.tries + 1, next_try_at=until, failure=failure[:512])
    )


def writes_waiting(connection: Connection) -> WritesWaiting:
    """How many customers have changes that the table does not have yet."""
    count, since = connection.execute(
        select(func.count(), func.min(_writes.c.noted_at)).select_from(_writes)
    ).one()
    failure = connection.execute(
        select(_writes.c.failure)
        .where(_writes.c.failure.is_not(None))
        .order_by(_writes.c.next_try_at.desc())
        .limit(1)
    ).scalar()
    return WritesWaiting(count, since, failure)


def mastered_in(connection: Connection) -> str | None:
    """The name of the table in which customers are mastered; None when that is here."""
    return connection.execute(
        select(_masters.c.table_name).where(_masters.c.purpose == _PURPOSE)
    ).scalar()


def master_in(connection: Connection, table_name: str, at: datetime) -> str | None:
    """From now on customers are mastered in that table. Returns where they were before.

    What was known of the items of another table is forgotten; changes that wait, wait for this one.
    """
    make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    before = mastered_in(connection)
    if before == table_name:
        return before
    connection.execute(delete(_items))
    told = make(_masters).values(purpose=_PURPOSE, table_name=table_name, since=at)
    connection.execute(
        told.on_conflict_do_update(
            index_elements=["purpose"], set_={"table_name": table_name, "since": at}
        )
    )
    return before


def master_here(connection: Connection) -> None:
    """From now on customers are mastered here; what the table has yet to learn is dropped."""
    for table in (_masters, _writes, _items):
        connection.execute(delete(table))


def note_unwritten(connection: Connection, at: datetime) -> int:
    """Note every customer with a card that the table is not known to have. Returns how many."""
    customers = (
        connection.execute(
            select(tables.cards.c.customer_id)
            .outerjoin(_items, _items.c.card_id == tables.cards.c.card_id)
            .where(_items.c.card_id.is_(None))
            .distinct()
            .order_by(tables.cards.c.customer_id)
        )
        .scalars()
        .all()
    )
    for customer_id in customers:
        note_write(connection, customer_id, at=at)
    return len(customers)


def _pending(row: Any) -> PendingWrite:
    return PendingWrite(
        customer_id=row.customer_id,
        edits=msgspec.convert(row.edits, dict[str, Edit]),
        urgent=row.urgent,
        revision=row.revision,
        noted_at=row.noted_at,
        tries=row.tries,
        next_try_at=row.next_try_at,
        failure=row.failure,
    )
