"""The number that every change of a definition raises.

A server keeps definitions in memory; by this number it notices that another process, or another
operation of its own, has changed one.
"""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from ringfence.events import tables


def raise_revision(connection: Connection) -> None:
    """Note that a definition changed, so that servers that cache definitions read them again."""
    raised = connection.execute(
        update(tables.revisions)
        .where(tables.revisions.c.name == "definitions")
        .values(number=tables.revisions.c.number + 1)
    )
    if raised.rowcount == 0:
        connection.execute(insert(tables.revisions).values(name="definitions", number=1))


# Asked with every batch of decisions, so it is built once.
_REVISION = select(tables.revisions.c.number).where(tables.revisions.c.name == "definitions")


def current_revision(connection: Connection) -> int:
    """The number that changes with every definition; 0 in an empty database."""
    return connection.execute(_REVISION).scalar() or 0
