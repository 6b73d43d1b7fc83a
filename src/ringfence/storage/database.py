"""Opening the database, and the two ways to use it: read, and write in one transaction."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ringfence.errors import InvalidInput, Unavailable

_BUSY_TIMEOUT_MS = 15_000
_PREPARED_STATEMENTS = 512
_EXPECTED_URL = "sqlite:///path/to/file.db or postgresql://user@host/database"


class Database:
    """One database, shared by all threads of a process.

    On SQLite, write transactions of this process queue on a fair lock and start with
    `BEGIN IMMEDIATE`, so that they never fail half-way because another writer came first; other
    processes are waited for up to 15 s. Commits are durable (WAL with `synchronous=FULL`).

    Raises `InvalidInput` for a URL that names no such database; opening it waits for the first
    use, and raises `Unavailable` there when it cannot be reached.
    """

    def __init__(self, url: str):
        self.url = url
        self.engine = _engine(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._write_lock = threading.Lock()
        # The same connections as `engine`, begun differently.
        self._reader = (
            self.engine
            if self.is_sqlite
            else self.engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        )

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading, on a consistent snapshot. Nothing written on it is kept."""
        connection = self._begin(self._reader, "BEGIN")
        try:
            yield connection
        finally:
            connection.close()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction: committed durably when the block ends, rolled back when it raises."""
        if self.is_sqlite:
            with self._write_lock, self._transaction() as connection:
                yield connection
        else:
            with self._transaction() as connection:
                yield connection

    def dispose(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        connection = self._begin(self.engine, "BEGIN IMMEDIATE")
        try:
            yield connection
            connection.commit()
        finally:
            # Rolls back whatever has not been committed.
            connection.close()

    def _begin(self, engine: Engine, sqlite_begin: str) -> Connection:
        try:
            connection = engine.connect()
            try:
                if self.is_sqlite:
                    connection.exec_driver_sql(sqlite_begin)
            except BaseException:
                connection.close()
                raise
        except (DBAPIError, PoolTimeout) as error:
            raise Unavailable(
                f"the database cannot be used: {getattr(error, 'orig', error)}",
                field="database_url",
            ) from error
        return connection


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return _sqlite_engine(parsed)
        if parsed.get_backend_name() == "postgresql":
            return create_engine(
                parsed, hide_parameters=True, pool_size=10, max_overflow=10, pool_pre_ping=True
            )
    except (ArgumentError, NoSuchModuleError):
        pass  # The URL may hold a password: no message repeats it.
    except ModuleNotFoundError as error:
        raise InvalidInput(
            f"the driver {error.name} is not installed",
            field="database_url",
            expected="PostgreSQL support, as installed by: pip install 'ringfence[postgres]'",
        ) from None
    raise InvalidInput("not a database URL", field="database_url", expected=_EXPECTED_URL)


def _sqlite_engine(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise InvalidInput(
            "a database in memory is not durable", field="database_url", expected=_EXPECTED_URL
        )
    try:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(
            f"the directory of the database cannot be made: {error}", field="database_url"
        ) from error
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=10,
        max_overflow=20,
        # A case runs more statements than the 128 that Python keeps prepared.
        connect_args={"cached_statements": _PREPARED_STATEMENTS},
    )

    @event.listens_for(engine, "connect")
    def _on_connect(dbapi_connection: Any, _record: object) -> None:
        # Transactions are begun by us: Python's own implicit BEGIN is deferred, and a deferred
        # transaction that turns into a writer can fail at once however long the time-out.
        dbapi_connection.isolation_level = None
        cursor = dbapi_connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA temp_store=MEMORY")
        cursor.execute("PRAGMA cache_size=-32000")
        cursor.close()

    return engine
