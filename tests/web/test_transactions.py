"""A payment over HTTP, up to the opened case."""

from __future__ import annotations

import uuid

import httpx2
from api_servers import Server, example_transaction, new_customer

ONE_CARD = "4539578763621486"
ANOTHER = "5555555555554444"


def test_the_articles_transaction_opens_a_case_on_the_customers_only_card(
    api: httpx2.Client,
) -> None:
    reply = api.post("/v1/transactions", json=example_transaction())

    assert reply.status_code == 200, reply.text
    decision = reply.json()
    assert decision["outcomes"] == ["call_cardholder"]
    assert [rule["rule_id"] for rule in decision["rules"]] == ["large"]
    assert decision["repeated"] is False
    assert "not stored for this customer" in decision["note"]
    assert "ending in 8788" in decision["note"]
    assert "912387564224" not in reply.text
    case = api.get(f"/v1/cases/{decision['case']['case_id']}").json()
    assert case["case"]["open"] is True
    assert case["case"]["attributes"]["CardNo"] == "8788"
    assert [entry["kind"] for entry in case["timeline"]][:2] == ["opened", "held"]
    card = api.get(f"/v1/cards/{case['case']['card_id']}").json()["card"]
    assert card["state"] == "held"
    by_reference = api.get(f"/v1/cases/{decision['case']['reference']}").json()
    # It goes on between the two readings, and what was there before stays.
    begun = len(case["timeline"])
    assert by_reference["timeline"][:begun] == case["timeline"]
    assert by_reference["case"] == case["case"]


def test_a_second_suspicion_joins_the_open_case(api: httpx2.Client) -> None:
    customer = new_customer(api, "4485275742308327")
    sent = example_transaction(customer=customer, card_number="4485275742308327")

    first = api.post("/v1/transactions", json=sent).json()
    second = api.post("/v1/transactions", json=sent).json()

    assert first["event_id"] != second["event_id"]
    assert first["case"] == second["case"]
    assert first["note"] is None
    assert second["note"].startswith("joined the open case")


def test_an_unknown_number_of_a_customer_with_two_cards_is_not_guessed(
    server: Server, api: httpx2.Client
) -> None:
    customer = new_customer(api, ONE_CARD, ANOTHER)
    before = server.rows()

    reply = api.post("/v1/transactions", json=example_transaction(customer=customer))

    assert reply.status_code == 409
    assert reply.json()["error"]["field"] == "card_number"
    assert "2 cards" in reply.json()["error"]["message"]
    assert server.rows() == before
    stored = example_transaction(customer=customer, card_number=ANOTHER)
    assert api.post("/v1/transactions", json=stored).status_code == 200


def test_a_repeated_event_gets_the_stored_decision(server: Server, api: httpx2.Client) -> None:
    event_id = uuid.uuid4().hex
    customer = new_customer(api, "4916338506082832")
    sent = example_transaction(customer=customer, event_id=event_id, card_number="4916338506082832")
    first = api.post("/v1/transactions", json=sent)
    before = server.rows()

    again = api.post("/v1/transactions", json=sent)

    assert again.status_code == 200
    assert again.json() == first.json() | {"repeated": True}
    assert server.rows() == before
    stored = api.get(f"/v1/event-types/card_payment/decisions/{event_id}").json()
    assert stored | {"reasons": {}} == first.json()


def test_the_same_event_id_with_other_content_is_a_conflict(
    server: Server, api: httpx2.Client
) -> None:
    other_customer = new_customer(api, "4024007134564842")
    sent = example_transaction(event_id=uuid.uuid4().hex)
    assert api.post("/v1/transactions", json=sent).status_code == 200
    before = server.rows()

    for other in (
        sent | {"transaction": sent["transaction"] | {"transaction_amt": "2.0"}},
        sent | {"transaction": {"transaction_amt": "4155.0"}},
        sent | {"customer": other_customer},
        sent | {"event_timestamp": "2026-03-01T12:00:00Z"},
    ):
        reply = api.post("/v1/transactions", json=other)
        assert reply.status_code == 409
        assert reply.json()["error"]["field"] == "event_id"

    assert server.rows() == before
