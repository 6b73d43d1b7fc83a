"""Our copy of a customer of the table: read whole, and brought in line with what was read there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
import structlog
from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from ringfence.cards import tables
from ringfence.cards.customers import MIRRORED, store_details
from ringfence.cards.details import CustomerDetails
from ringfence.cards.dynamodb.items import Attributes, TableItem, is_blocked, kept
from ringfence.cards.dynamodb.merging import Base, LocalCard, LocalCopy, Merged
from ringfence.cards.finding import cards_of, get_customer, take_in
from ringfence.cards.records import CardState
from ringfence.cards.states import force
from ringfence.cards.vault import Vault
from ringfence.cards.writes import note_write, pending_write
from ringfence.errors import Conflict, InvalidInput, NotFound

BY = "dynamodb"
_cards = tables.cards
_items = tables.customer_items
_log = structlog.get_logger(__name__)


def local_copy(connection: Connection, customer_id: str) -> LocalCopy:
    """A customer with the cards, and what was last seen of them in the table."""
    try:
        customer = get_customer(connection, customer_id)
    except NotFound:
        return LocalCopy(customer_id=customer_id, customer=None, cards={}, write=None)
    rows = connection.execute(
        select(_cards.c.number_hash, _cards.c.card_id.label("of_card"), _items)
        .outerjoin(_items, _items.c.card_id == _cards.c.card_id)
        .where(_cards.c.customer_id == customer_id)
    )
    found = {}
    for row in rows:
        base = None
        if row.version is not None:
            base = Base(
                sort_key=row.sort_key,
                attributes=row.attributes,
                gone=row.gone,
                version=row.version,
                as_of=row.as_of,
            )
        found[row.of_card] = row.number_hash, base
    cards = {}
    for card in cards_of(connection, customer_id):
        number_hash, base = found[card.card_id]
        cards[number_hash] = LocalCard(card=card, number_hash=number_hash, base=base)
    return LocalCopy(
        customer_id=customer_id,
        customer=customer,
        cards=cards,
        write=pending_write(connection, customer_id),
    )


def take_over(
    connection: Connection,
    vault: Vault,
    local: LocalCopy,
    merged: Merged,
    at: datetime,
    language: str,
) -> None:
    """Do here what `merged` says; `at` is when the items were read, `language` that of a new
    customer.

    Raises `InvalidInput` naming the attribute when the items do not make a customer, or one that
    cannot be stored.
    """
    if local.customer is None or merged.details:
        _store(connection, local, merged, at, language)
    for card_id in merged.block:
        _block(connection, card_id, at)
    for card_id in merged.release:
        force(
            connection,
            card_id,
            CardState.ACTIVE,
            by=BY,
            reason="released in the customer table",
            case_id=None,
            at=at,
        )
    for card_id, item in merged.seen:
        note_base(connection, local.customer_id, card_id, item.sort_key, item.attributes, at)
    for item in merged.new:
        _take_card(connection, vault, item, at)
    for card_id in merged.gone:
        _log.warning(
            "a card was deleted in the customer table; it stays here",
            customer=local.customer_id,
            card=card_id,
        )
        connection.execute(
            _items.update()
            .where(_items.c.card_id == card_id)
            .values(gone=True, version=_items.c.version + 1, as_of=at)
        )
    for name in merged.overruled:
        _log.warning(
            "an edit was overruled by one in the customer table",
            customer=local.customer_id,
            attribute=name,
        )
    if merged.write:
        note_write(connection, local.customer_id, urgent=True, at=at)


def note_base(
    connection: Connection,
    customer_id: str,
    card_id: str,
    sort_key: str,
    attributes: Attributes,
    at: datetime,
) -> None:
    """Note what the item of a card holds, as of `at`."""
    make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    told = {"sort_key": sort_key, "attributes": kept(attributes), "gone": False, "as_of": at}
    connection.execute(
        make(_items)
        .values(card_id=card_id, customer_id=customer_id, version=1, **told)
        .on_conflict_do_update(
            index_elements=["card_id"], set_={**told, "version": _items.c.version + 1}
        )
    )


def one_of_each(items: Sequence[TableItem]) -> list[TableItem]:
    """The items, one of each card: a card may be there twice, by number and by token. The one that
    says it is blocked is believed."""
    chosen: dict[bytes, TableItem] = {}
    for item in items:
        before = chosen.setdefault(item.number_hash, item)
        number = item.number or before.number
        if is_blocked(item.attributes) and not is_blocked(before.attributes):
            before = item
        chosen[item.number_hash] = msgspec.structs.replace(before, number=number)
    return list(chosen.values())


def _store(
    connection: Connection, local: LocalCopy, merged: Merged, at: datetime, language: str
) -> None:
    have = {name: getattr(local.customer, name) for name in MIRRORED} if local.customer else {}
    details = {**have, **merged.details}
    for name in ("last_name", "phone_number"):
        if not details.get(name):
            raise InvalidInput(
                "missing or not usable in the customer table", field=name, expected=_EXPECTED[name]
            )
    store_details(
        connection,
        CustomerDetails(customer_id=local.customer_id, **details),
        by=BY,
        at=at,
        language=language,
    )


_EXPECTED = {
    "last_name": "a name of 1 to 128 printable characters",
    "phone_number": "a number with its country code such as +14155552671",
}


def _take_card(connection: Connection, vault: Vault, item: TableItem, at: datetime) -> None:
    if item.number is None:  # known by its token only; it comes with a payment that names it
        return
    try:
        taken = take_in(connection, vault, item.customer_id, item.number, by=BY, at=at)
    except Conflict as error:
        _log.warning(
            "a card of the customer table was not taken over",
            customer=item.customer_id,
            reason=str(error),
        )
        return
    card_id = taken.card.card_id
    note_base(connection, item.customer_id, card_id, item.sort_key, item.attributes, at)
    if is_blocked(item.attributes):
        _block(connection, card_id, at)


def _block(connection: Connection, card_id: str, at: datetime) -> None:
    force(
        connection,
        card_id,
        CardState.BLOCKED,
        by=BY,
        reason="blocked in the customer table",
        case_id=None,
        at=at,
    )
