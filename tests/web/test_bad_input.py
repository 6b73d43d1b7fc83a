"""What cannot be accepted: the right status, the field, what was expected, and nothing written."""

from __future__ import annotations

import json
import socket
import sqlite3
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from api_servers import KEY, Server, example_transaction, new_customer, prepare, refused, running
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CUSTOMER = "u82-1alz-RI301"
LIMIT = 262_144


def of_payment(**variables: Any) -> dict[str, Any]:
    return {"customer": CUSTOMER, "transaction": variables}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b'{"customer": "x", "transaction": {}} {}',
        b'{"customer": "x", "transaction": {"transaction_amt": NaN}}',
        b'{"customer": "x", "transaction": {"merchant_name": "\\ud800"}}',
        b'{"customer": "\xff", "transaction": {}}',
        b"{'customer': 'x'}",
    ],
)
def test_what_is_not_json_is_answered_with_400(content: bytes, server: Server) -> None:
    error = refused(server, "POST", "/v1/transactions", 400, "body", content=content)

    assert error["expected"] == "a JSON document in UTF-8"


def test_nesting_without_end_is_refused_wherever_it_stands(server: Server) -> None:
    deep = "[" * 100_000
    refused(server, "POST", "/v1/customers", 400, "body", content=deep)
    refused(server, "POST", "/v1/transactions", 422, "body", content=deep)
    refused(
        server,
        "POST",
        "/v1/transactions",
        422,
        "transaction",
        content=f'{{"customer": "x", "transaction": {{"transaction_amt": {deep}',
    )


@pytest.mark.parametrize(
    ("body", "field", "expected"),
    [
        ([], "body", "object"),
        (None, "body", "object"),
        ({"transaction": {}}, "customer", "a value"),
        ({"customer": CUSTOMER}, "transaction", "a value"),
        ({"customer": 1, "transaction": {}}, "customer", "str"),
        ({"customer": "", "transaction": {"currency": "eur"}}, "customer", "a customer id"),
        ({"customer": CUSTOMER, "transaction": {}}, "transaction", "at least one"),
        (of_payment(currency="eur") | {"note": "x"}, "note", "one of customer, transaction"),
        (of_payment(currency="eur") | {"event_id": "a b"}, "event_id", "1 to 128"),
        (of_payment(currency="eur") | {"event_timestamp": "soon"}, "event_timestamp", "RFC 3339"),
        (of_payment(transaction_amt="a lot"), "transaction.transaction_amt", "a finite number"),
        (of_payment(transaction_amt="1e999"), "transaction.transaction_amt", "a finite number"),
        (of_payment(transaction_amt="NaN"), "transaction.transaction_amt", "a finite number"),
        (of_payment(transaction_amt=True), "transaction.transaction_amt", "a finite number"),
        (of_payment(currency="eur", transaction_amt=[1]), "transaction.transaction_amt", "float"),
        (of_payment(currency={"code": "eur"}), "transaction.currency", "str"),
        (of_payment(merchant="x"), "transaction.merchant", "transaction_amt"),
        (of_payment(merchant_name="a\0b"), "transaction.merchant_name", "text"),
    ],
)
def test_a_transaction_that_does_not_fit_is_refused_by_field(
    body: Any, field: str, expected: str, server: Server
) -> None:
    content = json.dumps(body)

    error = refused(server, "POST", "/v1/transactions", 422, field, content=content)

    assert expected in error["expected"]


def test_a_misspelt_variable_is_told_its_likely_name(server: Server) -> None:
    error = refused(
        server,
        "POST",
        "/v1/transactions",
        422,
        "transaction.transaction_amount",
        body=of_payment(transaction_amount="1"),
    )

    assert "did you mean transaction_amt?" in error["message"]


def test_absurd_sizes_are_413(server: Server) -> None:
    long_value = of_payment(merchant_name="x" * 8193)
    too_large = of_payment(merchant_name="x" * LIMIT)
    refused(server, "POST", "/v1/transactions", 413, "transaction.merchant_name", body=long_value)
    for path in ("/v1/transactions", "/v1/customers"):
        error = refused(server, "POST", path, 413, "body", body=too_large)
        assert str(LIMIT) in error["expected"]


