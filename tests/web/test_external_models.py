"""External models over the API and in the console."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import httpx2
import msgspec
import pytest
from api_servers import PASSWORD, Server

from ringfence.examples import read_example

HTTP: dict[str, Any] = {
    "event_type": "card_payment",
    "kind": "HTTP",
    "inputs": [{"variable": "transaction_amt", "input": "amount"}],
    "outputs": [{"variable": "elsewhere_score", "key": "score", "fallback": 700}],
    "endpoint": {
        "url": "http://127.0.0.1:9/score",
        "headers": {"Authorization": "Bearer tellnobody"},
        "failures_to_open": 1,
    },
}


@pytest.fixture
def elsewhere(api: httpx2.Client) -> Iterator[dict[str, Any]]:
    """An endpoint at which nobody answers."""
    stored = api.put("/v1/external-models/elsewhere", json=HTTP)
    assert stored.status_code == 200, stored.text
    yield stored.json()
    assert api.delete("/v1/external-models/elsewhere").status_code in (204, 404)


def test_an_endpoint_is_stored_and_its_secret_is_never_shown(
    api: httpx2.Client, server: Server, elsewhere: dict[str, Any]
) -> None:
    assert elsewhere["endpoint"]["headers"] == {"Authorization": None}
    shown = api.get("/v1/external-models/elsewhere")
    assert shown.json() == elsewhere
    assert elsewhere in api.get("/v1/external-models").json()
    again = api.put(
        "/v1/external-models/elsewhere", json={**HTTP, "endpoint": elsewhere["endpoint"]}
    )
    assert again.status_code == 200, again.text
    assert "tellnobody" not in shown.text + again.text + server.log.read_text()


def test_a_trial_says_what_rules_would_see_and_why(
    api: httpx2.Client, elsewhere: dict[str, Any]
) -> None:
    trial = {"variables": {"transaction_amt": "12.50"}}
    reply = api.post("/v1/external-models/elsewhere/trials", json=trial)
    assert reply.status_code == 200, reply.text
    assert reply.json()["values"] == {"elsewhere_score": 700.0}
    assert reply.json()["failure"].startswith("it cannot be reached")
    left_alone = api.post("/v1/external-models/elsewhere/trials", json=trial).json()
    assert left_alone["failure"] == "it is left alone after repeated failures"
    metrics = api.get("/metrics").text
    assert 'ringfence_external_model_left_alone{model="elsewhere"} 1.0' in metrics
    wrong = api.post("/v1/external-models/elsewhere/trials", json={"variables": {"other": 1}})
    assert (wrong.status_code, wrong.json()["error"]["field"]) == (422, "variables.other")


def test_a_picture_goes_all_the_way_over_http(api: httpx2.Client) -> None:
    event_type = msgspec.json.decode(read_example("inspection-event-type.json"))
    assert api.put("/v1/event-types/inspection", json=event_type).status_code == 200
    definition = msgspec.json.decode(read_example("inspection-model.json"))
    name = definition.pop("name")
    content = base64.b64encode(read_example("inspection.onnx")).decode()
    stored = api.put(
        f"/v1/external-models/{name}", json={**definition, "kind": "ONNX", "content": content}
    )
    assert stored.status_code == 200, stored.text
    assert stored.json()["size_bytes"] == len(read_example("inspection.onnx"))
    assert "content" not in stored.json()
    detector = {"event_type": "inspection"}
    assert api.put("/v1/detectors/inspection", json=detector).status_code == 200
    rules = msgspec.json.decode(read_example("inspection-rules.json"))
    for rule in rules:
        rule_id = rule.pop("rule_id")
        put = api.put(f"/v1/detectors/inspection/rules/{rule_id}", json=rule)
        assert put.status_code == 200, put.text
    version = api.post(
        "/v1/detectors/inspection/versions",
        json={
            "rules": [{"rule_id": r, "version": "1"} for r in ("scratched", "sound", "unseen")],
            "external_models": [name],
        },
    )
    assert version.status_code == 201, version.text
    number = version.json()["version"]
    active = api.post(f"/v1/detectors/inspection/versions/{number}/activate")
    assert active.json()["external_models"] == [name]
    event = msgspec.json.decode(read_example("inspection-scratched.json"))
    decided = api.post("/v1/event-types/inspection/decisions", json={**event, "explain": True})
    assert decided.status_code == 200, decided.text
    assert decided.json()["scores"]["inspection_score"] > 800
    assert decided.json()["outcomes"] == ["review"]
    assert decided.json()["reasons"]["inspection_score"][0]["variable"] == "inspection"
    used = api.delete(f"/v1/external-models/{name}")
    assert used.status_code == 409
    assert "uses external model" in used.json()["error"]["message"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "SAGEMAKER"}, "kind"),
        ({"event_type": "nothing"}, "event_type"),
        ({"inputs": []}, "inputs"),
        ({"inputs": [{"variable": "nothing"}]}, "inputs.0.variable"),
        ({"inputs": [{"variable": "transaction_amt", "default": "x"}]}, "inputs.0.default"),
        ({"outputs": [{"variable": "transaction_amt", "key": "s"}]}, "outputs.0.variable"),
        ({"outputs": [{"variable": "a_insightscore", "key": "s"}]}, "outputs.0.variable"),
        ({"outputs": [{"variable": "a", "key": ""}]}, "outputs.0.key"),
        ({"outputs": [{"variable": "a", "key": "s", "fallback": 1001}]}, "outputs.0.fallback"),
        ({"endpoint": None}, "endpoint"),
        ({"endpoint": {"url": "ftp://h/"}}, "endpoint.url"),
        ({"endpoint": {"url": "http://me:secret@h/"}}, "endpoint.url"),
        ({"endpoint": {"url": "http://h/", "timeout_seconds": 0}}, "endpoint.timeout_seconds"),
        ({"endpoint": {"url": "http://h/", "batch_size": 0}}, "endpoint.batch_size"),
        ({"endpoint": {"url": "http://h/", "headers": {"Host": "x"}}}, "endpoint.headers"),
        ({"endpoint": {"url": "http://h/", "headers": {"X": "a\nb"}}}, "endpoint.headers.X"),
        ({"endpoint": {"url": "http://h/", "headers": {"X": None}}}, "endpoint.headers.X"),
        ({"endpoint": {"url": "http://h/", "template": "{{transaction_amt}}"}}, "inputs"),
        ({"content": "AAAA"}, "content"),
    ],
)
def test_what_cannot_work_is_refused_by_field(
    api: httpx2.Client, changes: dict[str, Any], field: str
) -> None:
    reply = api.put("/v1/external-models/wrong", json={**HTTP, **changes})
    assert reply.status_code in (404, 422), reply.text
    assert reply.json()["error"]["field"] == field
    assert api.get("/v1/external-models/wrong").status_code == 404


def test_the_models_page_shows_them_and_no_secret(
    api: httpx2.Client, server: Server, elsewhere: dict[str, Any]
) -> None:
    with server.client(key=None) as browser:
        signed_in = browser.post("/sign-in", data={"name": "admin", "password": PASSWORD})
        assert signed_in.status_code == 303, signed_in.text
        page = browser.get("/models").text
    assert "External models" in page
    assert elsewhere["endpoint"]["url"] in page
    assert "elsewhere_score" in page
    assert "tellnobody" not in page
