"""Functions over our own API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest
from api_servers import Server

CODE = """
import os

print("loaded")

def lambda_handler(event, context):
    print("for", event["customer"])
    return {"body": "blocked for " + event["customer"], "stage": os.environ.get("STAGE", "")}
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "block.py"
    path.write_text(CODE)
    return str(path)


def refused(reply: httpx2.Response, status: int) -> dict[str, Any]:
    assert reply.status_code == status, reply.text
    error: dict[str, Any] = reply.json()["error"]
    return error


def test_a_python_function_is_put_invoked_looked_at_and_taken_away(
    api: httpx2.Client, file: str
) -> None:
    path = "/v1/functions/block-card"
    put = api.put(path, json={"kind": "python", "file": file, "environment": {"STAGE": "test"}})
    assert put.status_code == 200, put.text
    assert put.json()["name"] == "block-card"
    assert put.json()["definition"]["memory_mb"] == 256
    assert api.get(path).json() == put.json()
    assert put.json() in api.get("/v1/functions").json()
    invoked = api.post(f"{path}/invocations", json={"event": {"customer": "c-7"}}).json()
    assert (invoked["failed"], invoked["answer"]) == (
        False,
        {"body": "blocked for c-7", "stage": "test"},
    )
    assert "for c-7" in invoked["log"]
    logged = api.get(f"{path}/logs").json()
    assert [line["request_id"] for line in logged if line["text"] == "for c-7"] == [
        invoked["request_id"]
    ]
    assert api.delete(path).status_code == 204
    for gone in (api.get(path), api.get(f"{path}/logs"), api.delete(path)):
        assert refused(gone, 404)["field"] == "function"
    assert refused(api.post(f"{path}/invocations", json={}), 404)["field"] == "function"


def test_a_failure_is_an_answer(api: httpx2.Client, file: str) -> None:
    api.put("/v1/functions/fails", json={"kind": "python", "file": file})
    invoked = api.post("/v1/functions/fails/invocations", json={"event": {}}).json()
    assert invoked["failed"]
    assert invoked["answer"]["errorType"] == "KeyError"
    assert any(line.startswith("[ERROR] KeyError") for line in invoked["log"])


@pytest.mark.parametrize(
    ("definition", "field"),
    [
        ({"kind": "python"}, "handler"),
        ({"kind": "python", "file": "block.py"}, "file"),
        ({"kind": "python", "file": "/nowhere/block.py"}, "handler"),
        ({"kind": "python", "file": "/a/b.py", "memory": 5}, "memory"),
        ({"kind": "python", "file": "/a/b.py", "memory_mb": "5"}, "memory_mb"),
        ({"kind": "http", "url": "bank.example"}, "url"),
        ({"kind": "http", "url": "https://bank.example", "file": "/a"}, "file"),
        ({"kind": "lambda"}, "function"),
        ({"kind": "shell"}, "kind"),
        ({"url": "https://bank.example"}, "kind"),
    ],
)
def test_what_does_not_fit_is_named(
    api: httpx2.Client, definition: dict[str, Any], field: str
) -> None:
    error = refused(api.put("/v1/functions/f", json=definition), 422)
    assert error["field"] == field
    assert refused(api.get("/v1/functions/f"), 404)


def test_code_that_cannot_be_loaded_is_stored_only_when_that_is_asked_for(
    api: httpx2.Client, tmp_path: Path
) -> None:
    path = tmp_path / "broken.py"
    path.write_text("print('hello'); import no_such_module")
    definition = {"kind": "python", "file": str(path)}
    error = refused(api.put("/v1/functions/broken", json=definition), 422)
    assert error["field"] == "handler"
    assert "No module named 'no_such_module'" in error["message"]
    assert "(printed: hello)" in error["message"]
    assert api.put("/v1/functions/broken?load=false", json=definition).status_code == 200


def test_secrets_of_endpoints_are_never_shown(api: httpx2.Client) -> None:
    url = "https://bank.example/block"
    definition = {
        "kind": "http", "url": url, "secret": "hush-hush", "headers": {"X-Key": "psst-psst"}
    }  # fmt: skip
    put = api.put("/v1/functions/theirs", json=definition)
    assert put.json()["definition"] == {
        "kind": "http",
        "url": url,
        "secret": None,
        "signed": True,
        "headers": {"X-Key": None},
        "timeout_seconds": 8.0,
    }
    assert api.put("/v1/functions/theirs", json=put.json()["definition"]).status_code == 200
    for reply in (put, api.get("/v1/functions"), api.get("/v1/functions/theirs")):
        assert "hush" not in reply.text
        assert "psst" not in reply.text


def test_code_on_the_server_needs_more_than_the_right_to_write_rules(
    server: Server, file: str
) -> None:
    with server.client(server.key_with("rules:read", "rules:write")) as writer:
        error = refused(writer.put("/v1/functions/f", json={"kind": "python", "file": file}), 403)
        assert "access" in error["message"]
        endpoint = {"kind": "http", "url": "https://bank.example"}
        assert writer.put("/v1/functions/e", json=endpoint).status_code == 200
    with server.client(server.key_with("rules:read")) as reader:
        assert reader.get("/v1/functions").status_code == 200
        refused(reader.put("/v1/functions/e", json=endpoint), 403)
        refused(reader.post("/v1/functions/e/invocations", json={}), 403)
        refused(reader.delete("/v1/functions/e"), 403)
