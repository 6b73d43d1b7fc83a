from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from decided import PAYMENT, announce, content, decision, event, waiting
from receivers import Posted, Receiver, receiver, until
from sqlalchemy import select
from structlog.testing import capture_logs

from ringfence.events import put_event_type
from ringfence.storage import Database, now
from ringfence.streams import DECISIONS, DecisionPublisher, open_target, publisher
from ringfence.streams.tables import decision_messages, publisher_leases

IDS = [f"e-{number}" for number in range(30)]


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher, "_FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(publisher, "_LONGEST_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(publisher, "_LOOK_SECONDS", 0.1)
    monkeypatch.setattr(publisher, "_LINGER_SECONDS", 0.1)


@contextmanager
def publishing(database: Database, url: str, **options: timedelta) -> Iterator[DecisionPublisher]:
    opened = DecisionPublisher(database, open_target(url), **options)
    opened.start()
    try:
        yield opened
    finally:
        opened.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, new_database: Callable[[str], Database]) -> Database:
    return new_database(request.param)


def test_decisions_are_published_in_their_order_and_then_forgotten(either: Database) -> None:
    with receiver() as there, publishing(either, there.url) as opened:
        for event_id in IDS:
            announce(either, opened, event_id)
        until(lambda: len(there.taken) == len(IDS))
        until(lambda: waiting(either) == 0)
        assert there.taken_ids == IDS


def test_what_was_put_down_before_the_start_is_published(database: Database) -> None:
    with receiver() as there:
        announce(database, DecisionPublisher(database, open_target(there.url)), *IDS)
        assert waiting(database) == len(IDS)
        with publishing(database, there.url):
            until(lambda: waiting(database) == 0)
        assert there.taken_ids == IDS


def test_what_is_rolled_back_is_not_published(database: Database) -> None:
    with receiver() as there, publishing(database, there.url) as opened:
        with database.write() as connection:
            opened.announce(connection, PAYMENT, event("e-1"), decision("e-1"))
            connection.rollback()
        announce(database, opened, "e-2")
        until(lambda: waiting(database) == 0)
        assert there.taken_ids == ["e-2"]


def test_an_outage_loses_nothing_and_what_is_sent_again_has_the_same_id(
    database: Database,
) -> None:
    answers = iter([500, 204, 503, 503, 404, 204])
    with receiver() as there, publishing(database, there.url) as opened:
        there.status_of = lambda _: next(answers, 204)
        announce(database, opened, *IDS)
        until(lambda: waiting(database) == 0)
        assert there.taken_ids == IDS
        assert [posted.event_id for posted in there.posted[:7]] == [
            *("e-0", "e-0", "e-1", "e-1", "e-1", "e-1", "e-2")
        ]
        ids = {posted.event_id: posted.headers["webhook-id"] for posted in there.posted}
        assert all(ids[posted.event_id] == posted.headers["webhook-id"] for posted in there.posted)


def test_a_target_that_is_away_does_not_hold_up_whoever_decides(database: Database) -> None:
    with receiver() as there, publishing(database, there.url) as opened:
        there.go_on.clear()
        announce(database, opened, "e-0")
        until(lambda: there.posted)
        # The request is on its way, and no transaction is open for it.
        done = threading.Thread(target=lambda: announce(database, opened, *IDS[1:]))
        done.start()
        done.join(10)
        assert not done.is_alive()
        assert waiting(database) == len(IDS)
        there.go_on.set()
        until(lambda: waiting(database) == 0)
        assert there.taken_ids == IDS


def test_a_message_that_is_refused_does_not_hold_up_the_others_and_is_tried_at_the_next_start(
    database: Database,
) -> None:
    def refuses_one(posted: Posted) -> int:
        return 422 if posted.event_id == "e-1" else 204

    with receiver() as there:
        there.status_of = refuses_one
        with publishing(database, there.url) as opened:
            announce(database, opened, *IDS)
            until(lambda: waiting(database) == 0)
        assert there.taken_ids == [one for one in IDS if one != "e-1"]
        with database.read() as connection:
            assert DECISIONS.standing(connection).refused == 1
        there.status_of = lambda _: 204
        with publishing(database, there.url):
            until(lambda: there.taken_ids[-1] == "e-1")
            until(lambda: _count(database) == 0)


