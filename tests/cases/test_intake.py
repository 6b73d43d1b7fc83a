"""The article's event: whose card it is about."""

from __future__ import annotations

import pytest
from banks import CARD_NUMBER, CUSTOMER, set_up

from ringfence import cards
from ringfence.cases import find_card
from ringfence.errors import Conflict, NotFound
from ringfence.events import Entity
from ringfence.storage import Database, now

VAULT = cards.Vault(bytes(32))


def test_the_number_finds_the_card_without_remark(database: Database) -> None:
    card_id = set_up(database)
    with database.read() as connection:
        found = find_card(connection, VAULT, CUSTOMER, CARD_NUMBER, fresh=True)
    assert found.entities == (Entity("customer", CUSTOMER), Entity("card", card_id))
    assert found.note is None


@pytest.mark.parametrize(
    ("number", "why"), [(None, "no card number was sent"), ("912387564224", "is not stored")]
)
def test_an_only_card_is_taken_for_a_number_that_is_missing_or_unknown_and_said_so(
    database: Database, number: str | None, why: str
) -> None:
    card_id = set_up(database)
    with database.read() as connection:
        found = find_card(connection, VAULT, CUSTOMER, number, fresh=True)
    assert Entity("card", card_id) in found.entities
    assert found.note is not None
    assert why in found.note
    assert "912387564224" not in found.note


def test_of_several_cards_none_is_guessed(database: Database) -> None:
    set_up(database)
    with database.write() as connection:
        cards.add_card(connection, VAULT, CUSTOMER, "5399411802536781", by="test", at=now())
    with database.read() as connection, pytest.raises((Conflict, NotFound)) as refused:
        find_card(connection, VAULT, CUSTOMER, "912387564224", fresh=True)
    assert refused.value.field == "card_number"


def test_an_unknown_customer_is_not_found(database: Database) -> None:
    set_up(database)
    with database.read() as connection, pytest.raises(NotFound) as refused:
        find_card(connection, VAULT, "nobody", None, fresh=True)
    assert refused.value.field == "customer"


def test_a_blocked_card_pays_nothing_new_but_a_repeat_gets_its_answer(database: Database) -> None:
    card_id = set_up(database)
    with database.write() as connection:
        cards.block(connection, card_id, by="test", reason="lost", at=now())
    with database.read() as connection:
        with pytest.raises(Conflict) as refused:
            find_card(connection, VAULT, CUSTOMER, CARD_NUMBER, fresh=True)
        assert refused.value.field == "card_number"
        again = find_card(connection, VAULT, CUSTOMER, CARD_NUMBER, fresh=False)
    assert Entity("card", card_id) in again.entities
