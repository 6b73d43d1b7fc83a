"""What things of an instance may be called and said to be, and changing only what is given."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import TypeVar

from msgspec import UNSET, UnsetType
from sqlalchemy import Connection, Table, func, select, update

from ringfence.errors import Conflict, InvalidInput, NotFound
from ringfence.storage import now

T = TypeVar("T")

LONGEST_NAME, LONGEST_DESCRIPTION = 127, 250
_PRINTABLE = re.compile(r"[^\x00-\x1f\x7f]+")


def new_id() -> str:
    """An id for a thing of an instance."""
    return str(uuid.uuid4())


def require_name(text: str, longest: int = LONGEST_NAME) -> str:
    """`text`, if it can be a name. Raises `InvalidInput`."""
    if not _PRINTABLE.fullmatch(text) or text != text.strip() or len(text) > longest:
        raise InvalidInput(
            "not a name",
            field="name",
            expected=f"1 to {longest} printable characters, not beginning or ending with a blank",
        )
    return text


def require_text(text: str, field: str, longest: int = LONGEST_DESCRIPTION) -> str:
    """`text`, if it is not too long. Raises `InvalidInput`."""
    if len(text) > longest:
        raise InvalidInput("too long", field=field, expected=f"at most {longest} characters")
    return text


def require_free(
    connection: Connection, table: Table, instance_id: str, name: str, what: str
) -> None:
    """Raise `NotFound` where there is no such instance, `Conflict` where a thing of that table has
    the name already; `what` is the word for it."""
    from ringfence.contacts.instances import get_instance

    get_instance(connection, instance_id)
    taken = select(table.c.name).where(table.c.instance_id == instance_id, table.c.name == name)
    if connection.execute(taken).first() is not None:
        raise Conflict(f"there is a {what} {name!r} already", field="name")


def given(**values: object) -> dict[str, object]:
    """Those of the values that are not `UNSET`."""
    return {name: value for name, value in values.items() if value is not UNSET}


def change(
    connection: Connection, table: Table, id_column: str, thing_id: str, what: str, values: object
) -> None:
    """Write the values of one row, and that it was changed now. Raises `NotFound`."""
    assert isinstance(values, Mapping)
    changed = connection.execute(
        update(table).where(table.c[id_column] == thing_id).values(**values, updated_at=now())
    ).rowcount
    if not changed:
        raise NotFound(f"there is no {what} {thing_id!r}", field=id_column)


def rename(
    connection: Connection,
    table: Table,
    instance_id: str,
    old: str,
    new: str | UnsetType,
    what: str,
    longest: int = LONGEST_NAME,
) -> None:
    """Raise what `require_name` and `require_free` raise for a new name that is another one."""
    if not isinstance(new, UnsetType) and new != old:
        require_free(connection, table, instance_id, require_name(new, longest), what)


def held_by(connection: Connection, table: Table, column: str, thing_id: str) -> int:
    """How many rows of a table name a thing in that column."""
    query = select(func.count()).select_from(table).where(table.c[column] == thing_id)
    return int(connection.execute(query).scalar() or 0)
