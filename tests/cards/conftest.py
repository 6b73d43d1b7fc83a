"""A table in DynamoDB, and our own tables beside it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from customer_sides import Ours
from moto_tables import Elsewhere, Gate, client, elsewhere, gate, moto_port

from ringfence import cards
from ringfence.cards.dynamodb import CustomerTable
from ringfence.storage import Database, now

__all__ = ["client", "elsewhere", "gate", "moto_port"]


@pytest.fixture
def table(gate: Gate, elsewhere: Elsewhere) -> CustomerTable:
    return CustomerTable(elsewhere.name, timeout_seconds=5)


@pytest.fixture
def vault() -> cards.Vault:
    return cards.Vault(bytes(32))


@pytest.fixture
def mastered(database: Database, elsewhere: Elsewhere) -> Database:
    """A database whose customers are mastered in the table."""
    with database.write() as connection:
        cards.master_in(connection, elsewhere.name, now())
    return database


@pytest.fixture
def ours(mastered: Database, vault: cards.Vault, table: CustomerTable) -> Iterator[Ours]:
    made = Ours(mastered, vault, table)
    yield made
    made.threads.shutdown()


@pytest.fixture
def known(ours: Ours, elsewhere: Elsewhere) -> Ours:
    """Our side, which has read the article's item."""
    elsewhere.put()
    ours.read()
    return ours