@pytest.mark.parametrize("path", ["/v1/transactions", "/v1/customers", "/sign-in"])
def test_a_body_without_a_length_is_cut_off_at_the_limit(path: str, server: Server) -> None:
    before = server.rows()
    with server.client() as client:
        reply = client.post(
            path,
            content=(b" " * 8192 for _ in range(LIMIT // 8192 + 2)),
            headers={"content-type": "application/x-www-form-urlencoded"},
        )

    assert reply.status_code == 413
    assert reply.json()["error"]["field"] == "body"
    assert server.rows() == before


def test_a_body_that_is_only_announced_is_not_waited_for(server: Server) -> None:
    place = urlsplit(server.url)
    with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
        connection.sendall(
            f"POST /v1/customers HTTP/1.1\r\nhost: {place.netloc}\r\n"
            f"authorization: Bearer {KEY}\r\ncontent-length: 9999999999\r\n\r\n".encode()
        )
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_the_last_of_two_equal_names_counts_and_the_first_is_nowhere(
    server: Server, api: httpx2.Client
) -> None:
    first = f"First Shop {uuid.uuid4().hex}"
    reply = api.post(
        "/v1/transactions",
        content='{"customer": "nobody", "customer": "u82-1alz-RI301", "transaction": '
        f'{{"merchant_name": "{first}", "merchant_name": "Corner Shop"}}}}',
    )

    assert reply.status_code == 200, reply.text
    event = api.get(f"/v1/event-types/card_payment/events/{reply.json()['event_id']}")
    assert event.json()["variables"]["merchant_name"] == "Corner Shop"
    assert first not in event.text


def test_unknown_names_are_404_and_say_which(server: Server) -> None:
    nobody = example_transaction(customer="nobody")
    error = refused(server, "POST", "/v1/transactions", 404, "customer", body=nobody)
    assert error["expected"] == "a stored customer"
    decide = {"event_id": "1", "variables": {"transaction_amt": 1}}
    refused(server, "POST", "/v1/event-types/none/decisions", 404, "event_type", body=decide)
    refused(server, "GET", "/v1/cards/none", 404, "card_id")
    refused(server, "GET", "/v1/cases/none", 404, "case_id")
    refused(server, "GET", "/v1/customers/none", 404, "customer")
    refused(server, "GET", "/v1/flows/none", 404, "flow")
    refused(server, "GET", "/v1/contact-plans/none", 404, "name")
    refused(server, "GET", "/v1/event-types/card_payment/decisions/none", 404, "event_id")
    refused(server, "POST", "/v1/cards/none/block", 404, "card_id", body={"reason": "x"})
    refused(server, "DELETE", "/v1/keys/none", 404, "key_id")
    refused(server, "PATCH", "/v1/users/none", 404, "name", body={})
    refused(server, "GET", "/v1/nothing/here", 404, "path")


def test_a_payment_with_a_blocked_card_is_a_conflict_but_a_repeat_is_answered(
    server: Server, api: httpx2.Client
) -> None:
    number = "4532015112830366"
    customer = new_customer(api, number)
    event_id = uuid.uuid4().hex
    earlier = {
        "customer": customer,
        "card_number": number,
        "event_id": event_id,
        "transaction": {"transaction_amt": "5"},
    }
    decision = api.post("/v1/transactions", json=earlier).json()
    card_id = api.get(f"/v1/customers/{customer}").json()["cards"][0]["card_id"]
    blocked = api.post(f"/v1/cards/{card_id}/block", json={"reason": "lost"})
    assert blocked.json() == {"changed": True, "state": "blocked"}
    assert api.post(f"/v1/cards/{card_id}/block", json={"reason": "lost"}).json() == {
        "changed": False,
        "state": "blocked",
    }

    error = refused(
        server, "POST", "/v1/transactions", 409, "card_number", body=earlier | {"event_id": "new"}
    )

    assert "ending in 0366 is blocked" in error["message"]
    again = api.post("/v1/transactions", json=earlier)
    assert again.json() == decision | {"repeated": True}


def test_another_method_is_405_and_says_which_are_served(api: httpx2.Client) -> None:
    for method, path, allowed in (
        ("DELETE", "/v1/customers", "GET, HEAD, POST"),
        ("GET", "/v1/transactions", "POST"),
        ("PUT", "/v1/event-types/card_payment/decisions", "POST"),
        ("TRACE", "/v1/me", "GET, HEAD"),
    ):
        reply = api.request(method, path)
        assert reply.status_code == 405
        assert reply.headers["allow"] == allowed
        assert reply.json()["error"]["message"]


def test_head_is_answered_like_get_without_a_body(api: httpx2.Client) -> None:
    for path in ("/v1/me", "/v1/customers", "/openapi.json", "/healthz"):
        reply = api.head(path)
        assert reply.status_code == 200
        assert reply.content == b""


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["transaction_amt", "currency", "cvv", "merchant_name", "ip_address", "card_bin"]
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    variables=st.dictionaries(NAMES | st.text(max_size=12), VALUES, max_size=4),
    customer=st.just(CUSTOMER) | VALUES,
    more=st.dictionaries(st.sampled_from(["card_number", "event_id", "explain", "x"]), VALUES),
)
def test_whatever_is_sent_gets_a_decision_or_an_error_that_names_a_field(
    variables: dict[str, Any], customer: Any, more: dict[str, Any], api: httpx2.Client
) -> None:
    sent = {"customer": customer, "transaction": variables, **more}

    reply = api.post("/v1/transactions", content=json.dumps(sent).encode())

    assert reply.status_code in (200, 400, 404, 409, 413, 422), reply.text
    if reply.status_code != 200:
        assert reply.json()["error"]["field"]


def test_an_unexpected_error_says_nothing_to_the_caller_and_all_to_the_log(
    tmp_path: Path,
) -> None:
    prepare(tmp_path / "data")
    # Before the start, for a server loads what decides then, and asks for it no more.
    with sqlite3.connect(tmp_path / "data" / "ringfence.db") as connection:
        connection.execute("DROP TABLE lists")
    with running(tmp_path / "data") as server, server.client() as client:
        for method, path, body in (
            ("GET", "/v1/lists", None),
            ("POST", "/v1/transactions", example_transaction()),
        ):
            reply = client.request(method, path, json=body)
            assert reply.status_code == 500
            assert reply.headers["content-type"] == "application/json"
            assert reply.json() == {"error": {"message": "an unexpected error; it is in the log"}}
        assert client.get("/v1/me").status_code == 200
    log = server.log.read_text()
    failed = [line for line in log.splitlines() if '"event": "request failed"' in line]
    assert ["(sqlite3.OperationalError) no such table: lists" in each for each in failed] == [
        True
    ] * 2
    assert "Unexpected ASGI message" not in log
