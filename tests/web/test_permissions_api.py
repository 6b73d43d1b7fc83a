"""Who may be contacted, over our own API."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from api_servers import Server, new_customer, refused

OURS = "/v1/customers/u82-1alz-RI301/permissions"
NOBODYS = "/v1/customers/no-one/permissions"


def summary(view: dict[str, Any]) -> dict[str, bool]:
    return {entry["channel"]: entry["given"] for entry in view["in_force"]}


def test_a_new_customer_has_given_the_number_to_the_bank(api: httpx2.Client) -> None:
    view = api.get(f"/v1/customers/{new_customer(api)}/permissions").json()
    assert summary(view) == {"voice": True, "sms": True}
    for entry in view["in_force"]:
        assert (entry["source"], entry["purpose"]) == ("number given to the bank", "fraud_alerts")
        assert entry["at"]
        assert entry["by"]


def test_a_withdrawal_is_in_force_and_the_history_stays(api: httpx2.Client) -> None:
    path = f"/v1/customers/{new_customer(api)}/permissions"
    view = api.post(path, json={"channel": "voice", "given": False, "source": "letter"}).json()
    assert summary(view) == {"voice": False, "sms": True}
    view = api.post(path, json={"channel": "voice", "given": True, "source": "branch"}).json()
    assert [
        (each["channel"], each["given"], each["source"])
        for each in view["history"]
        if each["channel"] == "voice"
    ] == [
        ("voice", True, "number given to the bank"),
        ("voice", False, "letter"),
        ("voice", True, "branch"),
    ]


@pytest.mark.parametrize(("told", "given"), [(True, True), (False, False)])
def test_what_is_told_with_a_customer_is_recorded(
    api: httpx2.Client, told: bool, given: bool
) -> None:
    document = {
        "customer_id": f"told-{told}",
        "last_name": "Miller",
        "phone_number": "+14155550100",
        "consent": told,
    }
    api.post("/v1/customers", json=document)
    view = api.get(f"/v1/customers/told-{told}/permissions").json()
    assert summary(view) == {"voice": given, "sms": given}
    assert {entry["source"] for entry in view["history"]} == {"told with the customer"}


def test_a_document_does_not_undo_a_withdrawal_and_says_so(api: httpx2.Client) -> None:
    customer_id = new_customer(api)
    path = f"/v1/customers/{customer_id}/permissions"
    api.post(path, json={"channel": "voice", "given": False, "source": "phone key *"})
    document = {
        "customer_id": customer_id,
        "last_name": "Miller",
        "phone_number": "+14155550100",
        "consent": True,
    }
    [stored] = api.post("/v1/customers", json=document).json()
    assert "consent to voice was withdrawn and stays so" in stored["remarks"]
    assert summary(api.get(path).json()) == {"voice": False, "sms": True}


def test_a_number_is_listed_and_taken_off_the_list(api: httpx2.Client) -> None:
    entry = api.put("/v1/do-not-call/0049 30 1234567", json={"reason": "wrong number"}).json()
    assert (entry["number"], entry["reason"]) == ("+49301234567", "wrong number")
    changed = api.put("/v1/do-not-call/+49301234567", json={"reason": "complaint"}).json()
    assert changed["reason"] == "complaint"
    listed = [each["number"] for each in api.get("/v1/do-not-call").json()]
    assert listed.count("+49301234567") == 1
    assert api.get("/v1/do-not-call?after=%2B49301234567").json() == []
    assert api.delete("/v1/do-not-call/+49301234567").status_code == 204
    assert api.delete("/v1/do-not-call/+49301234567").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("POST", OURS, {"channel": "fax", "given": True}, 422, "channel"),
        ("POST", OURS, {"channel": "sms"}, 422, "given"),
        ("POST", OURS, {"channel": "sms", "given": True, "source": " "}, 422, "source"),
        ("POST", NOBODYS, {"channel": "sms", "given": True}, 404, "customer"),
        ("GET", NOBODYS, None, 404, "customer"),
        ("PUT", "/v1/do-not-call/12", {"reason": "a"}, 422, "number"),
        ("PUT", "/v1/do-not-call/+49301234567", {"reason": ""}, 422, "reason"),
        ("GET", "/v1/do-not-call?limit=0", None, 422, "limit"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_field(
    server: Server, method: str, path: str, body: Any, status: int, field: str
) -> None:
    refused(server, method, path, status, field, body=body)


def test_reading_and_writing_have_their_scopes(server: Server, api: httpx2.Client) -> None:
    path = f"/v1/customers/{new_customer(api)}/permissions"
    with server.client(server.key_with("cards:read")) as client:
        assert client.get(path).status_code == 200
        assert client.get("/v1/do-not-call").status_code == 200
        body = {"channel": "voice", "given": False}
        assert client.post(path, json=body).status_code == 403
        assert client.put("/v1/do-not-call/+49301234567", json={"reason": "a"}).status_code == 403
