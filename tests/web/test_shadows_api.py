"""Shadows over the HTTP API of a real server."""

from __future__ import annotations

import uuid

import httpx2
import pytest
from api_servers import Server

DETECTOR = "payments"


@pytest.fixture
def version(api: httpx2.Client) -> str:
    """A new draft whose rules are the other way round."""
    made = api.post(
        f"/v1/detectors/{DETECTOR}/versions",
        json={
            "rules": [
                {"rule_id": "ordinary", "version": "1"},
                {"rule_id": "large", "version": "1"},
            ]
        },
    )
    assert made.status_code == 201, made.text
    return str(made.json()["version"])


def send(api: httpx2.Client) -> None:
    reply = api.post(
        "/v1/event-types/card_payment/decisions",
        json={
            "detector": DETECTOR,
            "event_id": f"s-{uuid.uuid4().hex}",
            "variables": {"transaction_amt": 12.5},
        },
    )
    assert reply.status_code == 200, reply.text


def test_a_shadow_from_its_start_to_its_end(api: httpx2.Client, version: str) -> None:
    where = f"/v1/detectors/{DETECTOR}/versions/{version}/shadow"
    started = api.post(where)
    assert started.status_code == 201, started.text
    assert started.json()["state"] == "warming up"
    assert api.get(where).json()["version"] == version
    running = api.get("/v1/shadows", params={"detector": DETECTOR, "running": "true"}).json()
    assert [of["version"] for of in running] == [version]
    for _ in range(300):
        send(api)
        report = api.get(f"{where}/report").json()
        if report["events"]:
            break
    assert report["events"] > 0
    assert report["shadow"]["state"] == "scoring"
    assert report["champion"]["alerts"] == report["challenger"]["alerts"] == 0
    assert report["words"][0].startswith("The challenger would have rung as many cardholders")
    stopped = api.delete(where)
    assert stopped.status_code == 200, stopped.text
    assert stopped.json()["state"] == "stopped"
    cleared = api.delete(f"{where}/decisions")
    assert cleared.json()["deleted"] >= report["events"]
    assert api.get(f"{where}/report").json()["events"] == 0


def test_what_contradicts_what_is_stored_is_refused(api: httpx2.Client, version: str) -> None:
    where = f"/v1/detectors/{DETECTOR}/versions"
    assert api.post(f"{where}/1/shadow").status_code == 409
    assert api.delete(f"{where}/{version}/shadow").status_code == 409
    assert api.get(f"{where}/{version}/shadow").status_code == 404
    assert api.get(f"{where}/{version}/shadow/report").status_code == 404
    assert api.post(f"{where}/999/shadow").status_code == 404
    assert api.post("/v1/detectors/nobody/versions/1/shadow").status_code == 404
    assert api.post(f"{where}/{version}/shadow").status_code == 201
    assert api.post(f"{where}/{version}/shadow").status_code == 409
    assert api.delete(f"{where}/{version}/shadow/decisions").status_code == 409
    for query, field in (
        ({"from": "2026-03-02T00:00:00Z", "to": "2026-03-01T00:00:00Z"}, "to"),
        ({"case_hours": "0"}, "case_hours"),
        ({"from": "yesterday"}, "from"),
    ):
        refused = api.get(f"{where}/{version}/shadow/report", params=query)
        assert refused.status_code == 422, refused.text
        assert refused.json()["error"]["field"] == field
    assert api.delete(f"{where}/{version}/shadow").status_code == 200


def test_looking_needs_to_read_rules_and_starting_needs_to_write_them(
    server: Server, version: str
) -> None:
    where = f"/v1/detectors/{DETECTOR}/versions/{version}/shadow"
    with server.client(server.key_with("rules:read")) as reader:
        assert reader.get("/v1/shadows").status_code == 200
        assert reader.post(where).status_code == 403
        assert reader.delete(where).status_code == 403
    with server.client(server.key_with("decisions")) as stranger:
        assert stranger.get("/v1/shadows").status_code == 403
