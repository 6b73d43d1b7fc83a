"""A real server that decides by rules alone, and clients for it."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import msgspec

from ringfence.cards import open_vault, read_customers, store_customers
from ringfence.cases import CALL_OUTCOME, ContactPlan, furnish, put_plan
from ringfence.detectors import (
    Detector,
    RuleRef,
    activate_detector_version,
    create_detector_version,
    put_detector,
    put_rule,
)
from ringfence.examples import read_example
from ringfence.rules import Rule
from ringfence.storage import Database, migrate, now

KEY = "test-key-0123456789-abcdef"
PASSWORD = "correct horse battery"

# What people and programs put in; not what calls, sessions and workflows do on their own.
_TABLES = (
    "api_keys",
    "card_history",
    "cards",
    "cases",
    "flow_versions",
    "flows",
    "contact_plans",
    "customers",
    "decisions",
    "detector_versions",
    "detectors",
    "event_types",
    "events",
    "external_models",
    "lists",
    "outcomes",
    "rules",
    "users",
)


@dataclass(frozen=True)
class Server:
    """A running server, its data and its log."""

    url: str
    data_dir: Path
    log: Path

    def client(self, key: str | None = KEY) -> httpx2.Client:
        """A client that sends `key` with every request."""
        return httpx2.Client(
            base_url=self.url,
            headers={"authorization": f"Bearer {key}"} if key else {},
            timeout=20,
            trust_env=False,
        )

    def key_with(self, *scopes: str) -> str:
        """The token of a new key that may do no more than `scopes`."""
        with self.client() as client:
            made = client.post("/v1/keys", json={"name": "test", "scopes": scopes})
        assert made.status_code == 201, made.text
        return str(made.json()["token"])

    def rows(self) -> dict[str, int]:
        """How many rows each table has on disk."""
        path = self.data_dir / "ringfence.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return {
                name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
                for name in _TABLES
            }


def prepare(data_dir: Path) -> None:
    """A new data directory: the article's customer, and a detector of rules without a model."""
    data_dir.mkdir(parents=True)
    database = Database(f"sqlite:///{data_dir / 'ringfence.db'}")
    migrate(database)
    vault = open_vault(data_dir, None, database)
    with database.write() as connection:
        furnish(connection)
        store_customers(
            connection, vault, read_customers(read_example("customer.json")), by="test", at=now()
        )
        put_plan(
            connection,
            ContactPlan(name="call-cardholder", outcomes=(CALL_OUTCOME,), quiet_hours=None),
        )
        put_detector(connection, Detector(detector_id="payments", event_type="card_payment"))
        for rule_id, expression, outcome in (
            ("large", "$transaction_amt > 1000", CALL_OUTCOME),
            ("ordinary", "$transaction_amt <= 1000", "approve"),
        ):
            put_rule(
                connection,
                "payments",
                Rule(rule_id=rule_id, version="1", expression=expression, outcomes=(outcome,)),
            )
        version = create_detector_version(
            connection,
            "payments",
            rules=[RuleRef("large", "1"), RuleRef("ordinary", "1")],
            models=[],
        )
        activate_detector_version(connection, "payments", version.version)
    database.dispose()


@contextmanager
def running(data_dir: Path, **settings: str) -> Iterator[Server]:
    """A server process over a prepared data directory; `settings` are environment variables."""
    log = data_dir.parent / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "ringfence", "serve"],
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
            cwd=data_dir.parent,
            env={
                **os.environ,
                "RINGFENCE_DATA_DIR": str(data_dir),
                "RINGFENCE_PORT": "0",
                "RINGFENCE_API_KEY": KEY,
                "RINGFENCE_ADMIN_PASSWORD": PASSWORD,
                **settings,
            },
        )
    assert process.stdout is not None
    try:
        yield Server(_address(process.stdout, log), data_dir, log)
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


def new_customer(client: httpx2.Client, *card_numbers: str) -> str:
    """The id of a new customer with these cards."""
    customer_id = f"customer-{uuid.uuid4().hex}"
    document: dict[str, Any] = {
        "customer_id": customer_id,
        "last_name": "Miller",
        "phone_number": "+14155550100",
        "card_numbers": card_numbers,
    }
    stored = client.post("/v1/customers", json=document)
    assert stored.status_code == 200, stored.text
    return customer_id


def example_transaction(**changes: Any) -> dict[str, Any]:
    """The article's transaction, with other values where `changes` says so."""
    document: dict[str, Any] = msgspec.json.decode(read_example("transaction.json"))
    return document | changes


def refused(
    server: Server,
    method: str,
    path: str,
    status: int,
    field: str | None,
    *,
    body: Any = None,
    content: bytes | str | None = None,
) -> dict[str, str]:
    """Send what is to be refused, and return the error after checking that nothing was written."""
    before = server.rows()
    with server.client() as client:
        sent: dict[str, Any] = {"json": body} if content is None else {"content": content}
        reply = client.request(method, path, **({} if body is content is None else sent))
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/json"
    error: dict[str, str] = reply.json()["error"]
    assert error.get("field") == field, error
    assert error["message"]
    assert server.rows() == before
    return error


def _address(said: Iterable[str], log: Path) -> str:
    for line in said:
        found = re.search(r"http://[0-9.:]+", line)
        if found:
            return found[0]
    raise AssertionError(f"the server did not start: {log.read_text()[-2000:]}")
