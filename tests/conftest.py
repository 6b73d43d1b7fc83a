"""What every room's tests may ask for."""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import create_engine, make_url, text

from ringfence.storage import Database, migrate

# A property holds or it does not; how fast a busy machine finds out is no part of it.
settings.register_profile("ringfence", deadline=None)
settings.load_profile("ringfence")

POSTGRES_URL = os.environ.get("RINGFENCE_TEST_POSTGRES_URL")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that have slow tests: at the end one process would wait for them.

    Every test gets an id of its own: Schemathesis gives one to all operations of a test, of which
    pytest-xdist would run a single one.
    """
    for item in items:
        if item.parent is not None and not item.nodeid.endswith(item.name):
            item._id = item.parent.id.child(item.name)
    ids = {item.nodeid for item in items}
    if len(ids) < len(items):
        raise pytest.UsageError("several tests have the same id")
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture
def empty_database(tmp_path: Path) -> Iterator[Callable[[str], Database]]:
    """Makes databases without tables, `sqlite` or `postgresql`; skips the test when it cannot."""
    with contextlib.ExitStack() as stack:

        def make(kind: str) -> Database:
            if kind == "postgresql":
                opened = Database(stack.enter_context(_postgres_database()))
            else:
                opened = Database(f"sqlite:///{tmp_path / _new_name()}.db")
            stack.callback(opened.dispose)
            return opened

        yield make


@pytest.fixture
def new_database(
    tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[[str], Database]]:
    """Makes databases that are migrated and hold nothing, likewise."""
    with contextlib.ExitStack() as stack:

        def make(kind: str) -> Database:
            if kind == "postgresql":
                template = request.getfixturevalue("migrated_postgres")
                opened = Database(stack.enter_context(_postgres_database(template)))
            else:
                path = tmp_path / f"{_new_name()}.db"
                shutil.copyfile(request.getfixturevalue("migrated_file"), path)
                opened = Database(f"sqlite:///{path}")
            stack.callback(opened.dispose)
            return opened

        yield make


@pytest.fixture
def database(new_database: Callable[[str], Database]) -> Database:
    """A migrated SQLite database of its own."""
    return new_database("sqlite")


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite database to copy: migrating takes forty times as long."""
    path = tmp_path_factory.mktemp("migrated") / "ringfence.db"
    _migrated(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_postgres() -> Iterator[str]:
    """The name of a migrated database in PostgreSQL, likewise."""
    with _postgres_database() as url:
        _migrated(url)
        yield str(make_url(url).database)


def _migrated(url: str) -> None:
    database = Database(url)
    migrate(database)
    database.dispose()


@contextlib.contextmanager
def _postgres_database(template: str = "template1") -> Iterator[str]:
    if POSTGRES_URL is None:
        pytest.skip(
            "needs a PostgreSQL server (apt-get install postgresql) and in "
            "RINGFENCE_TEST_POSTGRES_URL the URL of a user who may create databases, such as "
            "postgresql://user@127.0.0.1/database"
        )
    name = _new_name()
    server = create_engine(POSTGRES_URL, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        # Copying the files is what is fast for a small database on a server that does not sync.
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"))
        try:
            url = make_url(POSTGRES_URL).set(database=name)
            yield url.render_as_string(hide_password=False)
        finally:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


def _new_name() -> str:
    return f"test_{uuid.uuid4().hex}"
