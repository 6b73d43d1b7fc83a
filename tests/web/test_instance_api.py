"""What an instance holds, over our own API: queues, hours, agents, tasks, prompts, bots, numbers,
versions of flows, and what their ARNs mean."""

from __future__ import annotations

import base64
import io
import wave
from typing import Any

import httpx2
import pytest
from api_servers import Server, refused
from flow_texts import hands_over

QUEUE_ARN = "arn:aws:connect:eu-west-2:123456789012:instance/i-1/queue/q-1"
MONDAY = {"day": "MONDAY", "start": "08:00", "end": "18:00"}


def put(api: httpx2.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    reply = api.put(path, json=body)
    assert reply.status_code == 200, reply.text
    answer: dict[str, Any] = reply.json()
    return answer


def test_hours_and_a_queue_that_keeps_them(api: httpx2.Client) -> None:
    hours = put(
        api, "/v1/hours/Office", {"time_zone": "Europe/Berlin", "periods": [MONDAY]}
    )  # fmt: skip
    assert hours["hours"]["periods"] == [MONDAY]
    assert api.get("/v1/hours/Office").json()["hours"] == hours["hours"]
    view = put(api, "/v1/queues/Analysts", {"hours": "Office", "most_contacts": 5})
    assert (view["hours"], view["waiting"], view["queue"]["most_contacts"]) == ("Office", 0, 5)
    assert put(api, f"/v1/queues/{view['queue']['queue_id']}", {"enabled": False})["hours"] is None
    assert api.get("/v1/queues/Analysts").json()["queue"]["enabled"] is False
    assert "Analysts" in [each["queue"]["name"] for each in api.get("/v1/queues").json()]
    put(api, "/v1/queues/Analysts", {"hours": "Office"})
    assert api.delete("/v1/hours/Office").status_code == 409
    assert api.delete("/v1/queues/Analysts").status_code == 204
    assert api.delete("/v1/hours/Office").status_code == 204
    assert api.get("/v1/hours/Office").status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/hours/H", {"time_zone": "Nowhere"}, "time_zone"),
        ("/v1/hours/H", {"periods": [{**MONDAY, "day": "monday"}]}, "periods[0].day"),
        ("/v1/hours/H", {"periods": [{**MONDAY, "start": "8"}]}, "periods"),
        ("/v1/hours/H", {"zone": "UTC"}, "zone"),
        ("/v1/queues/Q", {"caller_number": "12"}, "caller_number"),
        ("/v1/queues/Q", {"most_contacts": -1}, "most_contacts"),
        ("/v1/agents/a", {"phone_number": "12"}, "phone_number"),
        ("/v1/agents/a", {}, "phone_number"),
        ("/v1/bots/b", {"intents": {}}, "intents"),
        ("/v1/prompts/p", {"wav": "bm8="}, "wav"),
        ("/v1/phone-numbers/123", {}, "number"),
        ("/v1/bindings", {"kind": "teapot", "reference": "a", "target": "b"}, "kind"),
        ("/v1/bindings", {"kind": "queue", "reference": "a", "target": "Nobody"}, "target"),
    ],
)
def test_what_does_not_fit_is_named(server: Server, path: str, body: Any, field: str) -> None:
    refused(server, "PUT", path, 422, field, body=body)


def test_an_agent_is_there_until_they_are_not(api: httpx2.Client) -> None:
    put(api, "/v1/queues/Lost", {})
    put(api, "/v1/agents/jane", {"phone_number": "+49 30 901821", "queues": ["Lost"]})
    assert put(api, "/v1/agents/jane/status", {"status": "available"})["status"] == "available"
    assert api.post("/v1/agents/jane/seen").status_code == 204
    assert api.get("/v1/queues/Lost").json()["agents_available"] == 1
    assert api.put("/v1/agents/jane/status", json={"status": "busy"}).status_code == 422
    put(api, "/v1/agents/jane", {"phone_number": "+4930901822"})
    jane = next(a for a in api.get("/v1/agents").json() if a["agent"]["user_name"] == "jane")
    assert (jane["agent"]["phone_number"], jane["agent"]["queue_ids"]) == ("+4930901822", [])
    assert api.delete("/v1/agents/jane").status_code == 204
    assert api.post("/v1/agents/jane/seen").status_code == 404


