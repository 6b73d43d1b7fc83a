"""Calls that wait for their turn on a line of a real server: test calls, and accepted calls in the
midst of which it is killed."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest
from connect_programs import bank_with_flow, connect_client
from sqlalchemy import select
from trunks import Trunk, missing

from ringfence.contacts import tables
from servers import HEADERS, Nursery, server

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(missing()), reason=missing())]

PATIENCE = 60.0
BANK = "+15550100000"
NUMBERS = [f"+49307777777{number}" for number in range(4)]
SETTINGS = """
[lines.trunk]
kind = "sip"
bind_host = "127.0.0.1"
calls_at_once = 1
courtesy_seconds = 0.0
numbers = ["{bank}"]

[[lines.trunk.trunks]]
name = "main"
host = "127.0.0.1:{port}"
"""


def test_calls_that_waited_for_the_line_when_the_server_was_killed_ring_once_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGFENCE_AWS_ACCEPT_ANY_KEY", "1")
    database, instance_id = bank_with_flow(tmp_path)
    trunk = Trunk(tmp_path / "trunk", ring_seconds=1.5)
    (tmp_path / "ringfence.toml").write_text(SETTINGS.format(bank=BANK, port=trunk.port))
    nursery = Nursery(tmp_path)
    try:
        nursery.start()
        client = connect_client(nursery.there.url)
        for number in NUMBERS:
            client.start_outbound_voice_contact(
                InstanceId=instance_id,
                ContactFlowId="kills",
                SourcePhoneNumber=BANK,
                DestinationPhoneNumber=number,
            )
        trunk.wait_for_invites(1)
        nursery.kill()
        contacts = tables.contacts.c
        with database.read() as connection:
            waited = connection.execute(
                select(contacts.customer_number).where(contacts.dialled_at.is_(None))
            ).scalars()
            assert sorted(waited) == NUMBERS[1:]
        nursery.start()
        until = time.monotonic() + PATIENCE
        left = list(NUMBERS)
        while left:
            assert time.monotonic() < until, (left, nursery.there.log.read_text()[-3000:])
            time.sleep(0.1)
            with database.read() as connection:
                left = list(
                    connection.execute(
                        select(contacts.customer_number).where(contacts.disconnected_at.is_(None))
                    ).scalars()
                )
    finally:
        nursery.close()
        trunk.close()
    with database.read() as connection:
        reasons = dict(
            connection.execute(select(contacts.customer_number, contacts.disconnect_reason)).all()  # type: ignore[arg-type]
        )
    database.dispose()
    rung = [invite.number for invite in trunk.invites()]
    assert rung == NUMBERS
    assert reasons[NUMBERS[0]] == "TELECOM_PROBLEM"  # cut off, and not dialled again
    assert {reasons[each] for each in NUMBERS[1:]} == {"CONTACT_FLOW_DISCONNECT"}


def test_a_test_call_waits_until_the_line_takes_it(tmp_path: Path) -> None:
    database, _ = bank_with_flow(tmp_path)
    database.dispose()
    trunk = Trunk(tmp_path / "trunk", ring_seconds=0.3)
    (tmp_path / "ringfence.toml").write_text(SETTINGS.format(bank=BANK, port=trunk.port))

    def call(number: str) -> tuple[str, str]:
        """When it rang, and when it was over."""
        body = {"to_number": number, "line": "trunk", "flow": "kills"}
        with httpx2.Client(trust_env=False, timeout=PATIENCE, headers=HEADERS) as client:
            reply = client.post(f"{there.url}/v1/test-calls", json=body)
        assert reply.status_code == 200, reply.text
        placed = reply.json()
        assert placed["result"]["end"] == "completed"
        return placed["events"][0]["at"], placed["result"]["ended_at"]

    try:
        with server(tmp_path) as there, ThreadPoolExecutor(3) as threads:
            first, second, third = sorted(threads.map(call, NUMBERS[:3]))
    finally:
        trunk.close()
    assert first[1] <= second[0] <= second[1] <= third[0]
