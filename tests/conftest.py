"""What every room's tests may ask for."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import create_engine, text

from ringfence.storage import Database, migrate

# A property holds or it does not; how fast a busy machine finds out is no part of it.
settings.register_profile("ringfence", deadline=None)
settings.load_profile("ringfence")

POSTGRES_URL = os.environ.get("RINGFENCE_TEST_POSTGRES_URL")


@pytest.fixture
def new_database(tmp_path: Path) -> Iterator[Callable[[str], Database]]:
    """Makes empty databases, `sqlite` or `postgresql`; skips the test when it cannot."""
    with contextlib.ExitStack() as stack:

        def make(kind: str) -> Database:
            name = f"test_{uuid.uuid4().hex}"
            if kind == "postgresql":
                opened = Database(stack.enter_context(_postgres_schema(name)))
            else:
                opened = Database(f"sqlite:///{tmp_path / name}.db")
            stack.callback(opened.dispose)
            return opened

        yield make


@pytest.fixture
def database(new_database: Callable[[str], Database]) -> Database:
    """A migrated SQLite database of its own."""
    opened = new_database("sqlite")
    migrate(opened)
    return opened


@contextlib.contextmanager
def _postgres_schema(name: str) -> Iterator[str]:
    if POSTGRES_URL is None:
        pytest.skip(
            "needs a PostgreSQL server (apt-get install postgresql) and its URL in "
            "RINGFENCE_TEST_POSTGRES_URL, such as postgresql://user@127.0.0.1/database"
        )
    server = create_engine(POSTGRES_URL, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {name}"))
        separator = "&" if "?" in POSTGRES_URL else "?"
        yield f"{POSTGRES_URL}{separator}options=-csearch_path%3D{name}"
        connection.execute(text(f"DROP SCHEMA {name} CASCADE"))
    server.dispose()
