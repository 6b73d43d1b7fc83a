"""Schemas as text: what a database has, and what it lacks of what the rooms declare."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.types import TypeDecorator

import ringfence
from ringfence.storage import metadata
from ringfence.storage.schema import VERSION_TABLE


def all_tables() -> MetaData:
    """The metadata with the tables of every room."""
    for path in sorted(Path(ringfence.__path__[0]).glob("*/tables.py")):
        importlib.import_module(f"ringfence.{path.parent.name}.tables")
    return metadata


def missing_migration(connection: Connection) -> str:
    """The code of the migration that the database still needs; `pass` when it needs none."""
    context = MigrationContext.configure(
        connection, opts={"version_table": VERSION_TABLE, "render_item": _as_stored}
    )
    operations = produce_migrations(context, all_tables()).upgrade_ops
    assert operations is not None
    code = render_python_code(operations, render_item=_as_stored, migration_context=context)
    return "\n".join(line for line in code.splitlines() if not line.lstrip().startswith("#"))


def described(connection: Connection) -> set[str]:
    """The definition of every table and index, but for the version table's."""
    if connection.dialect.name == "sqlite":
        query = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"
    else:
        query = """
            SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema()
            UNION SELECT conrelid::regclass::text || pg_get_constraintdef(oid) || conname
              FROM pg_constraint WHERE connamespace = current_schema()::regnamespace
            UNION SELECT concat_ws(' ', table_name, column_name, ordinal_position, data_type,
                character_maximum_length, is_nullable, column_default)
              FROM information_schema.columns WHERE table_schema = current_schema()
            """
    rows = connection.execute(text(query)).scalars()
    if connection.dialect.name == "sqlite":
        # Neither the order of columns nor their layout says anything: a column that
        # was added later stands on the last line.
        definitions = {
            " ".join(
                sorted(filter(None, (part.strip(" \t()") for part in re.split(r"[\n,]", row))))
            )
            for row in rows
        }
    else:
        # Each copy stands in a schema of its own, whose name PostgreSQL writes out.
        here = connection.execute(text("SELECT current_schema()")).scalar_one()
        definitions = {row.replace(f"{here}.", "") for row in rows}
    return {line for line in definitions if VERSION_TABLE not in line}


def _as_stored(kind: str, item: object, _context: object) -> str | bool:
    # A migration outlives the code of its day, so it names the stored type and not our decorator.
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl_instance!r}"
    return False
