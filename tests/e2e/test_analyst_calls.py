"""A cardholder who is called over a trunk asks for an analyst, who takes the call at a browser
phone of the console."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import msgspec
import numpy as np
import pytest
from flow_texts import block, flow_text
from trunk_banks import SUSPICIOUS, card_number, set_up
from trunks import Trunk, missing
from websockets.sync.client import ClientConnection, connect

from ringfence.cards.permissions import ConsentRule
from ringfence.cases import ContactPlan, attempts_of, put_plan
from ringfence.contacts.agents import AgentStatus, choose_status, create_agent, find_agent
from ringfence.contacts.flows import import_flow
from ringfence.contacts.instances import ensure_instance
from ringfence.contacts.queues import create_queue
from ringfence.contacts.records import get_contact
from ringfence.lines.live_sound import LIVE_RATE
from ringfence.storage import Database, now
from servers import HEADERS, Address, server

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(missing()), reason=missing())]

PATIENCE = 60.0
ANALYST = "+4930555666"
PLAN = ContactPlan(
    name="call-cardholder",
    outcomes=("call_cardholder",),
    flow="kills",
    line="trunk",
    consent=ConsentRule.NOT_NEEDED,
    quiet_hours=None,
)
FLOW = flow_text(
    block(
        "ask",
        "GetParticipantInput",
        "end",
        {"2": "analyst"},
        Text="Press 2 for a colleague.",
        InputTimeLimitSeconds="8",
        StoreInput="False",
    ),
    block("analyst", "UpdateContactTargetQueue", "wait", QueueId="Analysts"),
    block("wait", "TransferContactToQueue", "end"),
)
SETTINGS = """
[lines.trunk]
kind = "sip"
bind_host = "127.0.0.1"
courtesy_seconds = 0.0
numbers = ["+15550100000"]

[[lines.trunk.trunks]]
name = "main"
host = "127.0.0.1:{port}"
"""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = set_up(tmp_path, PLAN, 1)
    with opened.write() as connection:
        import_flow(connection, "analyst", FLOW)
        put_plan(connection, msgspec.structs.replace(PLAN, flow="analyst"))
        instance_id = ensure_instance(connection).instance_id
        queue = create_queue(connection, instance_id, "Analysts")
        create_agent(
            connection, instance_id, "ana", phone_number=ANALYST, queue_ids=[queue.queue_id]
        )
    yield opened
    opened.dispose()


@pytest.fixture
def trunk(tmp_path: Path) -> Iterator[Trunk]:
    cardholder = Trunk(tmp_path / "trunk", key="2")
    yield cardholder
    cardholder.close()


def test_an_analyst_at_a_browser_phone_talks_with_a_cardholder_on_a_trunk(
    tmp_path: Path, trunk: Trunk, database: Database
) -> None:
    (tmp_path / "ringfence.toml").write_text(SETTINGS.format(port=trunk.port))
    with server(tmp_path) as there, phone(there) as analyst:
        agent_id = comes_to_work(database)
        case_id = pay(there)
        ring = waits_for(analyst, "ring")
        assert ring["from_number"] == "+15550100000"
        tell(analyst, type="answer", call_id=ring["call_id"])
        waits_for(analyst, "bridged")
        cardholder = trunk.sound.stream()
        trunk.sound.say(tone(440, 8000), cardholder)
        assert level(hears(analyst, 1.5), 440, LIVE_RATE) > 3000
        for frame in np.array_split(tone(700, LIVE_RATE), 25):
            analyst.send(frame.astype("<i2").tobytes())
            time.sleep(0.04)
        time.sleep(0.5)
        assert level(cardholder.heard()[-16000:], 700, 8000) > 1500
        tell(analyst, type="hang_up", call_id=ring["call_id"])
        (attempt,) = over(database, case_id)
        assert attempt.end == "completed"
        with database.read() as connection:
            contact = get_contact(connection, attempt.attempt_id)
        assert contact.agent_id == agent_id
        assert contact.agent_connected_at is not None


def comes_to_work(database: Database) -> str:
    """The analyst is available; their id."""
    with database.write() as connection:
        agent = find_agent(connection, ensure_instance(connection).instance_id, "ana")
        assert agent is not None
        choose_status(connection, agent.agent_id, AgentStatus.AVAILABLE, now())
    return agent.agent_id


def pay(there: Address) -> str:
    """A suspicious payment; its case."""
    body = {
        "customer": "c0",
        "card_number": card_number(0),
        "event_id": uuid.uuid4().hex,
        "event_timestamp": now().isoformat(),
        "transaction": SUSPICIOUS,
    }
    with httpx2.Client(trust_env=False, timeout=20) as client:
        reply = client.post(f"{there.url}/v1/transactions", json=body, headers=HEADERS)
    assert reply.status_code == 200, reply.text
    return str(reply.json()["case"]["case_id"])


def over(database: Database, case_id: str) -> list[Any]:
    """The attempts of the case, once they are over."""
    until = time.monotonic() + PATIENCE
    while True:
        with database.read() as connection:
            attempts = list(attempts_of(connection, case_id))
        if attempts and all(attempt.end for attempt in attempts):
            return attempts
        assert time.monotonic() < until, attempts
        time.sleep(0.1)


@contextmanager
def phone(there: Address) -> Iterator[ClientConnection]:
    """The analyst's browser phone, as a program."""
    url = f"{there.phones}?number={quote(ANALYST, safe='')}"
    with connect(url, additional_headers=HEADERS, proxy=None, compression=None) as socket:
        tell(socket, type="hello", version=1, phone_id=uuid.uuid4().hex)
        waits_for(socket, "welcome")
        yield socket


def tell(socket: ClientConnection, **message: object) -> None:
    socket.send(json.dumps(message))


def waits_for(socket: ClientConnection, kind: str) -> dict[str, Any]:
    """The next message of that type."""
    until = time.monotonic() + PATIENCE
    while True:
        data = socket.recv(timeout=max(0.01, until - time.monotonic()))
        if isinstance(data, str) and (message := json.loads(data))["type"] == kind:
            return dict(message)


def hears(socket: ClientConnection, seconds: float) -> np.ndarray[Any, Any]:
    """The sound that comes within so long, as it would last."""
    sound = b""
    while len(sound) < 2 * LIVE_RATE * seconds:
        data = socket.recv(timeout=PATIENCE)
        if isinstance(data, bytes):
            sound += data
    return np.frombuffer(sound, "<i2")


def tone(hertz: float, rate: int) -> np.ndarray[Any, Any]:
    """A second of it."""
    return (9000 * np.sin(2 * np.pi * hertz * np.arange(rate) / rate)).astype(np.int16)


def level(sound: np.ndarray[Any, Any], hertz: float, rate: int) -> float:
    """How loud that tone is in the loudest half second of it."""
    wave = np.exp(-2j * np.pi * hertz * np.arange(rate // 2) / rate)
    parts = [
        sound[start : start + rate // 2]
        for start in range(0, len(sound) - rate // 2 + 1, rate // 10)
    ]
    return max(abs(2 * np.mean(part * wave)) for part in parts)
