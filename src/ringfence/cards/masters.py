"""Where customers are mastered: in our own tables, or in a table that others write as well.

Whoever is about to decide about a customer, or to show one, asks for them to be refreshed first;
where they are mastered here, there is nothing to do.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

import msgspec
import structlog

from ringfence.cards.details import DEFAULT_LANGUAGE
from ringfence.cards.vault import Vault
from ringfence.cards.writes import mastered_in, writes_waiting
from ringfence.errors import RingfenceError
from ringfence.storage import Database

_log = structlog.get_logger(__name__)


class Refreshed(msgspec.Struct, frozen=True):
    """How reading a customer from where they are mastered went.

    `note` is for whoever gets the decision, None when all is well. `error` is what to answer when
    the customer turns out not to be known here; None when that is the truth.
    """

    note: str | None = None
    error: RingfenceError | None = None


class CustomerMaster(Protocol):
    """Where customers are mastered."""

    async def start(self) -> None:
        """Begin, before the first refresh. Raises what keeps a server from starting."""

    async def close(self) -> None:
        """End."""

    async def refresh(self, customer_id: str, card_number: str | None = None) -> Refreshed:
        """Bring our copy of a customer up to date. Takes no longer than a decision may wait, and
        never raises."""


class LocalMaster:
    """Customers are mastered in our own tables."""

    def __init__(self, database: Database):
        self._database = database

    async def start(self) -> None:
        """Warn when a table elsewhere was told to be the master, and is not any more."""

        def warn() -> None:
            with self._database.read() as connection:
                table, waiting = mastered_in(connection), writes_waiting(connection)
            if table is not None:
                _log.warning(
                    "customers are mastered in a table in DynamoDB, but customers_url is not set; "
                    "changes wait until it is, or until: ringfence customers table --leave",
                    table=table,
                    waiting=waiting.customers,
                )

        await asyncio.to_thread(warn)

    async def close(self) -> None:
        """Nothing is open."""

    async def refresh(self, customer_id: str, card_number: str | None = None) -> Refreshed:
        """There is nothing to read."""
        return _FRESH


_FRESH = Refreshed()


def open_master(
    url: str | None,
    database: Database,
    vault: Vault,
    *,
    card_numbers: str = "clear",
    refresh_seconds: float = 5.0,
    timeout_seconds: float = 1.0,
    language: str = DEFAULT_LANGUAGE,
) -> CustomerMaster:
    """The master that the URL names (`dynamodb://TABLE`); our own tables without one, or an empty
    one.

    `card_numbers` says how they are written into new items there: `clear` or `token`; `language` is
    that of its customers. Raises `InvalidInput` naming `customers_url`.
    """
    if not url:
        return LocalMaster(database)
    # Only now: boto3 takes half a second and 50 MB.
    from ringfence.cards.dynamodb import CardNumberForm, TableMaster, read_customers_url

    return TableMaster(
        database,
        vault,
        read_customers_url(url),
        CardNumberForm(card_numbers),
        refresh_seconds=refresh_seconds,
        timeout_seconds=timeout_seconds,
        language=language,
    )
