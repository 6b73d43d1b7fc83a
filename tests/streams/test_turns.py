"""Two publishers on one database."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta

import pytest
from decided import content, waiting

from ringfence.storage import Database, OrderedIds
from ringfence.streams import Origin, turns
from ringfence.streams.messages import Composer
from ringfence.streams.outbox import DECISIONS
from ringfence.streams.turns import Turns

WEEK = timedelta(days=7)
IDS = OrderedIds()


@pytest.fixture(params=["sqlite", "postgresql"])
def outbox(request: pytest.FixtureRequest, new_database: Callable[[str], Database]) -> Database:
    """A database in which five messages wait."""
    opened = new_database(request.param)
    with opened.write() as connection:
        for number in range(5):
            DECISIONS.put_down(
                connection, IDS.new(), content(f"e-{number}"), content(f"e-{number}").decided_at
            )
    return opened


def publisher(database: Database) -> Turns:
    return Turns(database, DECISIONS, Composer(Origin()), WEEK)


def test_while_one_sends_there_is_nothing_to_do_for_another(outbox: Database) -> None:
    one, other = publisher(outbox), publisher(outbox)
    messages = one.next()
    assert [message.event_id for message in messages] == ["e-0", "e-1", "e-2", "e-3", "e-4"]
    assert other.next() == []
    one.settle(messages, 2, None)
    assert other.next() == []
    one.let_go()
    assert [message.event_id for message in other.next()] == ["e-2", "e-3", "e-4"]
    assert one.next() == []


def test_whoever_was_stopped_for_too_long_removes_nothing_that_is_anothers(
    outbox: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "_LEASE_SECONDS", -1.0)
    stopped = publisher(outbox)
    messages = stopped.next()
    assert len(messages) == 5
    monkeypatch.setattr(turns, "_LEASE_SECONDS", 30.0)
    other = publisher(outbox)
    assert len(other.next()) == 5
    stopped.settle(messages, 5, None)
    assert waiting(outbox) == 5
    other.settle(messages, 5, None)
    assert waiting(outbox) == 0


def test_no_more_are_taken_at_once_than_fit(
    outbox: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "MOST_AT_ONCE", 2)
    one = publisher(outbox)
    assert [message.event_id for message in one.next()] == ["e-0", "e-1"]


_TAKES_THE_LEASE = """
import os, signal, sys
from datetime import timedelta
from ringfence.storage import Database
from ringfence.streams import Origin
from ringfence.streams.messages import Composer
from ringfence.streams.outbox import DECISIONS
from ringfence.streams.turns import Turns
turns = Turns(Database(sys.argv[1]), DECISIONS, Composer(Origin()), timedelta(days=7))
assert len(turns.next()) == 5
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_on_sqlite_the_turn_of_a_process_that_was_killed_is_over_at_once(
    database: Database,
) -> None:
    with database.write() as connection:
        for number in range(5):
            DECISIONS.put_down(
                connection, IDS.new(), content(f"e-{number}"), content(f"e-{number}").decided_at
            )
    killed = subprocess.run([sys.executable, "-c", _TAKES_THE_LEASE, database.url])
    assert killed.returncode == -9
    assert len(publisher(database).next()) == 5
