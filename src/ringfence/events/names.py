"""Names that have no more than a description: labels and entity types."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import Connection, Row, Table, delete, insert, select, update

from ringfence.errors import InvalidInput, NotFound
from ringfence.events import tables
from ringfence.storage import now

NAME_PATTERN = re.compile(r"[0-9a-z_-]{1,64}")


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """A label, an entity type, or whatever else is no more than a name."""

    name: str
    description: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Register:
    """All names of one kind. `table` has the columns of `Registered`, `kind` is what one is called
    in messages."""

    table: Table
    kind: str

    def put(self, connection: Connection, name: str, description: str | None = None) -> None:
        """Create it, or change its description; None leaves a description as it is.

        Raises `InvalidInput`.
        """
        if not NAME_PATTERN.fullmatch(name):
            raise InvalidInput(
                f"not the name of {self.kind}", field="name", expected="1 to 64 of 0-9 a-z _ -"
            )
        if len(description or "") > 256:
            raise InvalidInput("too long", field="description", expected="at most 256 characters")
        at = now()
        changes = {} if description is None else {"description": description}
        changed = connection.execute(
            update(self.table).where(self.table.c.name == name).values(**changes, updated_at=at)
        )
        if changed.rowcount == 0:
            connection.execute(
                insert(self.table).values(
                    name=name, description=description or "", created_at=at, updated_at=at
                )
            )

    def add_missing(self, connection: Connection, names: Iterable[str]) -> None:
        """Register those of the names that are not registered yet."""
        wanted = list(dict.fromkeys(names))
        known = self.known(connection, wanted)
        at = now()
        for name in wanted:
            if name not in known:
                connection.execute(
                    insert(self.table).values(
                        name=name, description="", created_at=at, updated_at=at
                    )
                )

    def known(self, connection: Connection, names: Iterable[str]) -> set[str]:
        """Those of the names that are registered."""
        column = self.table.c.name
        return set(connection.execute(select(column).where(column.in_(list(names)))).scalars())

    def get(self, connection: Connection, name: str) -> Registered:
        """The one of that name. Raises `NotFound`."""
        row = connection.execute(select(self.table).where(self.table.c.name == name)).first()
        if row is None:
            raise NotFound(f"there is no {self.kind.split()[-1]} {name!r}", field="name")
        return _registered(row)

    def all(self, connection: Connection) -> list[Registered]:
        """All of them by name."""
        rows = connection.execute(select(self.table).order_by(self.table.c.name))
        return [_registered(row) for row in rows]

    def remove(self, connection: Connection, name: str) -> None:
        """Take a name out. Whether something still refers to it must have been asked before."""
        connection.execute(delete(self.table).where(self.table.c.name == name))


LABELS = Register(tables.labels, "a label")
ENTITY_TYPES = Register(tables.entity_types, "an entity type")


def _registered(row: Row[tuple[object, ...]]) -> Registered:
    return Registered(
        name=row.name,
        description=row.description,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
