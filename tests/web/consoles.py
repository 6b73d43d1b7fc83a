"""A real server with something to show, and real browsers to look at it."""

from __future__ import annotations

import csv
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import msgspec
from playwright.sync_api import Browser, BrowserContext, Page

from ringfence.access import Role, create_user
from ringfence.cards import open_vault, read_customers, store_customers
from ringfence.cases import ContactPlan, put_plan
from ringfence.contacts.flows import import_flow
from ringfence.contacts.published_flows import list_flows
from ringfence.detectors import (
    Detector,
    ModelRef,
    RuleRef,
    activate_detector_version,
    create_detector_version,
    put_detector,
    put_outcome,
    put_rule,
)
from ringfence.events import DataType, EventType, Variable, VariableType, put_event_type
from ringfence.flows import shipped_flows
from ringfence.models import create_model, read_data, store_version, train
from ringfence.rules import Rule
from ringfence.settings import Settings
from ringfence.storage import Database, migrate, now

# Threads that spin while they wait make a small training slow on a busy machine.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

PASSWORD = "correct horse battery"
KEY = "test-key-0123456789-abcdef"
CUSTOMER = "jdoe"
CARD = "5399411802536781"

_SERVE = """
import sys
from ringfence.settings import Settings
from ringfence.web.server import serve
serve(Settings(data_dir=sys.argv[1], port=0, log_format="json", log_level="warning"),
      show=lambda text: print(text, flush=True))
"""
_EVENT_TYPE = EventType(
    name="card_payment",
    variables=(
        Variable("transaction_amt", DataType.FLOAT, VariableType.PRICE, 0.0),
        Variable("currency", DataType.STRING, VariableType.CURRENCY_CODE),
        Variable("merchant_name", DataType.STRING, VariableType.FREE_FORM_TEXT),
        Variable("transaction_env", DataType.STRING, VariableType.CATEGORICAL),
        Variable("email_address", DataType.STRING, VariableType.EMAIL_ADDRESS),
    ),
    amount_variable="transaction_amt",
    currency_variable="currency",
    merchant_variable="merchant_name",
)


@dataclass(frozen=True)
class Console:
    """A running server."""

    url: str
    log: Path

    def send(self, event_id: str, amount: float, **variables: str) -> dict[str, object]:
        """Send a payment of our customer, and return the decision."""
        reply = httpx2.post(
            f"{self.url}/v1/transactions",
            headers={"Authorization": f"Bearer {KEY}"},
            json={
                "customer": CUSTOMER,
                "event_id": event_id,
                "transaction": {
                    "transaction_amt": amount,
                    "currency": "eur",
                    "merchant_name": "Harbour Books",
                    "transaction_env": "C",
                    "email_address": "jane@example.org",
                    **variables,
                },
            },
            timeout=20,
            trust_env=False,
        )
        assert reply.status_code == 200, reply.text
        return dict(reply.json())


def furnish(data_dir: Path) -> None:
    """Users, customers, a trained model, a detector and a contact plan in a new directory."""
    data_dir.mkdir(parents=True, exist_ok=True)
    database = Database(Settings(data_dir=data_dir).url)
    migrate(database)
    history = data_dir / "history.csv"
    _write_history(history)
    trained = train(read_data(str(history), _EVENT_TYPE), seed=1)
    vault = open_vault(data_dir, None, database)
    with database.write() as connection:
        for role in Role:
            create_user(connection, f"{role}er", PASSWORD, role, by="test", at=now())
        for name, content in shipped_flows().items():
            if name not in list_flows(connection):
                import_flow(connection, name, content)
        put_event_type(connection, _EVENT_TYPE)
        create_model(connection, "payments", "card_payment", description="Card payments")
        store_version(connection, "payments", trained)
        for outcome, about in (("approve", "Let it pass."), ("call_cardholder", "Ring.")):
            put_outcome(connection, outcome, about)
        put_plan(
            connection,
            ContactPlan(name="call", outcomes=("call_cardholder",), quiet_hours=None),
        )
        put_detector(connection, Detector(detector_id="payments", event_type="card_payment"))
        for rule_id, expression, outcome in (
            ("suspicious", "$payments_insightscore > 600 and $transaction_amt > 100",
             "call_cardholder"),
            ("ordinary", "$payments_insightscore <= 600 or $transaction_amt <= 100", "approve"),
        ):  # fmt: skip
            put_rule(
                connection,
                "payments",
                Rule(rule_id=rule_id, version="1", expression=expression, outcomes=(outcome,)),
            )
        version = create_detector_version(
            connection,
            "payments",
            rules=[RuleRef("suspicious", "1"), RuleRef("ordinary", "1")],
            models=[ModelRef("payments", "1.0")],
        )
        activate_detector_version(connection, "payments", version.version)
        store_customers(
            connection, vault, read_customers(msgspec.json.encode(_CUSTOMERS)), by="test", at=now()
        )
    database.dispose()


