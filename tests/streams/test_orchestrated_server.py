"""A real server: decisions over HTTP in, messages to a webhook out, and killed in between."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
from decided import PAYMENT, waiting
from receivers import receiver, until

from ringfence.detectors import (
    Detector,
    RuleRef,
    activate_detector_version,
    create_detector_version,
    put_detector,
    put_outcome,
    put_rule,
)
from ringfence.events import put_event_type
from ringfence.rules import Rule
from ringfence.settings import Settings
from ringfence.storage import Database, migrate

KEY = "test-key-0123456789-abcdef"
IDS = [f"e-{number}" for number in range(5)]


def prepared(data_dir: Path) -> Database:
    """The database of a server that decides about payments and publishes it."""
    data_dir.mkdir()
    database = Database(Settings(data_dir=data_dir).url)
    migrate(database)
    with database.write() as connection:
        put_event_type(connection, PAYMENT)
        put_outcome(connection, "review")
        put_detector(connection, Detector(detector_id="guard", event_type=PAYMENT.name))
        stored = put_rule(
            connection,
            "guard",
            Rule(rule_id="any", version="1", expression="$amount >= 0", outcomes=("review",)),
        )
        draft = create_detector_version(
            connection, "guard", rules=[RuleRef(stored.rule_id, stored.version)], models=[]
        )
        activate_detector_version(connection, "guard", draft.version)
    return database


@contextlib.contextmanager
def server(data_dir: Path, target: str) -> Iterator[tuple[httpx2.Client, subprocess.Popen[bytes]]]:
    """A server and a client of it; it is killed in the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "ringfence", "serve", "--data-dir", data_dir, "--port", str(port)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env={
            **os.environ,
            "RINGFENCE_API_KEY": KEY,
            "RINGFENCE_LOG_LEVEL": "warning",
            "RINGFENCE_ORCHESTRATION_URL": target,
        },
        cwd=data_dir,
    )
    try:
        with httpx2.Client(
            base_url=f"http://127.0.0.1:{port}",
            headers={"Authorization": f"Bearer {KEY}"},
            trust_env=False,
            timeout=30,
        ) as client:
            deadline = time.monotonic() + 90
            while True:
                with contextlib.suppress(httpx2.HTTPError):
                    if client.get("/readyz").is_success:
                        break
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.02)
            yield client, process
    finally:
        process.kill()
        process.wait()


def decide(client: httpx2.Client, event_id: str) -> httpx2.Response:
    return client.post(
        f"/v1/event-types/{PAYMENT.name}/decisions",
        json={"event_id": event_id, "variables": {"amount": 5}},
    )


def test_a_decision_that_was_acknowledged_is_published_though_the_server_is_killed(
    tmp_path: Path,
) -> None:
    data_dir = tmp_path / "data"
    database = prepared(data_dir)
    with receiver() as there:
        there.go_on.clear()
        with server(data_dir, there.url) as (client, process):
            for event_id in IDS:
                assert decide(client, event_id).is_success
            until(lambda: there.posted)
            metrics = client.get("/metrics").text
            process.kill()
        assert 'ringfence_decision_messages{state="waiting"} 5.0' in metrics
        assert "ringfence_decision_message_seconds" in metrics
        assert waiting(database) == len(IDS)
        began = len(there.posted)
        there.go_on.set()
        with server(data_dir, there.url) as (client, _):
            # The repeat of a decision is no new one.
            assert decide(client, IDS[0]).is_success
            until(lambda: waiting(database) == 0)
    again = there.posted[began:]
    assert [posted.event_id for posted in again] == IDS
    assert there.posted[0].headers["webhook-id"] == again[0].headers["webhook-id"]
    sent = json.loads(again[0].body)
    assert sent["detail"]["ruleResults"] == [{"ruleId": "any", "outcomes": ["review"]}]
    database.dispose()
