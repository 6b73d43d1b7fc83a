"""What waits to be written to the table: noted with the change, one note for a customer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from ringfence import cards
from ringfence.cards.dynamodb.copying import local_copy, note_base
from ringfence.cards.writes import (
    PendingWrite,
    note_write,
    pending_write,
    postpone_write,
    settle_write,
    writes_due,
)
from ringfence.storage import Database

_AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
_NUMBER = "4111111111111111"


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, new_database: Callable[[str], Database]) -> Database:
    """A database with a customer, mastered in a table."""
    opened = new_database(request.param)
    details = cards.CustomerDetails(
        customer_id="c1", phone_number="+14155552671", last_name="Winter"
    )
    with opened.write() as connection:
        cards.put_customer(connection, details, by="test", at=_AT)
        cards.master_in(connection, "customers", _AT)
    return opened


def waiting(database: Database) -> PendingWrite | None:
    with database.read() as connection:
        return pending_write(connection, "c1")


def test_changes_of_a_customer_add_up_to_one_note(store: Database) -> None:
    later = _AT + timedelta(seconds=5)
    with store.write() as connection:
        for name, at in (("Summer", _AT), ("Spring", later)):
            changes = cards.CustomerChanges(last_name=name)
            cards.update_customer(connection, "c1", changes, by="test", at=at)
        cards.update_customer(
            connection, "c1", cards.CustomerChanges(language="de"), by="test", at=later
        )
        vault = cards.Vault(bytes(32))
        card = cards.add_card(connection, vault, "c1", _NUMBER, by="test", at=later).card
        cards.block(connection, card.card_id, by="test", reason="stolen", at=later)
        cards.block(connection, card.card_id, by="test", reason="stolen", at=later)

    write = waiting(store)

    assert write is not None
    assert (write.revision, write.urgent, write.noted_at) == (5, True, _AT)
    assert set(write.edits) == {"last_name"}
    assert write.edits["last_name"].was == ("Winter", "Summer")
    assert write.edits["last_name"].at == later


def test_a_change_that_is_rolled_back_is_not_noted(store: Database) -> None:
    def change_and_fail() -> None:
        with store.write() as connection:
            changes = cards.CustomerChanges(last_name="Summer")
            cards.update_customer(connection, "c1", changes, by="test", at=_AT)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_and_fail()
    assert waiting(store) is None


def test_a_note_is_settled_only_as_it_was_when_it_was_written(store: Database) -> None:
    with store.write() as connection:
        note_write(connection, "c1", at=_AT)
    with store.write() as connection:
        note_write(connection, "c1", at=_AT)
        assert settle_write(connection, "c1", 1) is False
        assert settle_write(connection, "c1", 2) is True
    assert waiting(store) is None


def test_a_postponed_note_waits_unless_it_becomes_urgent(store: Database) -> None:
    until = _AT + timedelta(minutes=1)
    with store.write() as connection:
        note_write(connection, "c1", at=_AT)
        postpone_write(connection, "c1", until=until, failure="throttled " * 100)
        note_write(connection, "c1", at=_AT)
        assert list(writes_due(connection, _AT, 9)) == []
        assert list(writes_due(connection, until, 9)) == ["c1"]
        assert str(cards.writes_waiting(connection).failure).startswith("throttled")
        note_write(connection, "c1", urgent=True, at=_AT)
        assert list(writes_due(connection, _AT, 9)) == ["c1"]


def test_changes_at_the_same_time_are_all_noted(store: Database) -> None:
    def change(name: str) -> None:
        with store.write() as connection:
            note_write(connection, "c1", edits={name: "before"}, at=_AT)

    names = [f"attribute_{number}" for number in range(12)]
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(change, names))

    write = waiting(store)
    assert write is not None
    assert (write.revision, sorted(write.edits)) == (12, sorted(names))


def test_what_an_item_holds_is_noted_again_and_again(store: Database) -> None:
    with store.write() as connection:
        added = cards.add_card(connection, cards.Vault(bytes(32)), "c1", _NUMBER, by="test", at=_AT)
        for blocked in (False, True):
            attributes = {"is_blocked": {"BOOL": blocked}}
            note_base(connection, "c1", added.card.card_id, "token", attributes, _AT)
        (card,) = local_copy(connection, "c1").cards.values()

    assert card.base is not None
    assert (card.base.version, card.base.attributes) == (2, {"is_blocked": {"BOOL": True}})


def test_where_customers_are_mastered_here_nothing_is_noted(database: Database) -> None:
    details = cards.CustomerDetails(
        customer_id="c1", phone_number="+14155552671", last_name="Winter"
    )
    with database.write() as connection:
        cards.put_customer(connection, details, by="test", at=_AT)
    assert waiting(database) is None
