"""Inserting many rows at once, for the hot path.

SQLAlchemy binds row by row and value by value, which takes longer than the database takes to
insert them. Here the statement is compiled once and values are converted column by column, by the
same column types.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, Table, insert
from sqlalchemy.types import TypeDecorator


class RowInsert:
    """Inserts rows of some columns of a table; the others get what the database gives them.

    Safe to use from several threads. `columns` are in the order that they have in the table.
    """

    def __init__(self, table: Table, *columns: str):
        if columns != tuple(column.name for column in table.c if column.name in columns):
            raise ValueError(f"not columns of {table.name} in their order: {columns}")
        self._table = table
        self._columns = columns
        self._converters: list[Callable[[Any, Dialect], Any] | None] = [
            kind.process_bind_param if isinstance(kind, TypeDecorator) else None
            for kind in (table.c[name].type for name in columns)
        ]
        # By dialect: the statement, and whether it takes values by place or by name.
        self._compiled: dict[str, tuple[str, bool]] = {}

    def insert(self, connection: Connection, rows: Sequence[Sequence[Any]]) -> None:
        """Insert `rows`, at least one, each with its values in the order of the columns."""
        dialect = connection.dialect
        text, by_place = self._statement(dialect)
        columns = [
            values if convert is None else [convert(value, dialect) for value in values]
            for convert, values in zip(self._converters, zip(*rows, strict=True), strict=True)
        ]
        bound = zip(*columns, strict=True)
        if by_place:
            connection.exec_driver_sql(text, list(bound))
        else:
            connection.exec_driver_sql(
                text, [dict(zip(self._columns, row, strict=True)) for row in bound]
            )

    def _statement(self, dialect: Dialect) -> tuple[str, bool]:
        found = self._compiled.get(dialect.name)
        if found is None:
            compiled = insert(self._table).compile(dialect=dialect, column_keys=list(self._columns))
            found = self._compiled[dialect.name] = str(compiled), dialect.positional
        return found
