"""Call centres of tests: an instance, its queues, and agents who are there."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection

from ringfence.contacts.agents import (
    AgentStatus,
    StoredAgent,
    choose_status,
    create_agent,
    get_agent,
)
from ringfence.contacts.announcements import Announcer
from ringfence.contacts.instances import ensure_instance
from ringfence.contacts.queues import create_queue
from ringfence.contacts.records import StoredContact, open_contact
from ringfence.flows import Contact, ContactState
from ringfence.storage import Database

T = TypeVar("T")
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)  # a Monday
ANNOUNCER = Announcer("eu-central-1", "000000000000")
INSTANCE_ARN = "arn:aws:connect:eu-central-1:000000000000:instance/example"


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def wav(seconds: float = 0.1, *, tag: int = 1) -> bytes:
    """Silence: 8 kHz, 8 bit, mono."""
    data = b"\x80" * round(seconds * 8000)
    form = struct.pack("<HHIIHH", tag, 1, 8000, 8000, 1, 8)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form
    chunks += b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def state_of(contact_id: str, **facts: Any) -> ContactState:
    contact = Contact(
        contact_id=contact_id,
        attributes={},
        customer_number="+4930901820",
        system_number="+15550100000",
        instance_arn=INSTANCE_ARN,
        **facts,
    )
    return ContactState.of(contact)


def during(coroutine: Coroutine[Any, Any, T], seconds: float = 20.0) -> T:
    """Run it; a test that hangs fails."""

    async def limited() -> T:
        async with asyncio.timeout(seconds):
            return await coroutine

    return asyncio.run(limited())


async def eventually(done: Callable[[], bool]) -> None:
    """Until it is so; what it reads is on disk, so that nobody could set an event."""
    while not done():  # noqa: ASYNC110
        await asyncio.sleep(0.02)


class Centre:
    """An instance in a database."""

    def __init__(self, database: Database):
        self.database = database
        self.instance_id = self.write(ensure_instance).instance_id

    def read(self, ask: Callable[..., T], *arguments: Any, **more: Any) -> T:
        with self.database.read() as connection:
            return ask(connection, *arguments, **more)

    def write(self, do: Callable[..., T], *arguments: Any, **more: Any) -> T:
        with self.database.write() as connection:
            return do(connection, *arguments, **more)

    def queue(self, name: str = "Fraud analysts", **facts: Any) -> str:
        return self.write(create_queue, self.instance_id, name, **facts).queue_id

    def agent(
        self, name: str, *queue_ids: str, at: datetime = NOON, number: str = "+4930901821"
    ) -> str:
        """One who is available, and was seen at that time."""

        def make(connection: Connection) -> StoredAgent:
            agent = create_agent(
                connection, self.instance_id, name, phone_number=number, queue_ids=queue_ids
            )
            return choose_status(connection, agent.agent_id, AgentStatus.AVAILABLE, at)

        return self.write(make).agent_id

    def status(self, agent_id: str, at: datetime = NOON) -> AgentStatus:
        return self.read(get_agent, agent_id).status_now(at)

    def contact(self, contact_id: str, **facts: Any) -> StoredContact:
        """One on record."""
        values: dict[str, Any] = {
            "contact_id": contact_id,
            "instance_id": self.instance_id,
            "initial_contact_id": contact_id,
            "line": "line",
            "customer_number": "+4930901820",
            "system_number": "+15550100000",
            "initiated_at": NOON,
            "updated_at": NOON,
        }
        return self.write(open_contact, StoredContact(**(values | facts)))
