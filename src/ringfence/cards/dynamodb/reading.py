"""Reading a customer's items, and bringing our copy in line with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import structlog

from ringfence.cards.dynamodb.copying import local_copy, one_of_each, take_over
from ringfence.cards.dynamodb.items import TableItem, read_item
from ringfence.cards.dynamodb.merging import merge
from ringfence.cards.dynamodb.table import CustomerTable
from ringfence.cards.numbers import CardNumber
from ringfence.cards.vault import Vault
from ringfence.errors import InvalidInput
from ringfence.storage import Database, now

_TRIES = 3
_log = structlog.get_logger(__name__)


class Reading(msgspec.Struct, frozen=True):
    """What was read. `complete` is false when a card is known by its token only."""

    items: tuple[TableItem, ...]
    complete: bool


def read_customer(
    database: Database,
    vault: Vault,
    table: CustomerTable,
    customer_id: str,
    number: CardNumber | None = None,
) -> Reading:
    """Read a customer's items and take over what they say. `number` is a card number that may be
    that of an item with a token. Blocks, outside of any transaction while it waits.

    Raises `Unavailable` when the table cannot be read, `NotFound` when there is none, and
    `InvalidInput` naming the attribute when the items of a customer whom we do not know do not make
    one.
    """
    items: list[TableItem] = []
    for _ in range(_TRIES):
        with database.read() as connection:
            local = local_copy(connection, customer_id)
        at = now()
        items = known_items(table.items_of(customer_id), vault, number)
        there = {item.number_hash for item in items}
        gone = [card.card.card_id for key, card in local.cards.items() if key not in there]
        if not items and local.customer is None:
            break
        if merge(local, items, gone, at).is_empty:
            break
        with database.write() as connection:
            current = local_copy(connection, customer_id)
            # Something was written to the table, or read from it, while we waited for our answer,
            # which may be the older one.
            if current.versions != local.versions:
                continue
            merged = merge(current, items, gone, at)
            take_over(connection, vault, current, merged, at, table.language)
        break
    complete = all(item.number is not None or item.number_hash in local.cards for item in items)
    return Reading(tuple(items), complete)


def known_items(
    raw: Sequence[Mapping[str, Any]], vault: Vault, number: CardNumber | None = None
) -> list[TableItem]:
    """The items that are cards, one of each card. Others are logged, without what they hold."""
    items = []
    hashed = vault.hash_of(number) if number is not None else None
    for one in raw:
        try:
            item = read_item(one, vault)
        except InvalidInput as error:
            _log.warning(
                "an item of the customer table is not usable",
                customer=one["customer_id"]["S"],
                reason=str(error),
            )
            continue
        if item.number is None and item.number_hash == hashed:
            item = msgspec.structs.replace(item, number=number)
        items.append(item)
    return one_of_each(items)
