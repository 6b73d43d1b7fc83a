"""Who may do what: every operation of the API, every path of the server, keys and users."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from api_servers import PASSWORD, Server
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from ringfence.access import Scope
from ringfence.storage import now
from ringfence.web.api import Operation
from ringfence.web.app import OPERATIONS

OTHER_PATHS = (
    "/",
    "/cases",
    "/customers",
    "/detectors",
    "/models",
    "/access",
    "/phones",
    "/docs",
    "/docs/static/swagger-ui.css",
    "/openapi.json",
    "/metrics",
    "/readyz",
    "/phone",
    "/phone/phone.js",
    "/phone/icon.svg",
    "/console/console.css",
    "/favicon.ico",
    "/_nicegui/3/static/nicegui.css",
    "/sign-out",
    "/sign-in/",
    "/healthz/",
    "//healthz",
    "/healthz/../metrics",
    "/v1",
    "/v1/nothing",
    "/nothing",
)
SOCKETS = ("/v1/phones/ws?number=%2B14155550123", "/_nicegui_ws/socket.io/", "/nothing")


def path_of(operation: Operation) -> str:
    return re.sub(r"\{\w+\}", "nothing", operation.path)


def name_of(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


@pytest.mark.parametrize("operation", OPERATIONS, ids=name_of)
def test_no_operation_answers_without_a_key(operation: Operation, server: Server) -> None:
    before = server.rows()
    with server.client(key=None) as client:
        for headers in (
            {},
            {"authorization": "Bearer rf_none_none"},
            {"authorization": "Basic YWRtaW46YWRtaW4="},
            {"authorization": "Bearer"},
            {"x-api-key": "wrong"},
            {"cookie": "ringfence_session=wrong"},
            {"cookie": 'ringfence_session="'},
        ):
            reply = client.request(operation.method, path_of(operation), headers=headers)
            assert reply.status_code == 401
            assert reply.headers["www-authenticate"] == "Bearer"
            assert set(reply.json()) == {"error"}
    assert server.rows() == before


@pytest.fixture(scope="module")
def keys_lacking(server: Server) -> dict[Scope, str]:
    """By scope, a key that has every scope but that one."""
    return {
        scope: server.key_with(*(other for other in Scope if other is not scope)) for scope in Scope
    }


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if o.scope], ids=name_of)
def test_every_operation_needs_its_scope(
    operation: Operation, server: Server, keys_lacking: dict[Scope, str]
) -> None:
    assert operation.scope is not None
    before = server.rows()
    with server.client(keys_lacking[operation.scope]) as client:
        reply = client.request(operation.method, path_of(operation), content=b"{")

    assert reply.status_code == 403
    assert str(operation.scope) in reply.json()["error"]["message"]
    assert server.rows() == before


def test_the_document_describes_every_operation_with_its_scope(api: httpx2.Client) -> None:
    paths = api.get("/openapi.json").json()["paths"]

    described = {
        (m.upper(), path): o for path, of_path in paths.items() for m, o in of_path.items()
    }
    assert set(described) == {(o.method, o.path) for o in OPERATIONS}
    for operation in OPERATIONS:
        if operation.scope:
            about = described[operation.method, operation.path]
            assert f"`{operation.scope}`" in about["description"]


def test_a_caller_with_no_scope_of_ours_may_only_ask_who_it_is(server: Server) -> None:
    free = [name_of(o) for o in OPERATIONS if o.scope is None]
    assert free == ["GET /v1/me"]


@pytest.mark.parametrize("path", OTHER_PATHS)
def test_no_other_path_answers_without_a_key(path: str, server: Server) -> None:
    with server.client(key=None) as client:
        for method in ("GET", "HEAD", "POST", "OPTIONS"):
            assert client.request(method, path).status_code == 401
        page = client.get(path, headers={"accept": "text/html"})
    if path.startswith("/v1/"):
        assert page.status_code == 401
    else:
        assert page.status_code == 303
        assert page.headers["location"].startswith("/sign-in?next=%2F")


def test_only_health_and_the_sign_in_page_are_open(server: Server) -> None:
    with server.client(key=None) as client:
        assert client.get("/healthz").json() == {"status": "ok"}
        assert client.get("/sign-in").status_code == 200


@pytest.mark.parametrize("path", SOCKETS)
def test_no_websocket_opens_without_a_key(path: str, server: Server) -> None:
    url = server.url.replace("http", "ws", 1) + path
    for headers in ({}, {"authorization": "Bearer wrong"}, {"cookie": "ringfence_session=x"}):
        with pytest.raises(InvalidStatus) as refusal, connect(url, additional_headers=headers):
            pass
        assert refusal.value.response.status_code == 403


def test_a_phone_needs_its_scope(server: Server) -> None:
    url = server.url.replace("http", "ws", 1) + SOCKETS[0]
    without = server.key_with(*(s for s in Scope if s is not Scope.PHONES))
    with (
        pytest.raises(InvalidStatus),
        connect(url, additional_headers={"authorization": f"Bearer {without}"}),
    ):
        pass
    allowed = {"x-api-key": server.key_with(Scope.PHONES)}
    with connect(url, additional_headers=allowed) as phone:
        phone.ping()
    with server.client(without) as client:
        assert client.get("/phone").status_code == 403


def test_metrics_need_their_scope(server: Server) -> None:
    with server.client(server.key_with(Scope.METRICS)) as client:
        assert "ringfence_decisions" in client.get("/metrics").text
        assert client.get("/v1/customers").status_code == 403
    with server.client(server.key_with(Scope.DECISIONS)) as client:
        assert client.get("/metrics").status_code == 403


def test_a_key_makes_keys_of_its_own_scopes_only(server: Server) -> None:
    with server.client(server.key_with(Scope.ACCESS, Scope.CARDS_READ)) as client:
        before = server.rows()
        reply = client.post("/v1/keys", json={"name": "x", "scopes": ["cards:read", "decisions"]})
        assert reply.status_code == 422
        assert reply.json()["error"]["field"] == "scopes"
        assert server.rows() == before
        made = client.post("/v1/keys", json={"name": "x", "scopes": ["cards:read"]})
        assert made.status_code == 201
        assert made.json()["key"]["scopes"] == ["cards:read"]


def test_a_revoked_key_is_refused_at_once(server: Server, api: httpx2.Client) -> None:
    made = api.post("/v1/keys", json={"name": "till", "scopes": ["decisions"]}).json()
    with server.client(made["token"]) as client:
        assert client.get("/v1/me").json() == {
            "name": "till",
            "scopes": ["decisions"],
            "role": None,
        }
        assert api.delete(f"/v1/keys/{made['key']['key_id']}").status_code == 204
        assert client.get("/v1/me").status_code == 401
        assert client.post("/v1/transactions", content=b"{}").status_code == 401


def test_an_expired_key_is_refused(server: Server, api: httpx2.Client) -> None:
    soon = now() + timedelta(seconds=0.5)
    wanted = {"name": "x", "scopes": ["metrics"], "expires_at": soon.isoformat()}
    made = api.post("/v1/keys", json=wanted).json()
    with server.client(made["token"]) as client:
        while (asked_at := now()) < soon:
            assert client.get("/v1/me").status_code in (200, 401)
        assert asked_at >= soon
        assert client.get("/v1/me").status_code == 401


def test_tokens_are_shown_once_and_kept_nowhere(server: Server, api: httpx2.Client) -> None:
    token = server.key_with(Scope.METRICS)

    assert token not in api.get("/v1/keys").text
    secret = token.split("_", 2)[2].encode()
    for file in server.data_dir.rglob("*"):
        if file.is_file():
            assert secret not in file.read_bytes()
    assert secret not in server.log.read_bytes()


ROLES: dict[str, tuple[set[str], set[str]]] = {
    "admin": ({scope.value for scope in Scope}, set()),
    "analyst": ({"cases:write", "cards:write", "phones"}, {"access", "rules:write", "decisions"}),
    "viewer": ({"cases:read", "metrics"}, {"cases:write", "cards:write", "phones", "access"}),
}


@pytest.mark.parametrize("role", ROLES)
def test_a_person_may_what_the_role_may(role: str, server: Server, api: httpx2.Client) -> None:
    name = f"{role}-{uuid.uuid4().hex[:8]}"
    made = api.post("/v1/users", json={"name": name, "password": PASSWORD, "role": role})
    assert made.status_code == 201
    assert PASSWORD not in made.text
    with signed_in(server, name) as client:
        me = client.get("/v1/me").json()
        allowed, refused = ROLES[role]
        assert me["role"] == role
        assert allowed <= set(me["scopes"])
        assert refused.isdisjoint(me["scopes"])
        for operation in OPERATIONS:
            if operation.scope in refused and operation.method != "DELETE":
                reply = client.request(operation.method, path_of(operation), content=b"{")
                assert reply.status_code == 403, name_of(operation)


def test_changing_a_person_ends_their_sessions(server: Server, api: httpx2.Client) -> None:
    changes: tuple[dict[str, Any], ...] = (
        {"role": "viewer"},
        {"password": "another good password"},
        {"disabled": True},
    )
    for change in changes:
        name = f"u-{uuid.uuid4().hex[:8]}"
        api.post("/v1/users", json={"name": name, "password": PASSWORD, "role": "analyst"})
        with signed_in(server, name) as client:
            assert client.get("/v1/me").status_code == 200
            assert api.patch(f"/v1/users/{name}", json=change).status_code == 204
            assert client.get("/v1/me").status_code == 401


def test_the_only_admin_stays(api: httpx2.Client) -> None:
    others = [u["name"] for u in api.get("/v1/users").json() if u["role"] == "admin"]
    for name in others:
        if name != "admin":
            assert api.patch(f"/v1/users/{name}", json={"disabled": True}).status_code == 204

    for change in ({"role": "viewer"}, {"disabled": True}):
        reply = api.patch("/v1/users/admin", json=change)
        assert reply.status_code == 409
        assert reply.json()["error"]["field"] == "name"
    taken = api.post("/v1/users", json={"name": "Admin", "password": PASSWORD, "role": "viewer"})
    assert taken.status_code == 409


@contextmanager
def signed_in(server: Server, name: str) -> Iterator[httpx2.Client]:
    """A client that holds a session and no key."""
    with server.client(key=None) as client:
        reply = client.post("/sign-in", data={"name": name, "password": PASSWORD})
        assert reply.status_code == 303, reply.text
        yield client
