"""Lists of values that rules refer to as `@name`: blocked mail domains, trusted devices.

A list is kept as one document, as servers load it as a whole; it has at most 100,000 elements.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection
from datetime import datetime
from enum import StrEnum

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select, update

from ringfence.errors import InvalidInput, NotFound
from ringfence.events import tables
from ringfence.events.revisions import raise_revision
from ringfence.events.variables import VariableType
from ringfence.storage import now

MAX_ELEMENTS = 100_000
_NAME = re.compile(r"[0-9a-z_]{1,64}")
_TYPE = re.compile(r"[A-Z_]{1,64}")
# Elements are texts, and the values of these variables are none.
_NO_TEXTS = frozenset(
    {VariableType.ARE_CREDENTIALS_VALID, VariableType.NUMERIC, VariableType.PRICE}
)


class ListChange(StrEnum):
    """What becomes of the elements that a list has when others are given."""

    REPLACE = "REPLACE"
    APPEND = "APPEND"
    REMOVE = "REMOVE"


class ListFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A list without its elements."""

    name: str
    variable_type: str | None
    description: str
    created_at: datetime
    updated_at: datetime


def put_list(
    connection: Connection, name: str, elements: Collection[str], description: str = ""
) -> None:
    """Create or replace a list that rules refer to as `@name`. Raises `InvalidInput`."""
    if _row(connection, name) is None:
        create_list(connection, name, elements, description=description)
    else:
        _check_description(description)
        _write(connection, name, elements=_checked(elements), description=description)


def create_list(
    connection: Connection,
    name: str,
    elements: Collection[str] = (),
    *,
    variable_type: str | None = None,
    description: str = "",
) -> None:
    """Create a list. Raises `InvalidInput`, also when there is one of that name."""
    if not _NAME.fullmatch(name):
        raise InvalidInput("not a list name", field="name", expected="1 to 64 of 0-9 a-z _")
    _check_description(description)
    if variable_type is not None:
        _check_type(variable_type)
    if _row(connection, name) is not None:
        raise InvalidInput(
            f"there is a list {name!r} already", field="name", expected="another name"
        )
    at = now()
    connection.execute(
        insert(tables.lists).values(
            name=name,
            elements=_checked(elements),
            variable_type=variable_type,
            description=description,
            created_at=at,
            updated_at=at,
        )
    )
    raise_revision(connection)


def change_list(
    connection: Connection,
    name: str,
    *,
    elements: Collection[str] | None = None,
    change: ListChange = ListChange.REPLACE,
    variable_type: str | None = None,
    description: str | None = None,
) -> None:
    """Change what is given of a list; None leaves a thing as it is.

    A list that has a variable type keeps it. Raises `NotFound`, `InvalidInput`.
    """
    of_list = tables.lists.c.name == name
    # Whoever changes it at the same time is waited for, lest the elements of one are lost. SQLite
    # has one writer anyway.
    connection.execute(select(tables.lists.c.name).where(of_list).with_for_update())
    row = _known(connection, name)
    values: dict[str, object] = {}
    if description is not None:
        _check_description(description)
        values["description"] = description
    if variable_type is not None:
        _check_type(variable_type)
        if row.variable_type not in (None, variable_type):
            raise InvalidInput(
                f"the list has the variable type {row.variable_type}, which cannot change",
                field="variable_type",
                expected=row.variable_type,
            )
        values["variable_type"] = variable_type
    if elements is not None:
        given = _checked(elements)
        if change is ListChange.APPEND:
            given = _checked({*row.elements, *given})
        elif change is ListChange.REMOVE:
            gone = set(given)
            given = [element for element in row.elements if element not in gone]
        values["elements"] = given
    _write(connection, name, **values)


def delete_list(connection: Connection, name: str) -> bool:
    """Whether there was such a list, which is gone now.

    Whether a rule refers to it is not known here; `detectors.usage` asks first.
    """
    gone = connection.execute(delete(tables.lists).where(tables.lists.c.name == name)).rowcount > 0
    if gone:
        raise_revision(connection)
    return gone


def list_facts(connection: Connection) -> list[ListFacts]:
    """Every list by name, without elements."""
    columns = [column for column in tables.lists.c if column.name != "elements"]
    rows = connection.execute(select(*columns).order_by(tables.lists.c.name))
    return [_facts(row) for row in rows]


def get_list_facts(connection: Connection, name: str) -> ListFacts:
    """A list without its elements. Raises `NotFound`."""
    return _facts(_known(connection, name))


def get_elements(
    connection: Connection, name: str, *, after: str | None = None, limit: int | None = None
) -> list[str]:
    """The elements of a list in their order, those after an element, and no more than `limit`.

    Raises `NotFound`.
    """
    elements: list[str] = _known(connection, name).elements
    start = 0 if after is None else bisect_right(elements, after)
    return elements[start:] if limit is None else elements[start : start + limit]


def get_lists(connection: Connection) -> dict[str, frozenset[str]]:
    """Every list by name."""
    rows = connection.execute(select(tables.lists.c.name, tables.lists.c.elements))
    return {row.name: frozenset(row.elements) for row in rows}


def _write(connection: Connection, name: str, **values: object) -> None:
    connection.execute(
        update(tables.lists).where(tables.lists.c.name == name).values(**values, updated_at=now())
    )
    raise_revision(connection)


def _checked(elements: Collection[str]) -> list[str]:
    if len(elements) > MAX_ELEMENTS or any(not 0 < len(element) <= 320 for element in elements):
        raise InvalidInput(
            "too many or too long",
            field="elements",
            expected="at most 100,000 texts of 1 to 320 characters",
        )
    return sorted(set(elements))


def _check_description(description: str) -> None:
    if len(description) > 128:
        raise InvalidInput("too long", field="description", expected="at most 128 characters")


def _check_type(variable_type: str) -> None:
    if not _TYPE.fullmatch(variable_type) or variable_type in _NO_TEXTS:
        raise InvalidInput(
            f"a list cannot be of {variable_type}",
            field="variable_type",
            expected="a variable type whose values are texts, such as EMAIL_ADDRESS",
        )


def _row(connection: Connection, name: str) -> Row[tuple[object, ...]] | None:
    return connection.execute(select(tables.lists).where(tables.lists.c.name == name)).first()


def _known(connection: Connection, name: str) -> Row[tuple[object, ...]]:
    row = _row(connection, name)
    if row is None:
        raise NotFound(f"there is no list {name!r}", field="name")
    return row


def _facts(row: Row[tuple[object, ...]]) -> ListFacts:
    return ListFacts(
        name=row.name,
        variable_type=row.variable_type,
        description=row.description,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
