"""Reading the whole table into our copy, a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from typing import Any

import msgspec
import structlog

from ringfence.cards.dynamodb.copying import local_copy, take_over
from ringfence.cards.dynamodb.merging import merge
from ringfence.cards.dynamodb.reading import known_items, read_customer
from ringfence.cards.dynamodb.table import CustomerTable
from ringfence.cards.vault import Vault
from ringfence.errors import RingfenceError
from ringfence.storage import Database, now

_PAGE = 500
_log = structlog.get_logger(__name__)


class Synced(msgspec.Struct, frozen=True):
    """How many items were read, of how many customers they told something new, and those that could
    not be taken over, with why (the first hundred)."""

    items: int
    changed: int
    refused: tuple[tuple[str, str], ...]


def sync_table(
    database: Database,
    vault: Vault,
    table: CustomerTable,
    tell: Callable[[int], None] = lambda items: None,
) -> Synced:
    """Read every item and take over what it says; `tell` hears how many were read so far.

    What is not in the table stays. Raises `Unavailable`, `NotFound`; what was taken over until then
    stays taken over, and beginning again does no harm.
    """
    read, changed = 0, 0
    refused: list[tuple[str, str]] = []
    after: Mapping[str, Any] | None = None
    while True:
        began_at = now()
        page, after = table.page(after, _PAGE)
        again: list[str] = []
        with database.write() as connection:
            for customer_id, raw in _by_customer(page):
                local = local_copy(connection, customer_id)
                merged = merge(local, known_items(raw, vault), (), began_at)
                if merged.is_empty:
                    continue
                changed += 1
                if local.versions:
                    # A write of ours may be younger than this page.
                    again.append(customer_id)
                    continue
                try:
                    with connection.begin_nested():
                        take_over(connection, vault, local, merged, began_at, table.language)
                except RingfenceError as error:
                    refused.append((customer_id, str(error)))
        for customer_id in again:
            read_customer(database, vault, table, customer_id)
        read += len(page)
        tell(read)
        if after is None:
            break
    return Synced(read, changed, tuple(refused[:100]))


def _by_customer(
    page: Iterable[Mapping[str, Any]],
) -> Iterable[tuple[str, list[Mapping[str, Any]]]]:
    def customer_id(item: Mapping[str, Any]) -> str:
        return str(item["customer_id"]["S"])

    for of, items in groupby(sorted(page, key=customer_id), customer_id):
        yield of, list(items)