def test_messages_that_nobody_takes_are_given_up_in_the_end(
    database: Database, tmp_path: Path
) -> None:
    with database.write() as connection:
        old = content("e-old")
        DECISIONS.put_down(connection, "01a00000-0000-7000-8000-000000000000", old, old.decided_at)
        connection.execute(decision_messages.update().values(created_at=now() - timedelta(days=8)))
    path = tmp_path / "decisions.jsonl"
    with capture_logs() as logged, publishing(database, path.as_uri()) as opened:
        announce(database, opened, "e-new")
        until(lambda: waiting(database) == 0)
        until(path.exists)
    assert [json.loads(line)["detail"]["eventId"] for line in path.open()] == ["e-new"]
    assert any("given up" in line["event"] for line in logged)


def test_what_cannot_be_read_is_set_aside(database: Database) -> None:
    with database.write() as connection:
        connection.execute(
            decision_messages.insert().values(
                message_id="0", content={"from": "another release"}, created_at=now()
            )
        )
    with receiver() as there, publishing(database, there.url) as opened:
        announce(database, opened, "e-1")
        until(lambda: there.taken_ids == ["e-1"])
        with database.read() as connection:
            assert DECISIONS.standing(connection).refused == 1


def test_of_two_servers_one_publishes_at_a_time_and_the_other_goes_on(either: Database) -> None:
    with receiver() as there:
        one = DecisionPublisher(either, open_target(there.url))
        other = DecisionPublisher(either, open_target(there.url))
        one.start()
        other.start()
        threads = [
            threading.Thread(
                target=lambda server=server, ids=ids: [announce(either, server, i) for i in ids]
            )
            for server, ids in ((one, IDS[::2]), (other, IDS[1::2]))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        until(lambda: waiting(either) == 0)
        assert sorted(there.taken_ids) == sorted(IDS)
        one.close()
        announce(either, other, "e-last")
        until(lambda: there.taken_ids[-1] == "e-last")
        other.close()
        assert len(there.posted) == len(IDS) + 1


def test_whoever_has_nothing_to_do_lets_others_have_their_turn(database: Database) -> None:
    def held() -> bool:
        with database.read() as connection:
            return connection.execute(select(publisher_leases)).first() is not None

    with receiver() as there, publishing(database, there.url) as opened:
        there.go_on.clear()
        announce(database, opened, "e-1")
        until(held)
        there.go_on.set()
        until(lambda: not held())
        assert there.taken_ids == ["e-1"]


def test_without_a_target_nothing_is_kept_and_the_log_says_so_once(database: Database) -> None:
    with database.write() as connection:
        put_event_type(connection, PAYMENT)
    with capture_logs() as logged:
        nowhere = DecisionPublisher(database, None)
        nowhere.start()
        announce(database, nowhere, *IDS)
        nowhere.close()
    assert _count(database) == 0
    assert [line["event_type"] for line in logged if "nowhere" in line["event"]] == [PAYMENT.name]


def test_without_a_target_a_server_that_orchestrates_nothing_says_nothing(
    database: Database,
) -> None:
    with capture_logs() as logged:
        nowhere = DecisionPublisher(database, None)
        nowhere.start()
        nowhere.close()
    assert logged == []


def test_closing_waits_for_a_message_on_its_way_but_not_for_ever(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher, "_CLOSE_SECONDS", 0.2)
    with receiver() as there:
        there.go_on.clear()
        opened = DecisionPublisher(database, open_target(there.url))
        opened.start()
        announce(database, opened, *IDS)
        until(lambda: there.posted)
        opened.close()
        assert waiting(database) == len(IDS)
        there.go_on.set()
        with publishing(database, there.url):
            until(lambda: waiting(database) == 0)
        _assert_each_at_least_once(there)


def _assert_each_at_least_once(there: Receiver) -> None:
    ids: dict[str, set[str]] = {}
    for posted in there.posted:
        ids.setdefault(posted.event_id, set()).add(posted.headers["webhook-id"])
    assert sorted(ids) == sorted(IDS)
    assert all(len(same) == 1 for same in ids.values())


def _count(database: Database) -> int:
    with database.read() as connection:
        standing = DECISIONS.standing(connection)
    return standing.waiting + standing.refused
