"""Finding customers and cards, and taking cards in."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, exists, func, insert, or_, select
from sqlalchemy.exc import IntegrityError

from ringfence.cards import tables
from ringfence.cards.numbers import CardNumber, read_card_number
from ringfence.cards.records import Card, CardAction, CardState, Customer, Match
from ringfence.cards.states import write_history
from ringfence.cards.vault import Vault, check_vault, require_key
from ringfence.cards.writes import note_write
from ringfence.errors import Conflict, InvalidInput, NotFound

_customers = tables.customers
_cards = tables.cards
# Everything but the number, sealed or hashed.
_SHOWN = tuple(_cards.c[name] for name in Card.__struct_fields__)
_MOST_LISTED = 500
# Asked with every transaction or call, so they are built once.
_CUSTOMER = select(_customers).where(_customers.c.customer_id == bindparam("of_customer"))
_CARD = select(*_SHOWN).where(_cards.c.card_id == bindparam("of_card"))
_CARDS = (
    select(*_SHOWN)
    .where(_cards.c.customer_id == bindparam("of_customer"))
    .order_by(_cards.c.added_at, _cards.c.card_id)
)
_NUMBERED_CARDS = select(*_SHOWN, _cards.c.number_hash, _cards.c.key_id).where(
    _cards.c.customer_id == bindparam("of_customer")
)


class AddedCard(msgspec.Struct, frozen=True):
    """A card that was taken in; `added` is false when the customer had it already.

    `remarks` say what is odd about its number.
    """

    card: Card
    added: bool
    remarks: tuple[str, ...] = ()


def get_customer(connection: Connection, customer_id: str) -> Customer:
    """The customer of that id. Raises `NotFound` naming `customer`."""
    row = connection.execute(_CUSTOMER, {"of_customer": customer_id}).first()
    if row is None:
        raise NotFound("there is no such customer", field="customer", expected="a stored customer")
    return _customer(row)


def list_customers(
    connection: Connection, search: str = "", limit: int = 50, after: str | None = None
) -> Sequence[Customer]:
    """Customers by id, at most `limit` (1 to 500) of those that come after the id `after`.

    `search` is part of an id, a name or a phone number, or the last four digits of a card; upper
    and lower case are the same.
    """
    if not 1 <= limit <= _MOST_LISTED:
        raise InvalidInput("out of range", field="limit", expected=f"1 to {_MOST_LISTED}")
    query = select(_customers).order_by(_customers.c.customer_id).limit(limit)
    if after is not None:
        query = query.where(_customers.c.customer_id > after)
    for word in search.split():
        query = query.where(_holds_word(word))
    return [_customer(row) for row in connection.execute(query)]


def customers_with_number(connection: Connection, phone_number: str) -> list[Customer]:
    """The customers whom a number (E.164) rings, by id."""
    query = select(_customers).where(_customers.c.phone_number == phone_number)
    return [_customer(row) for row in connection.execute(query.order_by(_customers.c.customer_id))]


def get_card(connection: Connection, card_id: str) -> Card:
    """The card of that id. Raises `NotFound` naming `card_id`."""
    row = connection.execute(_CARD, {"of_card": card_id}).first()
    if row is None:
        raise NotFound(f"there is no card {card_id!r}", field="card_id")
    return _card(row)


def cards_of(connection: Connection, customer_id: str) -> Sequence[Card]:
    """The cards of a customer, in the order in which they came; none of an unknown customer."""
    rows = connection.execute(_CARDS, {"of_customer": customer_id})
    return [_card(row) for row in rows]


def counts_of_cards(connection: Connection) -> dict[str, int]:
    """How many cards are in each state, by the state's value; zeros are told too."""
    counted = connection.execute(
        select(_cards.c.state, func.count().label("cards")).group_by(_cards.c.state)
    )
    return dict.fromkeys(map(str, CardState), 0) | {row.state: row.cards for row in counted}


def matching(
    connection: Connection, vault: Vault, customer_id: str, card_number: str | None
) -> Match:
    """The customer's card of that number; otherwise their card, when they have exactly one.

    Raises `InvalidInput` naming `card_number` for what is not a card number, `NotFound` naming
    `customer` or, when they have no card, `card_number`, `Conflict` naming `card_number` when the
    number fits none of several cards, or none was given.
    """
    hashed = None
    if card_number is not None:
        hashed = vault.hash_of(read_card_number(card_number))
    rows = connection.execute(_NUMBERED_CARDS, {"of_customer": customer_id}).all()
    if not rows:
        get_customer(connection, customer_id)
        raise NotFound("the customer has no card", field="card_number", expected="a stored card")
    for row in rows:
        require_key(vault, row.key_id)
        if row.number_hash == hashed:
            return Match(_card(row), matched=True)
    if len(rows) > 1:
        which = "taking one" if hashed is None else "the number is of none of them; taking one"
        raise Conflict(
            f"the customer has {len(rows)} cards; {which} would be a guess",
            field="card_number",
            expected="the number of one of the customer's cards",
        )
    return Match(_card(rows[0]), matched=False)


