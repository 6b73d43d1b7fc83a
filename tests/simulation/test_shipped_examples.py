from __future__ import annotations

import json

import msgspec
import pytest

from ringfence.cards import read_customers
from ringfence.errors import NotFound
from ringfence.events import EventReader, EventType, SentEvent
from ringfence.examples import example_path, read_example
from ringfence.storage import now


def test_the_event_type_holds_and_names_what_a_call_says():
    event_type = msgspec.json.decode(read_example("event_type.json"), type=EventType)
    event_type.check()
    assert event_type.name == "card_payment"
    assert event_type.amount_variable == "transaction_amt"
    assert len(event_type.variables) == 19


@pytest.mark.parametrize("name", ["transaction.json", "ordinary-transaction.json"])
def test_the_transactions_are_events_of_the_customer(name: str):
    event_type = msgspec.json.decode(read_example("event_type.json"), type=EventType)
    sent = json.loads(read_example(name))
    assert all(isinstance(value, str) for value in sent["transaction"].values())
    event = EventReader(event_type).read(
        SentEvent(event_id="example", variables=sent["transaction"]), received_at=now()
    )
    assert isinstance(event.variables["transaction_amt"], float)
    assert sent["customer"] == json.loads(read_example("customer.json"))["customer_id"]


def test_both_writings_of_the_customer_are_the_same_customer():
    (plain,) = read_customers(read_example("customer.json"))
    (typed,) = read_customers(read_example("customer-dynamodb.json"))
    assert plain == typed


def test_an_example_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(NotFound, match=r"customer\.json"):
        read_example("../errors.py")
    assert example_path("customer.json").is_file()
