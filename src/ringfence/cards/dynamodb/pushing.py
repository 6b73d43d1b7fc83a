"""Writing to the table what it has yet to learn of a customer.

Each write is conditional, so that no change elsewhere is overwritten unseen: when a condition
fails, the items are read, merged into our copy, and what then is still to be written is tried
again. A block alone has no condition but that the item exists. Whatever happens between writing and
taking note of it, writing again does no harm: it finds the table as it should be.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog
from sqlalchemy import Connection

from ringfence.cards.customers import MIRRORED
from ringfence.cards.dynamodb.copying import local_copy, note_base
from ringfence.cards.dynamodb.items import (
    BLOCKED,
    TOKEN,
    Attributes,
    CardNumberForm,
    TableItem,
    attributes_of,
    detail,
    is_blocked,
    key_of,
    new_sort_key,
)
from ringfence.cards.dynamodb.merging import Base, LocalCard, LocalCopy
from ringfence.cards.dynamodb.reading import read_customer
from ringfence.cards.dynamodb.table import CustomerTable, ItemChanged
from ringfence.cards.finding import card_number
from ringfence.cards.numbers import CardNumber
from ringfence.cards.records import Customer
from ringfence.cards.vault import Vault
from ringfence.cards.writes import (
    PendingWrite,
    pending_write,
    postpone_write,
    settle_write,
    writes_due,
)
from ringfence.errors import RingfenceError, Unavailable
from ringfence.storage import Database, now

_TRIES = 5
_AT_ONCE = 64
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 60.0
_LONGEST_URGENT_PAUSE_SECONDS = 5.0
_log = structlog.get_logger(__name__)


class Pushed(msgspec.Struct, frozen=True):
    """How many customers were written, and why others were not (the last reason)."""

    written: int
    failed: int
    failure: str | None = None


class _Written(msgspec.Struct, frozen=True):
    """What the items of a customer hold now, and the local state that it came from."""

    local: LocalCopy
    items: Mapping[bytes, tuple[str, Attributes]]
    began_at: datetime


def push_waiting(
    database: Database,
    vault: Vault,
    table: CustomerTable,
    form: CardNumberForm,
    threads: Executor,
) -> Pushed:
    """Write the customers that are due, at most some dozens of them, at the same time, and take
    note of all of them in one transaction. Blocks. Raises `Unavailable` of the database alone."""
    with database.read() as connection:
        due = writes_due(connection, now(), _AT_ONCE)
    if not due:
        return Pushed(0, 0)

    def push(customer_id: str) -> _Written | RingfenceError | None:
        try:
            return _push(database, vault, table, form, customer_id)
        except RingfenceError as error:
            return error
        except Exception as error:
            # One customer must not keep the others from being written.
            _log.exception("a customer could not be written", customer=customer_id)
            return Unavailable(f"{type(error).__name__} while writing")

    results = list(zip(due, threads.map(push, due), strict=True))
    written, failures = 0, []
    with database.write() as connection:
        for customer_id, result in results:
            if isinstance(result, RingfenceError):
                failures.append(result.message)
                _postpone(connection, customer_id, result.message)
            elif result is not None:
                _note(connection, result)
                written += 1
    return Pushed(written, len(failures), failures[-1] if failures else None)


def _push(
    database: Database,
    vault: Vault,
    table: CustomerTable,
    form: CardNumberForm,
    customer_id: str,
) -> _Written | None:
    """Write one customer. Raises `Unavailable`, `ItemChanged` when it is changed all the time."""
    items: Mapping[bytes, TableItem] = {}
    for _ in range(_TRIES):
        began_at = now()
        with database.read() as connection:
            local = local_copy(connection, customer_id)
            if local.customer is None or local.write is None:
                return None
            numbers = _numbers(connection, vault, local, form)
        try:
            return _Written(
                local,
                {
                    key: _write_card(
                        table, local.customer, local.write, card, items.get(key), numbers, form
                    )
                    for key, card in local.cards.items()
                    if card.base is None or not card.base.gone
                },
                began_at,
            )
        except ItemChanged:
            reading = read_customer(database, vault, table, customer_id)
            items = {item.number_hash: item for item in reading.items}
    raise ItemChanged("the items of the customer are changed all the time")


def _write_card(
    table: CustomerTable,
    customer: Customer,
    write: PendingWrite,
    card: LocalCard,
    item: TableItem | None,
    numbers: Mapping[bytes, CardNumber],
    form: CardNumberForm,
) -> tuple[str, Attributes]:
    """Make the item of a card say what it should; returns what it says then.

    `item` is how it was read a moment ago; None when it was not, and is taken to be as it was last
    seen.
    """
    number = numbers.get(card.number_hash)
    base = card.base
    if base is None:
        assert number is not None
        sort_key = new_sort_key(form, number)
        key = key_of(customer.customer_id, sort_key, number, card.number_hash)
        attributes = attributes_of(customer, blocked=card.blocked)
        table.put(key, attributes)
        return sort_key, attributes
    key = key_of(customer.customer_id, base.sort_key, number, card.number_hash)
    seen = item.attributes if item is not None else base.attributes
    values = _edits(customer, write, seen)
    if card.blocked and (not is_blocked(seen) or card.card.state_at > base.as_of):
        table.block(key)
        seen = {**seen, BLOCKED: {"BOOL": True}}
    elif not card.blocked and is_blocked(seen):
        values[BLOCKED] = {"BOOL": False}
    if values:
        table.change(key, values, seen)
    return base.sort_key, {**seen, **values}


def _edits(customer: Customer, write: PendingWrite, seen: Attributes) -> dict[str, dict[str, Any]]:
    """What we have changed and the item does not say yet."""
    return {
        name: {"S": getattr(customer, name)}
        for name in MIRRORED
        if name in write.edits and detail(seen, name) != getattr(customer, name)
    }


def _numbers(
    connection: Connection, vault: Vault, local: LocalCopy, form: CardNumberForm
) -> dict[bytes, CardNumber]:
    """The numbers of the cards whose items' keys have them in clear, and of new cards."""
    return {
        key: card_number(connection, vault, card.card.card_id)
        for key, card in local.cards.items()
        if _needs_number(card.base)
    }


def _needs_number(base: Base | None) -> bool:
    return base is None or (not base.gone and base.sort_key != TOKEN)


def _note(connection: Connection, written: _Written) -> None:
    local = written.local
    assert local.write is not None
    current = local_copy(connection, local.customer_id)
    for key, (sort_key, attributes) in written.items.items():
        card, then = current.cards[key], local.cards[key]
        if card.base == then.base:
            note_base(
                connection,
                local.customer_id,
                card.card.card_id,
                sort_key,
                attributes,
                written.began_at,
            )
    settle_write(connection, local.customer_id, local.write.revision)


def _postpone(connection: Connection, customer_id: str, failure: str) -> None:
    write = pending_write(connection, customer_id)
    if write is None:
        return
    longest = _LONGEST_URGENT_PAUSE_SECONDS if write.urgent else _LONGEST_PAUSE_SECONDS
    pause = min(longest, _FIRST_PAUSE_SECONDS * 2 ** min(write.tries, 16))
    postpone_write(connection, customer_id, until=now() + timedelta(seconds=pause), failure=failure)
