"""Customers and their cards: stored, changed, found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection

from ringfence import cards
from ringfence.cards import CardState, CustomerChanges, CustomerDetails, StoreResult, Vault
from ringfence.errors import Conflict, InvalidInput, NotFound, RingfenceError
from ringfence.storage import Database

_AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
_LATER = _AT + timedelta(days=1)
_VAULT = Vault(bytes(32))
_EXAMPLE = {
    "customer_id": {"S": "u82-1alz-RI301"},
    "card_number": {"S": "2442230821108788"},
    "is_blocked": {"BOOL": False},
    "last_name": {"S": "YOUR_LAST_NAME"},
    "first_name": {"S": "YOUR_FIRST_NAME"},
    "phone_number": {"S": "+123456789"},
    "salutation": {"S": "Mrs"},
}


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with database.write() as opened:
        yield opened


def _details(**changes: str) -> CustomerDetails:
    told = {"customer_id": "c1", "phone_number": "+4930123456", "last_name": "Winter", **changes}
    return CustomerDetails(**told)


def _put(connection: Connection, **changes: str) -> cards.StoredCustomer:
    return cards.put_customer(connection, _details(**changes), by="test", at=_AT)


def _add(connection: Connection, number: str, customer_id: str = "c1") -> cards.AddedCard:
    return cards.add_card(connection, _VAULT, customer_id, number, by="test", at=_AT)


def _store(connection: Connection, document: object, at: datetime = _AT) -> list:
    documents = cards.read_customers(json.dumps(document))
    return cards.store_customers(connection, _VAULT, documents, "test", at)


def test_the_articles_example_is_stored_unchanged_with_remarks_on_what_is_odd(
    connection: Connection,
) -> None:
    (stored,) = _store(connection, _EXAMPLE)
    assert stored.result is StoreResult.CREATED
    assert len(stored.remarks) == 3
    assert "+123456789" in stored.remarks[0]
    assert "UTC" in stored.remarks[1]
    assert "8788" in stored.remarks[2]
    customer = cards.get_customer(connection, "u82-1alz-RI301")
    (card,) = cards.cards_of(connection, "u82-1alz-RI301")
    assert (customer.time_zone, customer.language) == ("UTC", "en-US")
    assert cards.article_view(customer, card) == {
        **{name: next(iter(value.values())) for name, value in _EXAMPLE.items()},
        "card_number": "************8788",
    }


def test_storing_the_same_again_changes_nothing_and_something_else_does(
    connection: Connection,
) -> None:
    _store(connection, _EXAMPLE)
    (again,) = _store(connection, _EXAMPLE, _LATER)
    assert again.result is StoreResult.UNCHANGED
    assert cards.get_customer(connection, "u82-1alz-RI301").updated_at == _AT
    (renamed,) = _store(connection, {**_EXAMPLE, "last_name": {"S": "Winter"}}, _LATER)
    assert renamed.result is StoreResult.UPDATED
    (second_card,) = _store(connection, {**_EXAMPLE, "card_number": "4111111111111111"}, _LATER)
    assert second_card.result is StoreResult.UPDATED
    assert [c.last4 for c in cards.cards_of(connection, "u82-1alz-RI301")] == ["8788", "1111"]


def test_a_document_can_block_a_card_and_never_releases_one(connection: Connection) -> None:
    _store(connection, _EXAMPLE)
    (blocked,) = _store(connection, {**_EXAMPLE, "is_blocked": {"BOOL": True}})
    assert blocked.result is StoreResult.UPDATED
    (kept,) = _store(connection, _EXAMPLE)
    assert kept.result is StoreResult.UNCHANGED
    assert any("stays so" in remark for remark in kept.remarks)
    (card,) = cards.cards_of(connection, "u82-1alz-RI301")
    assert card.state is CardState.BLOCKED
    assert cards.article_view(cards.get_customer(connection, card.customer_id), card)["is_blocked"]


def test_a_held_card_is_not_blocked_in_the_articles_view(connection: Connection) -> None:
    _store(connection, _EXAMPLE)
    (card,) = cards.cards_of(connection, "u82-1alz-RI301")
    cards.hold(
        connection,
        card.card_id,
        "case_a",
        by="x",
        reason="x",
        case_id="case_a",
        at=_AT,
        expires_at=_LATER,
    )
    customer = cards.get_customer(connection, card.customer_id)
    held = cards.get_card(connection, card.card_id)
    assert held.state is CardState.HELD
    assert cards.article_view(customer, held)["is_blocked"] is False


def test_of_a_document_that_does_not_fit_nothing_is_stored(connection: Connection) -> None:
    _put(connection, customer_id="owner")
    _add(connection, "4111111111111111", "owner")
    with pytest.raises(Conflict) as refused:
        _store(
            connection,
            [
                {"customer_id": "n1", "phone_number": "+4930123456", "last_name": "A"},
                {
                    "customer_id": "n2",
                    "phone_number": "+4930123456",
                    "last_name": "B",
                    "card_number": "4111111111111111",
                },
            ],
        )
    assert refused.value.field == "customers[1].card_number"
    assert "4111111111111111" not in str(refused.value)
    assert [c.customer_id for c in cards.list_customers(connection)] == ["owner"]


def test_a_new_phone_number_brings_its_time_zone_and_is_not_verified(
    connection: Connection,
) -> None:
    _put(connection)
    cards.update_customer(connection, "c1", CustomerChanges(phone_verified=True), by="x", at=_AT)
    before = cards.get_customer(connection, "c1")
    assert (before.time_zone, before.phone_verified_at) == ("Europe/Berlin", _AT)
    changed = cards.update_customer(
        connection, "c1", CustomerChanges(phone_number="+1 212 555 0123"), by="y", at=_LATER
    )
    after = cards.get_customer(connection, "c1")
    assert changed.result is StoreResult.UPDATED
    assert (after.phone_number, after.time_zone) == ("+12125550123", "America/New_York")
    assert (after.phone_verified_at, after.phone_changed_at) == (None, _LATER)
    assert (after.updated_by, after.created_at) == ("y", _AT)


def test_a_time_zone_that_was_set_outlives_a_document_that_does_not_tell_one(
    connection: Connection,
) -> None:
    _put(connection, time_zone="Asia/Tokyo", language="de-de")
    assert _put(connection).result is StoreResult.UNCHANGED
    customer = cards.get_customer(connection, "c1")
    assert (customer.time_zone, customer.language) == ("Asia/Tokyo", "de-DE")
    _put(connection, phone_number="+12125550123")
    assert cards.get_customer(connection, "c1").time_zone == "America/New_York"


def test_the_language_that_is_given_is_that_of_new_customers_of_whom_none_is_told(
    connection: Connection,
) -> None:
    _put(connection, customer_id="known", language="fr-CH")
    told = [
        {"customer_id": each, "last_name": "W", "phone_number": "+4930123456", **language}
        for each, language in (("new", {}), ("known", {}), ("told", {"language": "it"}))
    ]
    documents = cards.read_customers(json.dumps(told))
    cards.store_customers(connection, _VAULT, documents, "test", _LATER, language="de-de")
    found = [cards.get_customer(connection, each["customer_id"]).language for each in told]
    assert found == ["de-DE", "fr-CH", "it"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        (CustomerChanges(phone_number="12"), "phone_number"),
        (CustomerChanges(last_name=""), "last_name"),
        (CustomerChanges(time_zone="Mars"), "time_zone"),
        (CustomerChanges(language="x"), "language"),
    ],
)
def test_a_change_that_does_not_fit_is_refused_by_field(
    connection: Connection, changes: CustomerChanges, field: str
) -> None:
    _put(connection)
    with pytest.raises(InvalidInput) as refused:
        cards.update_customer(connection, "c1", changes, by="x", at=_LATER)
    assert refused.value.field == field
    assert cards.get_customer(connection, "c1").updated_at == _AT


def test_a_number_finds_its_card_among_several(connection: Connection) -> None:
    _put(connection)
    first, second = _add(connection, "4111111111111111"), _add(connection, "5500005555555559")
    match = cards.matching(connection, _VAULT, "c1", "5500 0055 5555 5559")
    assert (match.matched, match.card.card_id) == (True, second.card.card_id)
    assert cards.matching(connection, _VAULT, "c1", "4111111111111111").card == first.card


@pytest.mark.parametrize("number", ["912387564224", None])
def test_any_other_number_means_the_only_card_and_says_so(
    connection: Connection, number: str | None
) -> None:
    _put(connection)
    added = _add(connection, "4111111111111111")
    match = cards.matching(connection, _VAULT, "c1", number)
    assert (match.matched, match.card) == (False, added.card)


def test_a_match_that_would_be_a_guess_or_is_impossible_is_refused_by_field(
    connection: Connection,
) -> None:
    _put(connection)
    expected: list[tuple[type[RingfenceError], str, str | None, str]] = [
        (NotFound, "nobody", "912387564224", "customer"),
        (NotFound, "nobody", None, "customer"),
        (NotFound, "c1", "912387564224", "card_number"),
        (InvalidInput, "c1", "not a number", "card_number"),
        (InvalidInput, "c1", "", "card_number"),
    ]
    for family, customer_id, number, field in expected:
        with pytest.raises(family) as refused:
            cards.matching(connection, _VAULT, customer_id, number)
        assert refused.value.field == field
    _add(connection, "4111111111111111")
    _add(connection, "5500005555555559")
    for number in ("912387564224", None):
        with pytest.raises(Conflict, match="would be a guess") as guess:
            cards.matching(connection, _VAULT, "c1", number)
        assert guess.value.field == "card_number"


def test_a_card_is_taken_in_once_and_is_one_customers(connection: Connection) -> None:
    _put(connection)
    _put(connection, customer_id="c2")
    first, again = _add(connection, "4111111111111111"), _add(connection, "4111 1111 1111 1111")
    assert (first.added, again.added) == (True, False)
    assert again.card == first.card
    assert first.remarks == ()
    assert "check digit" in _add(connection, "4111111111111112").remarks[0]
    with pytest.raises(Conflict) as refused:
        _add(connection, "4111111111111111", "c2")
    assert refused.value.field == "card_number"
    with pytest.raises(NotFound) as missing:
        _add(connection, "4111111111111111", "nobody")
    assert missing.value.field == "customer"


def test_customers_are_found_by_id_name_phone_number_and_last_four_digits(
    connection: Connection,
) -> None:
    _put(connection, customer_id="a1", last_name="Winter", first_name="Ada")
    _put(connection, customer_id="a2", last_name="Sommer", phone_number="+12125550123")
    _put(connection, customer_id="b_3", last_name="100%")
    _add(connection, "4111111111111111", "a2")

    def found(search: str) -> list[str]:
        return [customer.customer_id for customer in cards.list_customers(connection, search)]

    assert found("") == ["a1", "a2", "b_3"]
    assert found("WINT") == found("ada winter") == ["a1"]
    assert found("212555") == found("1111") == ["a2"]
    assert found("_") == found("%") == ["b_3"]
    assert found("ada sommer") == []


def test_customers_are_listed_page_by_page(connection: Connection) -> None:
    for number in range(5):
        _put(connection, customer_id=f"c{number}")
    pages, after = [], None
    while page := cards.list_customers(connection, limit=2, after=after):
        pages.append([customer.customer_id for customer in page])
        after = page[-1].customer_id
    assert pages == [["c0", "c1"], ["c2", "c3"], ["c4"]]
    with pytest.raises(InvalidInput) as refused:
        cards.list_customers(connection, limit=0)
    assert refused.value.field == "limit"
