"""Suspicious payments that make telephones ring: a whole server, from the event to the verdict.

Part of `python -m bench telephony`. Each payment is of a customer of its own, opens a case, and
rings at SIPp over a trunk. The cardholder answers after a second, presses 2 some time after the
call has begun to sound, and hears that the card is blocked. The server, its telephone processes,
the far end and the sender of payments share the machine. The limit is how long the decision takes
to be answered: the telephone can hardly ring before.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

import httpx2
import numpy as np
from bench.tables import print_table
from sqlalchemy import func, select

sys.path.append(str(Path(__file__).parents[1] / "tests" / "e2e"))
sys.path.append(str(Path(__file__).parents[1] / "tests" / "web"))

from trunk_banks import SUSPICIOUS, card_number, phone_number, set_up
from trunks import Trunk

from ringfence.cards.permissions import ConsentRule
from ringfence.cases import ContactPlan, tables
from ringfence.storage import Database, now
from servers import HEADERS, Address, server

_RATES = (2, 10, 20)  # payments a second
_SECONDS = 10
_PATIENCE_SECONDS = 90.0
_PLAN = ContactPlan(
    name="call-cardholder",
    outcomes=("call_cardholder",),
    flow="kills",
    line="trunk",
    attempts=1,
    consent=ConsentRule.NOT_NEEDED,
    quiet_hours=None,
)
_SETTINGS = """
[lines.trunk]
kind = "sip"
bind_host = "127.0.0.1"
calls_at_once = {calls}
spare_calls = {calls}
calls_per_second = {rate}
courtesy_seconds = 0.0

[[lines.trunk.trunks]]
name = "main"
host = "127.0.0.1:{port}"
"""


@dataclass
class _Payments:
    """When each customer's payment was sent, and how long its decision took, in seconds."""

    sent: dict[str, float]
    took: list[float]


def main() -> None:
    """Print the table."""
    rows = [_measured(rate) for rate in _RATES]
    print_table(
        f"Suspicious payments through a whole server for {_SECONDS} s, each a call",
        ("what", *(f"{rate} a second" for rate in _RATES)),
        [[what, *(row[what] for row in rows)] for what in rows[0]],
    )
    print(f"\nThis disk took {_durable_writes():.0f} durable writes of a page a second.")


def _measured(rate: int) -> dict[str, str]:
    number = rate * _SECONDS
    with TemporaryDirectory() as name:
        folder = Path(name)
        database = set_up(folder, _PLAN, number)
        trunk = Trunk(folder / "trunk", ring_seconds=1.0)
        settings = _SETTINGS.format(port=trunk.port, rate=2.0 * rate, calls=max(20, 5 * rate))
        (folder / "ringfence.toml").write_text(settings)
        try:
            with server(folder) as there:
                time.sleep(15.0)  # its telephone processes start, all that are needed
                watch = _Watch(trunk)
                payments = _pay(there, number, rate)
                _until_closed(database, number)
                watch.close()
            frauds, verdicts = _verdicts(database)
            invites = trunk.invites()
        finally:
            trunk.close()
            database.dispose()
    invited = {invite.number: invite.at for invite in reversed(invites)}
    rung = [(invited[who] - at) * 1000 for who, at in payments.sent.items() if who in invited]
    decided = [seconds * 1000 for seconds in payments.took]
    settled = [verdicts[who] - invited[who] for who in verdicts if who in invited]
    gaps = [stream.worst_gap_ms() for stream in trunk.sound.streams.values()]
    return {
        "event sent until INVITE is there, p50 ms": _quantile(rung, 0.5),
        "p99": _quantile(rung, 0.99),
        "limit: event sent until its decision is answered, p50 ms": _quantile(decided, 0.5),
        "p99 ": _quantile(decided, 0.99),
        "INVITE until verdict, p50 ms": _quantile([1000 * each for each in settled], 0.5),
        "worst gap in the sound of a call, ms": _quantile(gaps, 1.0),
        "payments": str(number),
        "telephones that rang": str(len(invited)),
        "calls": str(len(invites)),
        "cards blocked": str(frauds),
        "most calls in progress": str(watch.most),
    }


class _Watch:
    """Counts the calls that sound, again and again."""

    def __init__(self, trunk: Trunk) -> None:
        self.most = 0
        self._trunk = trunk
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._thread.join(2)

    def _look(self) -> None:
        while not self._over.wait(0.2):
            since = time.time() - 0.5
            streams = list(self._trunk.sound.streams.values())
            sounding = sum(bool(one.packets) and one.packets[-1][0] > since for one in streams)
            self.most = max(self.most, sounding)


def _pay(there: Address, number: int, rate: int) -> _Payments:
    payments = _Payments({}, [])
    with (
        httpx2.Client(trust_env=False, timeout=30, headers=HEADERS) as client,
        ThreadPoolExecutor(32) as pool,
    ):

        def pay(customer: int) -> None:
            body = {
                "customer": f"c{customer}",
                "card_number": card_number(customer),
                "event_id": uuid.uuid4().hex,
                "event_timestamp": now().isoformat(),
                "transaction": SUSPICIOUS,
            }
            payments.sent[phone_number(customer)] = began = time.time()
            reply = client.post(f"{there.url}/v1/transactions", json=body)
            payments.took.append(time.time() - began)
            assert reply.status_code == 200, reply.text

        began = time.monotonic()
        waiting = []
        for customer in range(number):
            time.sleep(max(0.0, began + customer / rate - time.monotonic()))
            waiting.append(pool.submit(pay, customer))
        for one in waiting:
            one.result()
    return payments


def _until_closed(database: Database, number: int) -> None:
    limit = time.monotonic() + _PATIENCE_SECONDS
    closed = 0
    while closed < number and time.monotonic() < limit:
        time.sleep(0.5)
        with database.read() as connection:
            count = select(func.count()).where(~tables.cases.c.open)
            closed = connection.execute(count).scalar_one()
    time.sleep(3.0)  # for what is said after the verdict


def _verdicts(database: Database) -> tuple[int, dict[str, float]]:
    """How many were said to be fraud, and when each verdict came, by telephone."""
    table = tables.cases
    with database.read() as connection:
        found = connection.execute(
            select(table.c.customer_id, table.c.verdict, table.c.verdict_at).where(
                table.c.verdict_at.is_not(None)
            )
        ).all()
    at = {phone_number(int(who.removeprefix("c"))): when.timestamp() for who, _, when in found}
    return sum(verdict == "fraud" for _, verdict, _ in found), at


def _durable_writes() -> float:
    """How many a second, one after another: what a database that loses nothing waits for."""
    written = 0
    with TemporaryFile(buffering=0) as file:
        began = time.monotonic()
        while time.monotonic() - began < 2.0:
            os.pwrite(file.fileno(), bytes(4096), 0)
            os.fdatasync(file.fileno())
            written += 1
        return written / (time.monotonic() - began)


def _quantile(values: Sequence[float], part: float) -> str:
    return f"{np.quantile(values, part):.0f}" if values else "none"
