"""A server whose customers are mastered in a table: what it decides, and what it survives."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from api_servers import example_transaction, prepare, running
from moto_tables import ANOTHER, CUSTOMER, NUMBER, Elsewhere, Gate

# Servers find the table by the environment.
pytestmark = [pytest.mark.usefixtures("gate"), pytest.mark.slow]


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    prepare(tmp_path / "data")
    return tmp_path / "data"


@contextmanager
def serving(data_dir: Path, table: Elsewhere, **settings: str) -> Iterator[httpx2.Client]:
    """A client of a server over that table, which reads customers for each decision anew."""
    url = f"dynamodb://{table.name}"
    told = {"RINGFENCE_CUSTOMERS_URL": url, "RINGFENCE_CUSTOMERS_REFRESH_SECONDS": "0", **settings}
    with running(data_dir, **told) as server, server.client() as client:
        yield client


def until(true: Callable[[], bool]) -> None:
    """Wait until something that happens on its own has happened."""
    for _ in range(1500):
        if true():
            return
        time.sleep(0.02)
    pytest.fail("did not happen")


def pay(client: httpx2.Client, customer: str, number: str) -> httpx2.Response:
    sent = example_transaction(customer=customer, card_number=number)
    return client.post("/v1/transactions", json=sent)


def card_of(client: httpx2.Client, customer: str = CUSTOMER) -> dict[str, Any]:
    card: dict[str, Any] = client.get(f"/v1/customers/{customer}").json()["cards"][0]
    return card


def test_decisions_and_blocks_go_by_the_table_whoever_writes_it(
    data_dir: Path, elsewhere: Elsewhere
) -> None:
    elsewhere.put(customer_id="only-there", card_number=ANOTHER, last_name="Winter")
    with serving(data_dir, elsewhere) as client:
        decided = pay(client, "only-there", ANOTHER)
        assert decided.status_code == 200, decided.text
        assert decided.json()["note"] is None
        case = client.get(f"/v1/cases/{decided.json()['case']['case_id']}").json()["case"]
        assert case["attributes"]["Name"] == "Winter"

        # As the article's second handler does it.
        elsewhere.update("only-there", ANOTHER, is_blocked=True)
        assert card_of(client, "only-there")["state"] == "blocked"
        assert pay(client, "only-there", ANOTHER).status_code == 409
        elsewhere.update("only-there", ANOTHER, is_blocked=False)
        assert pay(client, "only-there", ANOTHER).status_code == 200

        card = card_of(client, "only-there")
        blocked = client.post(f"/v1/cards/{card['card_id']}/block", json={"reason": "stolen"})
        assert blocked.json()["changed"] is True
        until(lambda: elsewhere.get("only-there", ANOTHER)["is_blocked"] is True)
        client.post(f"/v1/cards/{card['card_id']}/release", json={"reason": "found"})
        until(lambda: elsewhere.get("only-there", ANOTHER)["is_blocked"] is False)

        assert pay(client, "nobody", ANOTHER).status_code == 404
        elsewhere.put(customer_id="odd", card_number="5555555555554444", phone_number="call me")
        refused = pay(client, "odd", "5555555555554444")
        assert refused.status_code == 404
        assert "phone_number" in refused.json()["error"]["message"]


def test_an_outage_delays_a_decision_once_is_told_and_loses_nothing(
    data_dir: Path, elsewhere: Elsewhere, gate: Gate
) -> None:
    gate.state = "shut"
    with serving(data_dir, elsewhere, RINGFENCE_CUSTOMERS_TIMEOUT_SECONDS="0.2") as client:
        decided = pay(client, CUSTOMER, NUMBER)
        unknown = pay(client, "only-there", ANOTHER)
        card = card_of(client)
        client.post(f"/v1/cards/{card['card_id']}/block", json={"reason": "stolen"})
        until(lambda: "PutItem" in gate.operations())

        assert decided.status_code == 200
        assert "could not be read" in decided.json()["note"]
        assert unknown.status_code == 503
        assert unknown.json()["error"]["field"] == "customer"
        assert "ringfence_customer_writes 1.0" in client.get("/metrics").text

        gate.state = "open"
        until(lambda: elsewhere.get().get("is_blocked") is True)
        until(lambda: "ringfence_customer_writes 0.0" in client.get("/metrics").text)

        until(lambda: pay(client, "nobody", NUMBER).status_code == 404)
        gate.before = lambda operation: time.sleep(3)
        asked = gate.operations().count("Query")
        assert [pay(client, "nobody", NUMBER).status_code for _ in range(5)] == [503] * 5
        assert gate.operations().count("Query") == asked + 1
        gate.before = lambda operation: None
    log = (data_dir.parent / "server.log").read_text()
    assert "cannot be reached" in log
    assert NUMBER not in log


def test_a_server_does_not_start_without_its_table(data_dir: Path) -> None:
    refused = subprocess.run(
        [sys.executable, "-m", "ringfence", "serve", "--data-dir", str(data_dir), "--port", "0"],
        env={**os.environ, "RINGFENCE_CUSTOMERS_URL": "dynamodb://no-such-table"},
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert refused.returncode != 0
    assert "customers_url: there is no table no-such-table" in refused.stderr
    assert "ringfence customers table --create" in refused.stderr
