"""Telling a webhook of drift."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from ringfence.detectors.drift.alerts import DriftAlert
from ringfence.settings import Settings
from ringfence.storage import Database
from ringfence.web import drift_watch
from ringfence.web.drift_watch import DriftWatch, checking_of, tell

AT = datetime(2026, 4, 1, tzinfo=UTC)
ALERT = DriftAlert(
    alert_id="drift_1",
    model_id="m",
    version="1.0",
    measure="psi",
    subject="amount",
    value=0.41234,
    bound=0.25,
    since=AT,
    until=AT,
    raised_at=AT,
)


@contextmanager
def webhook(*statuses: int) -> Iterator[tuple[str, list[bytes]]]:
    """A server that answers with these, the last of them from then on; what it was sent."""
    taken: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(statuses[min(len(taken), len(statuses)) - 1])
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/hook", taken
        server.shutdown()


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift_watch, "_PAUSE_SECONDS", 0.01)


def test_alerts_are_posted_with_words_for_people() -> None:
    with webhook(204) as (url, taken):
        assert tell(url, [ALERT], threading.Event())
    (sent,) = map(json.loads, taken)
    assert sent["text"] == (
        "m 1.0: the distribution of amount has moved, stability index 0.41, bound 0.25"
    )
    assert sent["alerts"][0]["alert_id"] == "drift_1"


def test_a_webhook_that_fails_is_tried_again() -> None:
    with webhook(500, 200) as (url, taken):
        assert tell(url, [ALERT], threading.Event())
    assert len(taken) == 2


def test_a_webhook_that_goes_on_failing_harms_nobody() -> None:
    with webhook(500) as (url, taken):
        assert not tell(url, [ALERT], threading.Event())
    assert len(taken) == 3
    assert not tell("http://127.0.0.1:9/secret", [ALERT], threading.Event())
    assert not tell("nonsense", [ALERT], threading.Event())


def test_the_settings_are_the_bounds(database: Database) -> None:
    settings = Settings(drift_watch=0.2, drift_alert=0.5, drift_window_days=3)
    checking = checking_of(settings)
    assert (checking.bounds.watch, checking.bounds.alert, checking.window_days) == (0.2, 0.5, 3)


def test_a_watch_that_is_off_and_one_that_waits_end_at_once(database: Database) -> None:
    for minutes in (0, 60):
        watch = DriftWatch(database, Settings(drift_check_minutes=minutes))
        watch.start()
        watch.close()


def test_a_check_without_anything_to_watch_finds_nothing(database: Database) -> None:
    watch = DriftWatch(database, Settings())
    assert watch.look()
    assert not watch.look()  # not yet again
    watch.close()
