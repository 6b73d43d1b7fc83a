"""Challengers over the API, and a server that trains models anew beside deciding."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from api_servers import KEY, Server, prepare, running

from ringfence.detectors import (
    ModelRef,
    RuleRef,
    activate_detector_version,
    create_detector_version,
    label_event,
    list_detector_versions,
)
from ringfence.events import Entity, EventReader, SentEvent, get_event_type
from ringfence.events.log import append_events
from ringfence.models import create_model, store_version, train
from ringfence.models.data import data_of
from ringfence.storage import Database

BEGIN = datetime(2026, 2, 1, tzinfo=UTC)
Row = tuple[datetime, float, str, bool]


def payments(count: int, begin: datetime, shops: str, seed: int) -> list[Row]:
    """Every tenth is a fraud, at shops that few others go to."""
    chance = random.Random(seed)
    made: list[Row] = []
    for number in range(count):
        fraud = chance.random() < 0.1
        shop = chance.choice(shops if fraud and chance.random() < 0.9 else "abcdefgh")
        amount = round(chance.lognormvariate(4.2 if fraud else 3.6, 0.8), 2)
        made.append((begin + timedelta(minutes=40 * number), amount, shop, fraud))
    return made


def furnish(data_dir: Path) -> None:
    """A detector with a model of February, and a log of what came since, all answered."""
    import polars as pl

    prepare(data_dir)
    database = Database(f"sqlite:///{data_dir / 'ringfence.db'}")
    with database.read() as connection:
        event_type = get_event_type(connection, "card_payment")
    known = payments(1_500, BEGIN, "xy", 1)
    table = pl.DataFrame(
        {
            "EVENT_TIMESTAMP": [row[0] for row in known],
            "EVENT_LABEL": ["fraud" if row[3] else "legit" for row in known],
            "transaction_amt": [row[1] for row in known],
            "merchant_name": [row[2] for row in known],
        }
    )
    champion = train(data_of(table, event_type, source="february"))
    reader = EventReader(event_type)
    with database.write() as connection:
        create_model(connection, "shops", "card_payment")
        store_version(connection, "shops", champion)
        active = list_detector_versions(connection, "payments")[-1]
        version = create_detector_version(
            connection,
            "payments",
            rules=[RuleRef(ref.rule_id, ref.version) for ref in active.rules],
            models=[ModelRef("shops", "1.0")],
        )
        activate_detector_version(connection, "payments", version.version)
        for number, (at, amount, shop, fraud) in enumerate(
            payments(1_800, known[-1][0] + timedelta(hours=1), "uvw", 2)
        ):
            sent = SentEvent(
                event_id=f"p{number}",
                at=at,
                entities=(Entity("card", f"c{number % 30}"),),
                variables={"transaction_amt": amount, "merchant_name": shop},
            )
            append_events(connection, [reader.read(sent, at)], at)
            label = "fraud" if fraud else "legit"
            label_event(connection, "card_payment", f"p{number}", label, source="phone", at=at)
    database.dispose()


@pytest.fixture(scope="module")
def trainer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data_dir = tmp_path_factory.mktemp("trainer") / "data"
    furnish(data_dir)
    with running(data_dir) as started:
        yield started


@pytest.fixture(scope="module")
def client(trainer: Server) -> Iterator[httpx2.Client]:
    with trainer.client() as opened:
        yield opened


@pytest.fixture(scope="module")
def trained(client: httpx2.Client) -> dict[str, Any]:
    """The challenger that the server makes when it is asked to, while it goes on deciding."""
    begun = client.post("/v1/models/shops/retraining-runs")
    assert begun.status_code == 201, begun.text
    busy = client.post("/v1/models/shops/retraining-runs")
    assert busy.status_code == 409, busy.text
    run = _ended(client, begun.json())
    assert run["status"] == "done", run
    assert run["version"] == "2.0"
    reply = client.get("/v1/models/shops/challengers/2.0")
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def test_a_server_trains_a_challenger_beside_deciding(
    trained: dict[str, Any], client: httpx2.Client
) -> None:
    assert trained["status"] == "candidate"
    assert trained["champion_version"] == "1.0"
    assert trained["evaluation"]["auc_gain_low"] > 0
    assert trained["labels"]["sources"] == {"phone": trained["labels"]["sources"]["phone"]}
    listed = client.get("/v1/challengers", params={"model_id": "shops"}).json()
    assert [of["version"] for of in listed] == ["2.0"]
    run = client.get("/v1/retraining-runs").json()[-1]
    assert run["share"] == 1.0
    assert run["ended_at"] is not None


def test_a_candidate_is_compared_anew_when_somebody_asks(
    trained: dict[str, Any], client: httpx2.Client
) -> None:
    path = "/v1/models/shops/challengers"
    assert client.post(f"{path}/9.0/compare").status_code == 404
    begun = client.post(f"{path}/2.0/compare")
    assert begun.status_code == 201, begun.text
    run = _ended(client, begun.json())
    assert (run["kind"], run["status"]) == ("evaluate", "done"), run
    again = client.get(f"{path}/2.0").json()["evaluation"]
    assert again["since"] == trained["evaluation"]["since"]
    assert again["evaluated_at"] > trained["evaluation"]["evaluated_at"]


def test_promoting_and_going_back_are_recorded_with_name_and_reason(
    trained: dict[str, Any], client: httpx2.Client
) -> None:
    path = "/v1/models/shops/challengers/2.0"
    nothing = client.post(f"{path}/promote", json={"reason": " "})
    assert (nothing.status_code, nothing.json()["error"]["field"]) == (422, "reason")
    promoted = client.post(f"{path}/promote", json={"reason": "finds the new shops"})
    assert promoted.status_code == 200, promoted.text
    assert promoted.json()["status"] == "promoted"
    assert _active(client) == [{"model_id": "shops", "version": "2.0"}]
    again = client.post(f"{path}/promote", json={"reason": "again"})
    assert again.status_code == 409
    back = client.post("/v1/models/shops/rollback", json={"reason": "too many calls"})
    assert back.status_code == 200, back.text
    assert _active(client) == [{"model_id": "shops", "version": "1.0"}]
    decisions = client.get("/v1/challenger-decisions", params={"model_id": "shops"}).json()
    assert [(d["action"], d["reason"]) for d in decisions] == [
        ("roll back", "too many calls"),
        ("promote", "finds the new shops"),
    ]
    assert {d["decided_by"] for d in decisions} == {"first key"}
    assert client.get(path).json()["status"] == "rejected"
    rejected = client.post(f"{path}/reject", json={"reason": "no"})
    assert rejected.status_code == 409


def test_a_schedule_is_set_read_and_removed(trained: dict[str, Any], client: httpx2.Client) -> None:
    path = "/v1/models/shops/retraining-schedule"
    assert client.get(path).status_code == 404
    body = {
        "cron": "0 3 * * 0",
        "promote_when": {"min_frauds": 80, "auc_gain_low": 0.0, "min_shadow_days": 3},
        "options": {"shadow": True, "unlabelled": {"treatment": "LEGIT", "days": 30}},
    }
    stated = client.put(path, json=body)
    assert stated.status_code == 200, stated.text
    assert client.get(path).json() == stated.json()
    assert stated.json()["policy"]["min_frauds"] == 80
    assert stated.json()["updated_by"] == "first key"
    for wrong, field in (
        ({"cron": "now and then"}, "cron"),
        ({}, "every_days"),
        ({"every_days": 7, "promote_when": {"luck": 1}}, "promote_when.luck"),
        ({"every_days": 7, "promote_when": {"min_frauds": 5}}, "promote_when"),
        ({"every_days": 7, "options": {"base_file": "/etc/passwd"}}, "options.base_file"),
        ({"every_days": 7, "options": {"seed": -1}}, "seed"),
    ):
        refused = client.put(path, json=wrong)
        assert refused.status_code == 422, (wrong, refused.text)
        assert refused.json()["error"]["field"] == field
    assert client.get(path).json() == stated.json()
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404


def test_who_may_not_change_rules_may_state_no_policy_that_would(
    trained: dict[str, Any], trainer: Server
) -> None:
    key = trainer.key_with("models:read", "models:write")
    with trainer.client(key) as client:
        path = "/v1/models/shops/retraining-schedule"
        assert client.put(path, json={"every_days": 30}).status_code == 200
        policy = {"every_days": 30, "promote_when": {"auc_gain_low": 0}}
        assert client.put(path, json=policy).status_code == 403
        promotion = client.post(
            "/v1/models/shops/challengers/2.0/promote", json={"reason": "I say so"}
        )
        assert promotion.status_code == 403
        assert client.delete(path).status_code == 204


def test_a_server_that_is_told_not_to_train_says_so(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    prepare(data_dir)
    database = Database(f"sqlite:///{data_dir / 'ringfence.db'}")
    with database.write() as connection:
        create_model(connection, "shops", "card_payment")
    database.dispose()
    with (
        running(data_dir, RINGFENCE_SCHEDULED_RETRAINING="false") as server,
        server.client(KEY) as client,
    ):
        refused = client.post("/v1/models/shops/retraining-runs")
        assert refused.status_code == 503, refused.text
        assert "scheduled_retraining" in refused.text
        assert client.post("/v1/models/none/retraining-runs").status_code == 404


def _ended(client: httpx2.Client, run: dict[str, Any]) -> dict[str, Any]:
    deadline = time.monotonic() + 120
    while run["status"] == "running":
        assert time.monotonic() < deadline, run
        time.sleep(0.2)
        run = client.get(f"/v1/retraining-runs/{run['run_id']}").json()
    return run


def _active(client: httpx2.Client) -> list[dict[str, str]]:
    versions = client.get("/v1/detectors/payments/versions").json()
    [active] = [version for version in versions if version["status"] == "ACTIVE"]
    models: list[dict[str, str]] = active["models"]
    return models
