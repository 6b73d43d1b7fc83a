"""Customers, flows, rules, plans, keys and queries that do not fit: refused by field."""

from __future__ import annotations

import json
from typing import Any

import pytest
from api_servers import Server, refused

from ringfence.flows import shipped_flows

RULE = "/v1/detectors/payments/rules/x"
VERSIONS = "/v1/detectors/payments/versions"
EVENT_TYPE = "/v1/event-types/card_payment"
PLAN = "/v1/contact-plans/p"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"phone_number": "call me"}, "phone_number"),
        ({"phone_number": "+1"}, "phone_number"),
        ({"phone_number": 14155550123}, "phone_number"),
        ({"card_number": "1234"}, "card_number"),
        ({"card_number": ["x"]}, "card_number"),
        ({"is_blocked": "no"}, "is_blocked"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"language": "!"}, "language"),
        ({"last_name": ""}, "last_name"),
        ({"last_name": None}, "last_name"),
        ({"customer_id": "a b"}, "customer_id"),
        ({"cvv": "737"}, "cvv"),
        ({"nickname": "Jo"}, "nickname"),
    ],
)
def test_one_wrong_customer_keeps_the_whole_list_out(
    change: dict[str, Any], field: str, server: Server
) -> None:
    good = {"customer_id": "good-one", "last_name": "Doe", "phone_number": "+14155550123"}
    wrong = good | {"customer_id": "wrong-one"} | change

    error = refused(
        server, "POST", "/v1/customers", 422, f"customers[1].{field}", body=[good, wrong]
    )

    assert error["expected"]
    with server.client() as client:
        assert client.get("/v1/customers/good-one").status_code == 404


def test_a_flow_with_a_dangling_transition_is_refused_with_the_block(server: Server) -> None:
    content = shipped_flows()["verify-card-payment"]
    flow = json.loads(content)
    block = next(action for action in flow["Actions"] if action["Transitions"].get("NextAction"))
    block["Transitions"]["NextAction"] = "nowhere-at-all"

    error = refused(
        server, "PUT", "/v1/flows/dangling", 422, "content", body={"content": json.dumps(flow)}
    )

    assert block["Identifier"] in error["message"]
    assert "nowhere-at-all" in error["message"]
    refused(server, "PUT", "/v1/flows/no-flow", 422, "content", body={"content": "{}"})


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        (
            "PUT",
            RULE,
            {"expression": "$nope > 1", "outcomes": ["approve"]},
            "expression",
        ),
        (
            "PUT",
            RULE,
            {"expression": "$transaction_amt >", "outcomes": ["approve"]},
            "expression",
        ),
        (
            "PUT",
            RULE,
            {"expression": "$transaction_amt > 1", "outcomes": []},
            "outcomes",
        ),
        (
            "PUT",
            RULE,
            {"expression": "$transaction_amt > 1", "outcomes": ["nope"]},
            "outcomes",
        ),
        (
            "PUT",
            "/v1/detectors/payments/rules/X!",
            {"expression": "$transaction_amt > 1", "outcomes": ["approve"]},
            "rule_id",
        ),
        ("PUT", PLAN, {"name": "p", "outcomes": ["review"], "attemps": 1}, "attemps"),
        ("POST", VERSIONS, {"rules": []}, "rules"),
        (
            "POST",
            VERSIONS,
            {"rules": [{"rule_id": "large", "version": "99"}]},
            "rules",
        ),
        (
            "POST",
            VERSIONS,
            {"rules": [{"rule_id": "large"}]},
            "rules[0].version",
        ),
        ("PUT", "/v1/outcomes/Bad%20Name", {}, "name"),
        ("PUT", "/v1/lists/bad-name", {"elements": ["x"]}, "name"),
        ("PUT", "/v1/lists/good", {"elements": [""]}, "elements[0]"),
        ("PUT", "/v1/lists/good", {"elements": ["x", 1]}, "elements[1]"),
        ("PUT", EVENT_TYPE, {"name": "other", "variables": []}, "name"),
        (
            "PUT",
            EVENT_TYPE,
            {"name": "card_payment", "variables": []},
            "variables",
        ),
        (
            "PUT",
            PLAN,
            {"name": "p", "outcomes": ["review"], "attempts": 99},
            "attempts",
        ),
        (
            "PUT",
            PLAN,
            {"name": "p", "outcomes": ["review"], "answers": {"1": "legit", "2": "x"}},
            "answers.2",
        ),
        ("POST", "/v1/test-calls", {"to_number": "12345"}, "to_number"),
        ("POST", "/v1/test-calls", {"to_number": "+14155550123", "line": "none"}, "line"),
        ("POST", "/v1/test-calls", {"to_number": "+14155550123", "language": "!"}, "language"),
        ("POST", "/v1/keys", {"name": "x", "scopes": []}, "scopes"),
        ("POST", "/v1/keys", {"name": "x", "scopes": ["root"]}, "scopes[0]"),
        (
            "POST",
            "/v1/keys",
            {"name": "x", "scopes": ["metrics"], "expires_at": "2020-01-01T00:00:00Z"},
            "expires_at",
        ),
        ("POST", "/v1/users", {"name": "x", "password": "short", "role": "viewer"}, "password"),
        (
            "POST",
            "/v1/users",
            {"name": "x", "password": "long enough for it", "role": "king"},
            "role",
        ),
        ("GET", "/v1/customers?limit=0", None, "limit"),
        ("GET", "/v1/customers?limit=x", None, "limit"),
        ("GET", "/v1/customers?search=%00", None, "search"),
        ("GET", "/v1/cases?open=perhaps", None, "open"),
        ("GET", "/v1/cases?colour=red", None, "colour"),
        ("GET", "/v1/cards/%00", None, "card_id"),
    ],
)
def test_definitions_and_queries_that_do_not_fit_are_refused_by_field(
    method: str, path: str, body: Any, field: str, server: Server
) -> None:
    refused(server, method, path, 422, field, body=body)