def test_a_task_is_opened_taken_and_done_once(api: httpx2.Client) -> None:
    for name in ("ann", "bob"):
        put(api, f"/v1/agents/{name}", {"phone_number": "+4930901821"})
    opened = api.post("/v1/tasks", json={"name": "Call back", "attributes": {"A": "b"}})
    assert opened.status_code == 201
    task_id = opened.json()["contact"]["contact_id"]
    assert task_id in [each["contact"]["contact_id"] for each in api.get("/v1/tasks").json()]
    taken = api.post(f"/v1/tasks/{task_id}/take", json={"agent": "ann"}).json()
    assert taken["contact"]["agent_id"]
    assert api.post(f"/v1/tasks/{task_id}/take", json={"agent": "ann"}).status_code == 200
    assert api.post(f"/v1/tasks/{task_id}/take", json={"agent": "bob"}).status_code == 409
    done = api.post(f"/v1/tasks/{task_id}/done").json()
    assert (done["state"], done["contact"]["disconnect_reason"]) == ("done", "AGENT_DISCONNECT")
    assert api.post(f"/v1/tasks/{task_id}/done").json() == done
    assert api.post(f"/v1/tasks/{task_id}/take", json={"agent": "ann"}).status_code == 409
    assert task_id not in api.get("/v1/tasks").text
    assert task_id in api.get("/v1/tasks?state=done").text
    assert api.get(f"/v1/tasks/{task_id}").json() == done
    assert api.post("/v1/tasks", json={"name": " "}).status_code == 422


def test_prompts_bots_and_numbers(api: httpx2.Client) -> None:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"\0\0" * 800)
    wav = base64.b64encode(buffer.getvalue()).decode()
    put(api, "/v1/prompts/Beep.wav", {"wav": wav})
    put(api, "/v1/prompts/Beep.wav", {"wav": wav, "description": "A beep"})
    assert [each["description"] for each in api.get("/v1/prompts").json()] == ["A beep"]
    assert api.delete("/v1/prompts/Beep.wav").status_code == 204
    put(api, "/v1/bots/Confirm", {"intents": {"Yes": {"*": ["yes"]}}, "fallback": "Other"})
    assert api.get("/v1/bots/Confirm").json() in api.get("/v1/bots").json()
    assert api.delete("/v1/bots/Confirm").status_code == 204
    number = put(api, "/v1/phone-numbers/+14155550142", {"flow": "verify-card-payment"})
    assert number["country"] == "US"
    assert put(api, "/v1/phone-numbers/+14155550142", {})["flow_id"] is None
    assert [each["number"] for each in api.get("/v1/phone-numbers").json()] == ["+14155550142"]
    assert api.get("/v1/available-numbers").status_code == 200
    assert api.delete("/v1/phone-numbers/+14155550142").status_code == 204
    assert api.delete("/v1/phone-numbers/+14155550142").status_code == 404


def test_a_flow_is_checked_bound_rolled_back_and_deleted(api: httpx2.Client) -> None:
    put(api, "/v1/flows/ask", {"content": hands_over("One moment.", QUEUE_ARN)})
    put(api, "/v1/flows/ask", {"content": hands_over("Just a second.", QUEUE_ARN)})
    (missing,) = api.get("/v1/flows/ask/check").json()["unbound"]
    assert (missing["block_id"], missing["kind"], missing["reference"]) == (
        "to",
        "queue",
        QUEUE_ARN,
    )
    assert missing in api.get("/v1/unbound").json()
    put(api, "/v1/queues/Fraud", {})
    put(api, "/v1/bindings", {"kind": "queue", "reference": QUEUE_ARN, "target": "Fraud"})
    assert api.get("/v1/flows/ask/check").json()["unbound"] == []
    assert [each["target"] for each in api.get("/v1/bindings").json()] == ["Fraud"]
    query = {"kind": "queue", "reference": QUEUE_ARN}
    assert api.delete("/v1/bindings", params=query).status_code == 204
    assert api.delete("/v1/bindings", params=query).status_code == 404
    bound = api.post("/v1/bindings", json={"map": {"queue": {QUEUE_ARN: "Fraud", "B": "Fraud"}}})
    assert len(bound.json()) == 2
    wrong = api.post("/v1/bindings", json={"map": {"queue": {"C": "Fraud", "D": "Nobody"}}})
    assert wrong.status_code == 422
    assert len(api.get("/v1/bindings").json()) == 2
    assert [each["version"] for each in api.get("/v1/flows/ask/versions").json()] == [2, 1]
    assert api.post("/v1/flows/ask/roll-back", json={"version": 1}).status_code == 200
    assert api.get("/v1/flows/ask").json()["version"] == 1
    assert api.post("/v1/flows/ask/roll-back", json={"version": 3}).status_code == 404
    assert "ask" in [each["name"] for each in api.get("/v1/stored-flows").json()]
    assert api.delete("/v1/flows/ask").status_code == 204
    assert api.delete("/v1/flows/ask").status_code == 404
    assert api.delete("/v1/flows/verify-card-payment").status_code == 409


def test_reading_is_not_writing(server: Server) -> None:
    with server.client(server.key_with("cases:read", "rules:read")) as reader:
        for path in ("queues", "hours", "agents", "tasks", "prompts", "bots", "bindings"):
            assert reader.get(f"/v1/{path}").status_code == 200
        assert reader.put("/v1/queues/Q", json={}).status_code == 403
        assert reader.put("/v1/agents/x/status", json={"status": "break"}).status_code == 403
        assert reader.post("/v1/tasks", json={"name": "x"}).status_code == 403
        assert reader.delete("/v1/flows/x").status_code == 403
