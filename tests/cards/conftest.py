"""A table in DynamoDB, and our own tables beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from moto_tables import ENVIRONMENT, Elsewhere, Gate, moto, table_name

from ringfence import cards
from ringfence.cards.dynamodb import CustomerTable
from ringfence.storage import Database, now


@pytest.fixture(scope="session")
def moto_port() -> Iterator[int]:
    with moto() as port:
        yield port


@pytest.fixture(scope="session")
def client(moto_port: int) -> Any:
    """The way of others to DynamoDB."""
    import boto3

    return boto3.client(
        "dynamodb",
        endpoint_url=f"http://127.0.0.1:{moto_port}",
        region_name=ENVIRONMENT["AWS_DEFAULT_REGION"],
        aws_access_key_id=ENVIRONMENT["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
    )


@pytest.fixture
def gate(moto_port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """The way to DynamoDB, found by boto3 in the environment."""
    opened = Gate(moto_port)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", opened.url)
    yield opened
    opened.close()


@pytest.fixture
def elsewhere(client: Any) -> Elsewhere:
    """An empty table, as others use it, past the gate."""
    made = Elsewhere(client, table_name())
    made.make()
    return made


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
