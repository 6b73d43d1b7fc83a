from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import Column, Integer, LargeBinary, MetaData, String, Table, insert, select
from sqlalchemy.exc import IntegrityError

from ringfence.storage import Database, Instant, Json, RowInsert

parcels = Table(
    "parcels",
    MetaData(),
    Column("place", Integer, primary_key=True),
    Column("name", String(64), nullable=False),
    Column("at", Instant),
    Column("document", Json),
    Column("mark", LargeBinary(16)),
    Column("note", String(64)),
)
ROWS = [
    (1, "first", datetime(2026, 3, 1, 12, tzinfo=UTC), {"a": [1, 2.5, None]}, b"\x00\xff", "x"),
    (2, "l'été % ?", None, None, None, None),
    (3, "", datetime(1969, 1, 1, tzinfo=UTC), [], b"", ""),
]


@pytest.fixture(params=["sqlite", "postgresql"])
def depot(request: pytest.FixtureRequest, empty_database: Callable[[str], Database]) -> Database:
    """A database with the table of this module."""
    opened = empty_database(request.param)
    with opened.write() as connection:
        parcels.create(connection)
    return opened


def stored(database: Database) -> list[tuple[object, ...]]:
    with database.read() as connection:
        rows = connection.execute(select(parcels).order_by(parcels.c.place))
        return [tuple(row) for row in rows]


def test_rows_are_stored_as_sqlalchemy_itself_stores_them(depot: Database) -> None:
    with depot.write() as connection:
        RowInsert(parcels, *parcels.c.keys()).insert(connection, ROWS)
    fast = stored(depot)
    with depot.write() as connection:
        connection.execute(parcels.delete())
        connection.execute(
            insert(parcels), [dict(zip(parcels.c.keys(), row, strict=True)) for row in ROWS]
        )
    assert fast == stored(depot) == ROWS


def test_columns_that_are_not_named_stay_empty(depot: Database) -> None:
    with depot.write() as connection:
        RowInsert(parcels, "place", "name").insert(connection, [(7, "seven")])
    assert stored(depot) == [(7, "seven", None, None, None, None)]


def test_a_row_that_is_there_already_is_an_integrity_error(depot: Database) -> None:
    rows = RowInsert(parcels, "place", "name")
    with depot.write() as connection:
        rows.insert(connection, [(1, "one")])
    with pytest.raises(IntegrityError), depot.write() as connection:
        rows.insert(connection, [(2, "two"), (1, "again")])
    assert [row[0] for row in stored(depot)] == [1]


def test_a_row_of_another_width_is_refused(depot: Database) -> None:
    with pytest.raises(ValueError, match="zip"), depot.write() as connection:
        RowInsert(parcels, "place", "name").insert(connection, [(1, "one", "more")])
    assert stored(depot) == []


@pytest.mark.parametrize("columns", [("name", "place"), ("place", "nome")])
def test_columns_out_of_order_or_unknown_are_refused(columns: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="parcels"):
        RowInsert(parcels, *columns)
