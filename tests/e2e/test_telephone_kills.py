"""Real calls over a SIP trunk, in the midst of which the server, its telephone process or the trunk
die: no case is lost, no attempt is dialled twice, and nobody is called after the verdict."""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from trunk_banks import SUSPICIOUS, card_number, phone_number, set_up
from trunks import Trunk, missing

from ringfence import cards
from ringfence.cards.permissions import ConsentRule
from ringfence.cases import (
    Case,
    ContactPlan,
    FollowUp,
    Verdict,
    attempts_of,
    get_case,
)
from ringfence.storage import Database, now
from servers import HEADERS, Nursery

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(missing()), reason=missing())]

PATIENCE = 60.0
CUSTOMERS = 12
AGAIN = FollowUp(seconds=0.2)
PLAN = ContactPlan(
    name="call-cardholder",
    outcomes=("call_cardholder",),
    flow="kills",
    line="trunk",
    attempts=10,
    spacing_seconds=0.2,
    after=dict.fromkeys(
        ("interrupted", "no_answer", "hung_up", "failed", "line_down", "unreachable"), AGAIN
    ),
    attempts_per_day=100,
    messages=100,
    ring_timeout_seconds=5,
    consent=ConsentRule.NOT_NEEDED,
    quiet_hours=None,
)
SETTINGS = """
[lines.trunk]
kind = "sip"
bind_host = "127.0.0.1"
calls_at_once = 8
calls_per_second = 20.0
nothing_heard_seconds = 5.0
courtesy_seconds = 0.0
numbers = ["+15550100000"]

[[lines.trunk.trunks]]
name = "main"
host = "127.0.0.1:{port}"
keep_alive_seconds = 1.0
"""


@dataclass
class Bank:
    """A server, its trunk and its database."""

    nursery: Nursery
    trunk: Trunk
    database: Database
    customers: Iterator[int]

    def pay(self) -> tuple[str, str]:
        """A suspicious payment of somebody new: their number, and the case."""
        customer = next(self.customers)
        body = {
            "customer": f"c{customer}",
            "card_number": card_number(customer),
            "event_id": uuid.uuid4().hex,
            "event_timestamp": now().isoformat(),
            "transaction": SUSPICIOUS,
        }
        with httpx2.Client(trust_env=False, timeout=20) as client:
            reply = client.post(
                f"{self.nursery.there.url}/v1/transactions", json=body, headers=HEADERS
            )
        assert reply.status_code == 200, reply.text
        return phone_number(customer), str(reply.json()["case"]["case_id"])

    def case(self, case_id: str) -> Case:
        with self.database.read() as connection:
            return get_case(connection, case_id)

    def closed(self, case_id: str) -> Case:
        """The case, once it is closed and its last call over."""
        until = time.monotonic() + PATIENCE
        while (case := self.case(case_id)).open or not all(
            attempt.end for attempt in self.attempts(case_id)
        ):
            assert time.monotonic() < until, (case, self.attempts(case_id), self.log())
            time.sleep(0.1)
        return case

    def attempts(self, case_id: str) -> list[Any]:
        with self.database.read() as connection:
            return list(attempts_of(connection, case_id))

    def log(self) -> str:
        return self.nursery.there.log.read_text()[-3000:]

    def telephone_processes(self) -> list[int]:
        """The processes in which PJSIP runs for this server."""
        here = self.nursery.there.log.parent
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
                if b"ringfence.lines.sip.child" in words and (folder / "cwd").readlink() == here:
                    found.append(int(folder.name))
            except OSError:  # it has ended
                continue
        return found


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    folder = tmp_path_factory.mktemp("bank")
    database = set_up(folder, PLAN, CUSTOMERS)
    trunk = Trunk(folder / "trunk")
    (folder / "ringfence.toml").write_text(SETTINGS.format(port=trunk.port))
    nursery = Nursery(folder)
    try:
        nursery.start()
        yield Bank(nursery, trunk, database, iter(range(CUSTOMERS)))
    finally:
        nursery.close()
        trunk.close()
        database.dispose()


def test_a_suspicious_payment_rings_a_telephone_whose_key_blocks_the_card(bank: Bank) -> None:
    number, case_id = bank.pay()
    case = bank.closed(case_id)
    assert case.verdict is Verdict.FRAUD
    assert [attempt.end for attempt in bank.attempts(case_id)] == ["completed"]
    assert [invite.number for invite in bank.trunk.invites()] == [number]
    _check(bank, number, case)


@pytest.mark.parametrize("moment", ["ringing", "talking"])
@pytest.mark.parametrize("dies", ["server", "telephone process", "trunk"])
def test_no_case_is_lost_and_nobody_called_after_the_verdict_when(
    bank: Bank, dies: str, moment: str
) -> None:
    before = len(bank.trunk.invites())
    calls = len(bank.trunk.sound.streams)
    number, case_id = bank.pay()
    bank.trunk.wait_for_invites(before + 1)
    if moment == "talking":
        bank.trunk.sound.stream(calls, PATIENCE)
        time.sleep(0.3)
    if dies == "server":
        bank.nursery.kill()
        bank.nursery.start()
    elif dies == "telephone process":
        for process in bank.telephone_processes():
            os.kill(process, signal.SIGKILL)
    else:
        bank.trunk.kill()
        time.sleep(0.5 if moment == "ringing" else 4.0)  # a talk outlives less
        bank.trunk.start()
    case = bank.closed(case_id)
    attempts = bank.attempts(case_id)
    assert case.verdict is Verdict.FRAUD, (case, attempts)
    assert len(attempts) > 1, attempts
    assert attempts[-1].end == "completed", attempts
    _check(bank, number, case)


def test_a_server_that_is_told_to_stop_lets_a_talk_come_to_its_end(bank: Bank) -> None:
    calls = len(bank.trunk.sound.streams)
    number, case_id = bank.pay()
    bank.trunk.sound.stream(calls, PATIENCE)  # somebody has answered, and pressed nothing yet
    bank.nursery.stop()
    (attempt,) = bank.attempts(case_id)
    assert bank.case(case_id).verdict is Verdict.FRAUD
    bank.nursery.start()
    case = bank.closed(case_id)
    assert [each.attempt_id for each in bank.attempts(case_id)] == [attempt.attempt_id]
    _check(bank, number, case)


def _check(bank: Bank, number: str, case: Case) -> None:
    assert case.verdict_at is not None
    attempts = bank.attempts(case.case_id)
    calls = defaultdict(list)
    time.sleep(1.5)  # a telephone that rang once more would be heard
    for invite in bank.trunk.invites():
        calls[invite.number].append(invite)
    assert 1 <= len(calls[number]) <= len(attempts), (calls[number], attempts)
    assert all(invite.at < case.verdict_at.timestamp() for invite in calls[number])
    with bank.database.read() as connection:
        assert cards.get_card(connection, case.card_id).state is cards.CardState.BLOCKED