@contextmanager
def serving(data_dir: Path) -> Iterator[Console]:
    """A server process over a furnished data directory."""
    log = data_dir / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", _SERVE, str(data_dir)],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=data_dir,
            env={**os.environ, "RINGFENCE_API_KEY": KEY, "NO_COLOR": "1"},
        )
    try:
        yield Console(_address(process, log), log)
    finally:
        process.terminate()
        process.wait(20)


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if found := re.search(r"http://[0-9.]+:[0-9]+", log.read_text()):
            return found[0]
        time.sleep(0.05)
    raise AssertionError(f"the server did not start: {log.read_text()}")


@dataclass
class Watched:
    """A signed-in page, and what went wrong on it."""

    page: Page
    errors: list[str]
    foreign: list[str]


# By the server's log, for a later server may be at the address of one that has ended.
_cookies: dict[tuple[Path, str], Any] = {}


def signed_in(browser: Browser, console: Console, name: str, **options: Any) -> Watched:
    """A page of a new browser profile at the start of the console, in the session of that name."""
    key = (console.log, name)
    if key not in _cookies:
        first = newly_signed_in(browser, console, name)
        _cookies[key] = first.page.context.cookies()
        first.page.context.close()
    watched = _watched(browser, console, options)
    watched.page.context.add_cookies(_cookies[key])
    watched.page.goto(f"{console.url}/")
    watched.page.get_by_role("heading", name="Live").wait_for()
    return watched


def newly_signed_in(browser: Browser, console: Console, name: str) -> Watched:
    """The same, by the sign-in page, in a session of its own."""
    watched = _watched(browser, console, {})
    page = watched.page
    page.goto(f"{console.url}/")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Live").wait_for()
    return watched


def _watched(browser: Browser, console: Console, options: dict[str, Any]) -> Watched:
    context: BrowserContext = browser.new_context(**options)
    context.set_default_timeout(10_000)
    page = context.new_page()
    watched = Watched(page, [], [])
    page.on("pageerror", lambda error: watched.errors.append(str(error)))
    page.on("console", lambda said: said.type == "error" and watched.errors.append(said.text))
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((console.url, "data:", "blob:"))
            else watched.foreign.append(request.url)
        ),
    )
    return watched


def _write_history(path: Path) -> None:
    chance = random.Random(7)
    start = datetime(2026, 3, 1, tzinfo=UTC)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["EVENT_ID", "EVENT_TIMESTAMP", "EVENT_LABEL", "transaction_amt", "currency",
             "merchant_name", "transaction_env", "email_address"]
        )  # fmt: skip
        for number in range(2400):
            fraud = chance.random() < 0.08
            domain = chance.choice(["example.org", "mail.example", "quick.example"][fraud:])
            writer.writerow(
                [
                    f"h{number}",
                    f"{start + timedelta(minutes=17 * number):%Y-%m-%dT%H:%M:%SZ}",
                    "fraud" if fraud else "legit",
                    round(chance.lognormvariate(5.4 if fraud else 3.7, 1.1), 2),
                    chance.choice(["eur", "usd"]),
                    chance.choice(["Harbour Books", "Corner Cafe", "Night Market", "Air North"]),
                    chance.choice("EEEMUCL" if fraud else "CCLLEEM"),
                    f"user{chance.randrange(400)}@{domain}",
                ]
            )


_CUSTOMERS = [
    {
        "customer_id": CUSTOMER,
        "card_number": CARD,
        "salutation": "Mrs",
        "first_name": "Jane",
        "last_name": "Doe",
        "phone_number": "+4930901820",
    },
    {
        "customer_id": "mmustermann",
        "card_numbers": ["4539578763621486", "5555555555554444"],
        "salutation": "Mr",
        "first_name": "Max",
        "last_name": "Mustermann",
        "phone_number": "+442079460000",
        "language": "en-GB",
    },
]
