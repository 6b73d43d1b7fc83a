from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from payments import READER, RECEIVED_AT, sent
from sqlalchemy.exc import IntegrityError

from ringfence.errors import NotFound
from ringfence.events import Entity, label_event, stored_event
from ringfence.events.log import append_events
from ringfence.storage import Database

AT = datetime(2026, 11, 23, 22, 15, 0, 123456, tzinfo=UTC)


def store(database: Database, *event_ids: str) -> None:
    events = [
        READER.read(
            sent(event_id, at=AT, entities=(Entity("card", "k-1"),), amount="7.5", merchant="Café"),
            RECEIVED_AT,
        )
        for event_id in event_ids
    ]
    with database.write() as connection:
        append_events(connection, events, RECEIVED_AT)


def test_an_event_comes_back_as_it_was_read(database: Database) -> None:
    store(database, "e-1", "e-2")
    with database.read() as connection:
        event = stored_event(connection, "card_payment", "e-2")
    assert event.event_id == "e-2"
    assert event.at == AT
    assert event.received_at == RECEIVED_AT
    assert event.entities == (Entity("card", "k-1"),)
    assert event.variables["amount"] == 7.5
    assert event.variables["merchant"] == "Café"
    assert event.variables["phone"] is None
    assert (event.label, event.label_at, event.label_source) == (None, None, None)


def test_storing_no_event_stores_none(database: Database) -> None:
    store(database)
    with database.read() as connection, pytest.raises(NotFound):
        stored_event(connection, "card_payment", "e-1")


def test_an_event_id_is_stored_once(database: Database) -> None:
    store(database, "e-1")
    with pytest.raises(IntegrityError):
        store(database, "e-0", "e-1")
    with database.read() as connection, pytest.raises(NotFound):
        stored_event(connection, "card_payment", "e-0")


def test_a_label_says_who_knew_and_since_when_and_may_change(database: Database) -> None:
    store(database, "e-1", "e-2")
    with database.write() as connection:
        label_event(connection, "card_payment", "e-1", "legit", source="phone", at=AT)
        later = AT + timedelta(days=1)
        label_event(connection, "card_payment", "e-1", "fraud", source="analyst", at=later)
        event = stored_event(connection, "card_payment", "e-1")
        other = stored_event(connection, "card_payment", "e-2")
    assert (event.label, event.label_at, event.label_source) == ("fraud", later, "analyst")
    assert other.label is None


@pytest.mark.parametrize(("event_type", "event_id"), [("card_payment", "e-9"), ("login", "e-1")])
def test_an_event_that_is_not_there_is_not_found(
    database: Database, event_type: str, event_id: str
) -> None:
    store(database, "e-1")
    with database.write() as connection:
        with pytest.raises(NotFound) as refused:
            stored_event(connection, event_type, event_id)
        assert refused.value.field == "event_id"
        with pytest.raises(NotFound):
            label_event(connection, event_type, event_id, "fraud", source="phone")
