"""Items of the table: made, with numbers or tokens, and read whatever they hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from customer_sides import Ours
from moto_tables import ANOTHER, CUSTOMER, NUMBER, Elsewhere

from ringfence import cards
from ringfence.cards import CardState
from ringfence.cards.dynamodb import CardNumberForm, Pushed
from ringfence.errors import InvalidInput, NotFound


def test_a_new_customer_is_created_there_with_one_item_for_each_card(
    ours: Ours, elsewhere: Elsewhere
) -> None:
    ours.add()
    assert ours.push() == Pushed(1, 0)
    assert elsewhere.all() == []

    ours.add(NUMBER, ANOTHER, salutation="Ms")
    ours.block("1111")
    assert ours.push() == Pushed(1, 0)

    assert elsewhere.get() == {
        "customer_id": CUSTOMER,
        "card_number": NUMBER,
        "is_blocked": False,
        "last_name": "Rojas",
        "first_name": "",
        "phone_number": "+14155552671",
        "salutation": "Ms",
    }
    assert elsewhere.get(card_number=ANOTHER)["is_blocked"] is True


def test_creating_a_customer_who_is_there_already_overwrites_no_block(
    ours: Ours, elsewhere: Elsewhere
) -> None:
    elsewhere.put(is_blocked=True, last_name="Summer", email="m@example.com")
    ours.add(NUMBER)

    assert ours.push() == Pushed(1, 0)

    there = elsewhere.get()
    assert (there["is_blocked"], there["last_name"], there["email"]) == (
        True,
        "Rojas",
        "m@example.com",
    )
    assert there["salutation"] == ours.customer().salutation == "Mrs"
    assert ours.card().state is CardState.BLOCKED


def test_a_card_that_was_deleted_there_is_not_made_again(known: Ours, elsewhere: Elsewhere) -> None:
    elsewhere.delete()
    known.block()

    assert known.push() == Pushed(1, 0)
    assert elsewhere.all() == []
    assert known.card().state is CardState.BLOCKED

    elsewhere.put()
    known.read()
    known.push()
    assert elsewhere.get()["is_blocked"] is True


def test_card_numbers_can_be_tokens_and_are_found_by_the_number_alone(
    ours: Ours, elsewhere: Elsewhere, vault: cards.Vault
) -> None:
    ours.form = CardNumberForm.TOKEN
    ours.add(NUMBER)
    ours.push()
    token = vault.hash_of(cards.read_card_number(NUMBER)).hex()

    (there,) = elsewhere.all()
    assert there["card_number"] == token
    elsewhere.update(card_number=token, is_blocked=True)
    ours.read()
    assert ours.card().state is CardState.BLOCKED
    ours.release()
    ours.push()
    assert elsewhere.get(card_number=token)["is_blocked"] is False


def test_a_token_becomes_a_card_with_the_payment_that_names_its_number(
    ours: Ours, elsewhere: Elsewhere, vault: cards.Vault
) -> None:
    token = vault.hash_of(cards.read_card_number(NUMBER)).hex()
    elsewhere.put(card_number=token, is_blocked=True)

    ours.read(number=ANOTHER)
    with ours.database.read() as connection:
        assert cards.cards_of(connection, CUSTOMER) == []
    ours.read(number=NUMBER)

    assert ours.card().state is CardState.BLOCKED


def test_a_card_that_is_there_by_number_and_by_token_is_blocked_when_either_is(
    ours: Ours, elsewhere: Elsewhere, vault: cards.Vault
) -> None:
    token = vault.hash_of(cards.read_card_number(NUMBER)).hex()
    elsewhere.put()
    elsewhere.put(card_number=token, is_blocked=True)

    ours.read()
    ours.read()

    assert ours.card().state is CardState.BLOCKED


@pytest.mark.parametrize("phone_number", [None, "call me"])
def test_items_that_make_no_customer_are_refused_naming_the_attribute(
    phone_number: str | None, ours: Ours, elsewhere: Elsewhere
) -> None:
    elsewhere.put(phone_number=phone_number)

    with pytest.raises(InvalidInput) as refused:
        ours.read()

    assert refused.value.field == "phone_number"
    with pytest.raises(NotFound):
        ours.customer()


def test_what_cannot_be_used_of_an_item_leaves_ours_and_keeps_no_card_data(
    known: Ours, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    elsewhere.update(phone_number="call me", last_name=f"Card {NUMBER}", is_blocked=True)
    elsewhere.put(card_number="no card")
    known.read()
    files = list(tmp_path.iterdir())
    assert files
    assert not any(NUMBER.encode() in file.read_bytes() for file in files)
    known.edit(last_name="Winter")

    assert known.push() == Pushed(1, 0)

    assert known.customer().phone_number == "+14155552671"
    assert known.card().state is CardState.BLOCKED
    assert elsewhere.get()["last_name"] == "Winter"
    assert elsewhere.get()["phone_number"] == "call me"


def test_a_card_of_another_customer_is_not_taken_over(known: Ours, elsewhere: Elsewhere) -> None:
    elsewhere.put(customer_id="thief", last_name="Thief")

    known.read("thief")

    with known.database.read() as connection:
        assert cards.cards_of(connection, "thief") == []
        assert [card.last4 for card in cards.cards_of(connection, CUSTOMER)] == ["8788"]
