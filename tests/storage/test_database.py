from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from ringfence.errors import InvalidInput, Unavailable
from ringfence.storage import Database


@pytest.fixture(params=["sqlite", "postgresql"])
def counter(request: pytest.FixtureRequest, empty_database: Callable[[str], Database]) -> Database:
    """A database with one row to count in."""
    opened = empty_database(request.param)
    with opened.write() as connection:
        connection.execute(text("CREATE TABLE counter (number INTEGER NOT NULL)"))
        connection.execute(text("INSERT INTO counter VALUES (0)"))
    return opened


def count(database: Database) -> int:
    with database.read() as connection:
        number: int = connection.execute(text("SELECT number FROM counter")).scalar_one()
        return number


def test_a_write_is_kept_when_its_block_ends(counter: Database) -> None:
    with counter.write() as connection:
        connection.execute(text("UPDATE counter SET number = 5"))
    assert count(counter) == 5


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_write_whose_block_raises_is_undone(
    counter: Database, error: type[BaseException]
) -> None:
    def fail() -> None:
        with counter.write() as connection:
            connection.execute(text("UPDATE counter SET number = 5"))
            raise error

    with pytest.raises(error):
        fail()
    assert count(counter) == 0
    with counter.write() as connection:
        connection.execute(text("UPDATE counter SET number = 6"))
    assert count(counter) == 6


def test_a_reader_does_not_see_what_is_not_committed_and_does_not_wait(
    counter: Database,
) -> None:
    with counter.write() as connection:
        connection.execute(text("UPDATE counter SET number = 5"))
        assert count(counter) == 0


def test_a_reader_sees_one_moment_however_long_it_reads(counter: Database) -> None:
    with counter.read() as connection:
        first = connection.execute(text("SELECT number FROM counter")).scalar_one()
        with counter.write() as other:
            other.execute(text("UPDATE counter SET number = 9"))
        assert connection.execute(text("SELECT number FROM counter")).scalar_one() == first
    assert count(counter) == 9


def test_nothing_written_on_a_reading_connection_is_kept(counter: Database) -> None:
    with contextlib.suppress(Exception), counter.read() as connection:
        connection.execute(text("UPDATE counter SET number = 5"))
    assert count(counter) == 0


def test_threads_that_write_at_once_lose_nothing(counter: Database) -> None:
    def work() -> None:
        for _ in range(25):
            with counter.write() as connection:
                connection.execute(text("UPDATE counter SET number = number + 1"))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count(counter) == 200


_COUNT = """
import sys
from sqlalchemy import text
from ringfence.storage import Database
database = Database(sys.argv[1])
for _ in range(50):
    with database.write() as connection:
        lock = "" if database.is_sqlite else " FOR UPDATE"
        number = connection.execute(text("SELECT number FROM counter" + lock)).scalar_one()
        connection.execute(text("UPDATE counter SET number = :next"), {"next": number + 1})
"""


def test_processes_that_write_at_once_lose_nothing_and_none_fails(counter: Database) -> None:
    processes = [subprocess.Popen([sys.executable, "-c", _COUNT, counter.url]) for _ in range(4)]
    assert [process.wait() for process in processes] == [0] * 4
    assert count(counter) == 200


def test_sqlite_commits_durably_and_holds_foreign_keys(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'settings.db'}")
    with database.read() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    database.dispose()
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_the_directory_of_a_new_database_is_made(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a' / 'b' / 'ringfence.db'}")
    with database.read():
        pass
    database.dispose()
    assert (tmp_path / "a" / "b" / "ringfence.db").exists()


def test_a_database_that_another_process_holds_too_long_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringfence.storage.database._BUSY_TIMEOUT_MS", 50)
    url = f"sqlite:///{tmp_path / 'busy.db'}"
    one, other = Database(url), Database(url)
    with one.write(), pytest.raises(Unavailable, match="locked"), other.write():
        pass
    with other.write():
        pass
    one.dispose()
    other.dispose()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "nosuch://user:tellnobody@host/database",
        "mysql://user:tellnobody@host/database",
        "postgres://user:tellnobody@host/database",
        "postgresql+nosuch://user:tellnobody@host/database",
        "sqlite://",
        "sqlite:///:memory:",
    ],
)
def test_a_url_that_names_no_usable_database_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Database(url)
    assert refused.value.field == "database_url"
    assert refused.value.expected is not None
    assert "tellnobody" not in str(refused.value)


def test_a_missing_driver_is_named_with_the_way_to_get_it() -> None:
    with pytest.raises(InvalidInput, match=r"psycopg2.*ringfence\[postgres\]"):
        Database("postgresql+psycopg2://user@host/database")


def test_a_place_where_no_directory_can_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="directory"):
        Database(f"sqlite:///{tmp_path / 'file' / 'below' / 'ringfence.db'}")
