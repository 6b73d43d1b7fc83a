"""A process that dies between a block here and its arrival in the table."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from moto_tables import CUSTOMER, Elsewhere, Gate

from ringfence import cards
from ringfence.cards.dynamodb import CustomerTable
from ringfence.cards.dynamodb.reading import read_customer
from ringfence.storage import Database

# Blocks the customer's cards when it is told to, and writes what waits for as long as it lives.
_KEEPER = f"""
import asyncio, sys
from ringfence import cards
from ringfence.storage import Database, now

async def keep(url, table):
    database = Database(url)
    master = cards.open_master("dynamodb://" + table, database, cards.Vault(bytes(32)))
    await master.start()
    print("started", flush=True)
    if await asyncio.to_thread(sys.stdin.readline):
        with database.write() as connection:
            for card in cards.cards_of(connection, {CUSTOMER!r}):
                cards.block(connection, card.card_id, by="test", reason="stolen", at=now())
        print("blocked", flush=True)
    await asyncio.sleep(60)

asyncio.run(keep(*sys.argv[1:]))
"""


def keeper(database: Database, table: Elsewhere) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _KEEPER, database.url, table.name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    await_line(process, "started")
    return process


def await_line(process: subprocess.Popen[str], line: str) -> None:
    """Read what the process says, logs and all, up to that line."""
    assert process.stdout is not None
    for said in process.stdout:
        if said.strip() == line:
            return
    raise AssertionError(f"the process never said {line!r}")


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["before writing", "before the write arrives", "after writing"])
def test_a_block_survives_the_death_of_its_process_at_any_moment(
    moment: str,
    mastered: Database,
    vault: cards.Vault,
    table: CustomerTable,
    elsewhere: Elsewhere,
    gate: Gate,
) -> None:
    elsewhere.put()
    read_customer(mastered, vault, table, CUSTOMER)
    process = keeper(mastered, elsewhere)

    def kill(operation: str) -> None:
        if operation == "UpdateItem":
            os.kill(process.pid, signal.SIGKILL)
            if moment == "before the write arrives":
                raise ConnectionError  # it is not passed on

    if moment == "before writing":
        gate.state = "shut"
    elif moment == "before the write arrives":
        gate.before = kill
    else:
        gate.after = kill
    with process:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
        await_line(process, "blocked")
        if moment == "before writing":
            os.kill(process.pid, signal.SIGKILL)
        assert process.wait(30) == -signal.SIGKILL
    assert elsewhere.get()["is_blocked"] is (moment == "after writing")
    with mastered.read() as connection:
        assert cards.writes_waiting(connection).customers == 1
    elsewhere.update(phone_number="+442079460000")
    gate.state, gate.before, gate.after = "open", lambda _: None, lambda _: None

    successor = keeper(mastered, elsewhere)
    for _ in range(1500):
        with mastered.read() as connection:
            if cards.writes_waiting(connection).customers == 0:
                break
        time.sleep(0.02)
    successor.kill()
    successor.communicate()

    assert elsewhere.get()["is_blocked"] is True
    assert elsewhere.get()["phone_number"] == "+442079460000"
    with mastered.read() as connection:
        (card,) = cards.cards_of(connection, CUSTOMER)
    assert card.state is cards.CardState.BLOCKED
