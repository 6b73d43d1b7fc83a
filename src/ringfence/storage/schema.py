"""Bringing a database to the schema that this program works with.

Works from the migration scripts alone: rooms declare their tables, and this bottom room knows none
of them. Alembic is imported only when there is something to do, since a server that starts on a
current database must not pay for it.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from ringfence.errors import Unavailable
from ringfence.storage.database import Database

# A name of its own: on PostgreSQL other programs may keep their tables in the same schema.
VERSION_TABLE = "ringfence_version"
NEWEST = "0005"
MIGRATIONS = Path(__file__).parent / "migrations"

# Any number will do, as long as it stays: it names the lock that migrating processes take.
_LOCK_KEY = 8_750_241_117


def migrate(database: Database) -> None:
    """Bring an empty or older database to the newest version; a current one is left alone.

    Safe when several processes start at once: one migrates, the others wait and find it done. All
    or nothing: a migration that fails leaves the database as it was. Raises `Unavailable` for a
    database that is newer than this program, and for one that cannot be reached or changed.
    """
    with database.read() as connection:
        found = schema_version(connection)
    if found == NEWEST:
        return
    _refuse_newer(found)
    try:
        with database.write() as connection:
            if not database.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
            found = schema_version(connection)
            _refuse_newer(found)
            if found != NEWEST:
                _upgrade(connection)
    except DBAPIError as error:
        raise Unavailable(
            f"the database cannot be brought to version {NEWEST}: {error.orig}",
            field="database_url",
        ) from error


def schema_version(connection: Connection) -> str | None:
    """The version of the database's schema, such as `0001`; None when it has none yet."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found: str | None = connection.execute(
        text(f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608 - a constant of ours
    ).scalar()
    return found


def _refuse_newer(found: str | None) -> None:
    if found is not None and found > NEWEST:
        raise Unavailable(
            f"the database has version {found}, which is newer than this program",
            field="database_url",
            expected=f"version {NEWEST} or older, or a newer Ringfence",
        )


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    # A percent sign starts an interpolation in Alembic's configuration.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
