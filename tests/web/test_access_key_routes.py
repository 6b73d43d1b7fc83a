"""Access keys of AWS clients by the API: made, listed without secrets, revoked."""

from __future__ import annotations

import pytest
from api_servers import Server

SCOPES = ("access", "decisions", "rules:read", "rules:write", "models:read", "models:write")


def test_a_key_is_made_shown_once_listed_and_revoked(server: Server) -> None:
    with server.client() as client:
        made = client.post("/v1/access-keys", json={"name": "notebook"})
        assert made.status_code == 201
        key, secret = made.json()["key"], made.json()["secret_access_key"]
        assert key["permissions"] == ["frauddetector:*"]
        listed = client.get("/v1/access-keys")
        assert secret not in listed.text
        assert key in listed.json()
        path = f"/v1/access-keys/{key['access_key_id']}"
        assert [client.delete(path).status_code for _ in range(2)] == [204, 204]
        (revoked,) = (one for one in client.get("/v1/access-keys").json() if one["revoked_at"])
        assert revoked["access_key_id"] == key["access_key_id"]
        assert client.delete("/v1/access-keys/RFAKNONE").status_code == 404
    assert secret not in server.log.read_text()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x", "permissions": []}, "permissions"),
        ({"name": "x", "permissions": ["frauddetector:Nope"]}, "permissions"),
        ({"name": "x", "permissions": ["GetLabels"]}, "permissions"),
        ({"name": "x", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"name": "x", "expires_at": "soon"}, "expires_at"),
        ({"name": "x", "scopes": []}, "scopes"),
    ],
)
def test_what_does_not_fit_is_named(server: Server, body: dict[str, object], field: str) -> None:
    with server.client() as client:
        reply = client.post("/v1/access-keys", json=body)
    assert reply.status_code == 422
    assert reply.json()["error"]["field"] == field


@pytest.mark.parametrize("lacking", SCOPES)
def test_who_cannot_do_what_an_access_key_can_makes_none(server: Server, lacking: str) -> None:
    token = server.key_with(*(scope for scope in SCOPES if scope != lacking))
    with server.client(token) as client:
        reply = client.post("/v1/access-keys", json={"name": "more"})
    assert reply.status_code == (403 if lacking == "access" else 422)
    assert lacking in reply.text
    with server.client(server.key_with(*SCOPES)) as client:
        assert client.post("/v1/access-keys", json={"name": "as much"}).status_code == 201
