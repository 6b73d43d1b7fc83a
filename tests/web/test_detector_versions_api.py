from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from api_servers import prepare, running

VERSIONS = "/v1/detectors/payments/versions"
DECISIONS = "/v1/event-types/card_payment/decisions"
RULES = [{"rule_id": "ordinary", "version": "1"}]


@pytest.fixture
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    """A client of a server that no other test wants to decide."""
    data_dir = tmp_path_factory.mktemp("alone") / "data"
    prepare(data_dir)
    with running(data_dir) as server, server.client() as client:
        yield client


def test_a_version_is_taken_out_of_use_and_away_while_its_decisions_stay(
    alone: httpx2.Client,
) -> None:
    event = {"event_id": "e-1", "variables": {"transaction_amt": 5}}
    decided = alone.post(DECISIONS, json=event)
    assert decided.status_code == 200, decided.text
    assert alone.delete(f"{VERSIONS}/1").status_code == 409
    stopped = alone.post(f"{VERSIONS}/1/deactivate")
    assert (stopped.status_code, stopped.json()["status"]) == (200, "INACTIVE")
    assert alone.post(f"{VERSIONS}/1/deactivate").status_code == 409
    refused = alone.post(DECISIONS, json={**event, "event_id": "e-2"})
    assert refused.status_code == 409
    assert "no detector version is active" in refused.text
    assert alone.delete(f"{VERSIONS}/1").status_code == 204
    assert alone.delete(f"{VERSIONS}/1").status_code == 404
    assert alone.get(VERSIONS).json() == []
    made = alone.post(VERSIONS, json={"rules": RULES})
    assert (made.status_code, made.json()["version"]) == (201, "2")
    assert made.json()["updated_at"] == made.json()["created_at"]
    told = alone.get(f"{DECISIONS}/e-1", params={"explain": "true"})
    assert told.status_code == 200, told.text
    assert told.json()["detector_version"] == "1"
    assert told.json()["rules"] == decided.json()["rules"]
    assert told.json().get("reasons") is None
    assert "has been deleted" in told.json()["note"]