def add_card(
    connection: Connection,
    vault: Vault,
    customer_id: str,
    card_number: str,
    *,
    by: str,
    at: datetime,
) -> AddedCard:
    """Take in a card of a customer; one that they have already stays as it is.

    Raises `InvalidInput` naming `card_number`, `NotFound` naming `customer`, `Conflict` naming
    `card_number` when the card is another customer's.
    """
    number = read_card_number(card_number)
    taken = take_in(connection, vault, customer_id, number, by=by, at=at)
    if taken.added:
        note_write(connection, customer_id, at=at)
    return taken


def take_in(
    connection: Connection,
    vault: Vault,
    customer_id: str,
    number: CardNumber,
    *,
    by: str,
    at: datetime,
    field: str = "card_number",
) -> AddedCard:
    """Like `add_card`, for a number that has been read, and noting nothing for the table in which
    customers are mastered."""
    check_vault(connection, vault)
    # Locked, so that the same card cannot be added twice at the same time.
    locked = connection.execute(
        select(_customers.c.customer_id)
        .where(_customers.c.customer_id == customer_id)
        .with_for_update()
    ).first()
    if locked is None:
        raise NotFound("there is no such customer", field="customer", expected="a stored customer")
    remarks = () if number.luhn_valid else (_odd_check_digit(number),)
    hashed = vault.hash_of(number)
    row = connection.execute(select(*_SHOWN).where(_cards.c.number_hash == hashed)).first()
    if row is not None:
        if row.customer_id != customer_id:
            raise _another_customers(number, field)
        return AddedCard(_card(row), False, remarks)
    card_id = f"card_{secrets.token_hex(12)}"
    try:
        with connection.begin_nested():
            connection.execute(
                insert(_cards).values(
                    card_id=card_id,
                    customer_id=customer_id,
                    number_hash=hashed,
                    sealed_number=vault.seal(card_id, number),
                    key_id=vault.key_id,
                    last4=number.last4,
                    bin=number.bin,
                    state=CardState.ACTIVE,
                    state_by=by[:128],
                    state_at=at,
                    state_reason="added",
                    added_by=by[:128],
                    added_at=at,
                )
            )
    except IntegrityError:  # another customer was given it at the same time
        raise _another_customers(number, field) from None
    write_history(connection, card_id, CardAction.ADDED, CardState.ACTIVE, by, "added", None, at)
    return AddedCard(get_card(connection, card_id), True, remarks)


def card_number(connection: Connection, vault: Vault, card_id: str) -> CardNumber:
    """The full number of a card, for whoever has to name the card to its issuer.

    Raises `NotFound`, and `Unavailable` when it was sealed with another key.
    """
    row = connection.execute(
        select(_cards.c.sealed_number, _cards.c.key_id).where(_cards.c.card_id == card_id)
    ).first()
    if row is None:
        raise NotFound(f"there is no card {card_id!r}", field="card_id")
    require_key(vault, row.key_id)
    return vault.open(card_id, row.sealed_number)


def _holds_word(word: str) -> Any:
    pattern = "%" + re.sub(r"([%_\\])", r"\\\1", word.lower()) + "%"
    found: list[Any] = [
        func.lower(column).like(pattern, escape="\\")
        for column in (
            _customers.c.customer_id,
            _customers.c.first_name,
            _customers.c.last_name,
            _customers.c.phone_number,
        )
    ]
    if re.fullmatch("[0-9]{4}", word):
        found.append(
            exists().where(_cards.c.customer_id == _customers.c.customer_id, _cards.c.last4 == word)
        )
    return or_(*found)


def _another_customers(number: CardNumber, field: str) -> Conflict:
    return Conflict(
        f"the card ending in {number.last4} is another customer's",
        field=field,
        expected="a card that no other customer has",
    )


def _odd_check_digit(number: CardNumber) -> str:
    return f"the check digit of the card ending in {number.last4} is wrong; it was taken as it is"


def _customer(row: Any) -> Customer:
    return msgspec.convert(row, Customer, from_attributes=True)


def _card(row: Any) -> Card:
    return msgspec.convert(row, Card, from_attributes=True)
