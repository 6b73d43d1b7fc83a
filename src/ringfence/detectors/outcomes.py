"""Outcomes: the names of what rules conclude, such as `approve` or `call-cardholder`."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from ringfence.detectors import tables
from ringfence.errors import InvalidInput
from ringfence.events.definitions import NAME_PATTERN


def put_outcome(connection: Connection, name: str, description: str = "") -> None:
    """Create an outcome, or change its description. Raises `InvalidInput`."""
    check_description(description)
    if not NAME_PATTERN.fullmatch(name):
        raise InvalidInput("not an outcome name", field="name", expected="1 to 64 of 0-9 a-z _ -")
    changed = connection.execute(
        update(tables.outcomes)
        .where(tables.outcomes.c.name == name)
        .values(description=description)
    )
    if changed.rowcount == 0:
        connection.execute(insert(tables.outcomes).values(name=name, description=description))


def list_outcomes(connection: Connection) -> dict[str, str]:
    """Description by outcome name."""
    rows = connection.execute(select(tables.outcomes).order_by(tables.outcomes.c.name))
    return {row.name: row.description for row in rows}


def check_description(description: str) -> None:
    """Raise `InvalidInput` for a description that is too long to store."""
    if len(description) > 256:
        raise InvalidInput("too long", field="description", expected="at most 256 characters")
