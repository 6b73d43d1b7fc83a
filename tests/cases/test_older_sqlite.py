"""DBOS stores its times by `unixepoch('subsec')`, also where SQLite is too old to know it."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing

import pytest

from ringfence.cases.older_sqlite import WorkflowConnection


def test_a_default_of_now_in_milliseconds_is_stored_by_any_sqlite() -> None:
    with closing(sqlite3.connect(":memory:", factory=WorkflowConnection)) as connection:
        connection.execute(
            "CREATE TABLE versions"
            " (name TEXT, at INTEGER NOT NULL DEFAULT (unixepoch('subsec') * 1000))"
        )
        before = time.time() * 1000 - 1
        connection.execute("INSERT INTO versions (name) VALUES ('1')")
        (at,) = connection.execute("SELECT at FROM versions").fetchone()
        assert before <= at <= time.time() * 1000 + 1


@pytest.mark.skipif(
    sqlite3.sqlite_version_info >= (3, 42), reason="needs a SQLite before 3.42: Debian 12 has one"
)
def test_another_form_is_an_error_rather_than_a_wrong_time() -> None:
    with (
        closing(sqlite3.connect(":memory:", factory=WorkflowConnection)) as connection,
        pytest.raises(sqlite3.OperationalError),
    ):
        connection.execute("SELECT unixepoch('2026-01-01')")
