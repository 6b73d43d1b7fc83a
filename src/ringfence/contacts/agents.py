"""Agents: analysts who take contacts on a telephone, and whether they can take one now.

What an agent does is said by a status that they chose, by a status that ends by itself (work after
a contact, a call that was missed), by the contact that they have, and by whether they were seen
lately: a status of somebody who has gone home means nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Connection, Row, delete, insert, select, update

from ringfence.cards.phones import read_phone_number
from ringfence.contacts import tables
from ringfence.contacts.instances import get_instance
from ringfence.contacts.naming import given, new_id, require_text
from ringfence.errors import Conflict, InvalidInput, NotFound
from ringfence.flows import Agent
from ringfence.storage import now

SEEN_WITHIN = timedelta(seconds=60)
MISSED_FOR = timedelta(seconds=30)

_LONGEST_USER_NAME, _LONGEST_OTHER_NAME = 128, 100


class AgentStatus(StrEnum):
    """What an agent does. `BUSY` and `MISSED_CALL` are never chosen."""

    AVAILABLE = "available"
    BUSY = "busy"
    AFTER_CONTACT_WORK = "after contact work"
    MISSED_CALL = "missed call"
    BREAK = "break"
    OFFLINE = "offline"


CHOSEN = (
    AgentStatus.AVAILABLE,
    AgentStatus.AFTER_CONTACT_WORK,
    AgentStatus.BREAK,
    AgentStatus.OFFLINE,
)


class StoredAgent(msgspec.Struct, frozen=True, kw_only=True):
    """An agent. The phone number is E.164; `status` is the one on record, see `status_now`.

    `status_until` is when it ends by itself and the agent is available again; `place_id` names the
    place in a queue whose contact the agent has.
    """

    agent_id: str
    instance_id: str
    user_name: str
    first_name: str = ""
    last_name: str = ""
    phone_number: str
    queue_ids: Sequence[str] = ()
    status: AgentStatus = AgentStatus.OFFLINE
    status_at: datetime
    status_until: datetime | None = None
    seen_at: datetime
    place_id: str | None = None

    def status_now(self, at: datetime) -> AgentStatus:
        """What the agent does at that time."""
        return AgentStatus.BUSY if self.place_id is not None else self.status_between(at)

    def status_between(self, at: datetime) -> AgentStatus:
        """The same, but for a contact that they have."""
        if self.status is AgentStatus.OFFLINE or at - self.seen_at > SEEN_WITHIN:
            return AgentStatus.OFFLINE
        if self.status_until is not None and self.status_until <= at:
            return AgentStatus.AVAILABLE
        return self.status

    def idle_since(self) -> datetime:
        """Since when the agent has been available, if that is so."""
        return self.status_until or self.status_at

    def as_flows_see_it(self) -> Agent:
        """The same for a flow."""
        return Agent(
            agent_id=self.agent_id,
            user_name=self.user_name,
            phone_number=self.phone_number,
            first_name=self.first_name,
            last_name=self.last_name,
        )


def create_agent(
    connection: Connection,
    instance_id: str,
    user_name: str,
    *,
    phone_number: str,
    queue_ids: Sequence[str] = (),
    first_name: str = "",
    last_name: str = "",
) -> StoredAgent:
    """Make an agent, who is offline until they say otherwise.

    Raises `InvalidInput` naming what does not fit, `Conflict` for a name that is taken, `NotFound`
    for an instance or a queue that is not there.
    """
    get_instance(connection, instance_id)
    at = now()
    agent = StoredAgent(
        agent_id=new_id(),
        instance_id=instance_id,
        user_name=user_name,
        first_name=first_name,
        last_name=last_name,
        phone_number=read_phone_number(phone_number).e164,
        queue_ids=list(dict.fromkeys(queue_ids)),
        status_at=at,
        seen_at=at,
    )
    _check(connection, agent)
    table = tables.agents
    taken = select(table.c.agent_id).where(
        table.c.instance_id == instance_id, table.c.user_name == user_name
    )
    if connection.execute(taken).first() is not None:
        raise Conflict(f"there is an agent {user_name!r} already", field="user_name")
    connection.execute(insert(table).values(**msgspec.structs.asdict(agent)))
    return agent


def get_agent(connection: Connection, agent_id: str) -> StoredAgent:
    """The agent of that id. Raises `NotFound`."""
    table = tables.agents
    row = connection.execute(select(table).where(table.c.agent_id == agent_id)).first()
    if row is None:
        raise NotFound(f"there is no agent {agent_id!r}", field="agent_id")
    return agent_of(row)


def find_agent(connection: Connection, instance_id: str, user_name: str) -> StoredAgent | None:
    """The agent of that user; None when they are none."""
    table = tables.agents
    row = connection.execute(
        select(table).where(table.c.instance_id == instance_id, table.c.user_name == user_name)
    ).first()
    return None if row is None else agent_of(row)


def list_agents(connection: Connection, instance_id: str) -> list[StoredAgent]:
    """The agents of an instance by name."""
    table = tables.agents
    rows = connection.execute(
        select(table).where(table.c.instance_id == instance_id).order_by(table.c.user_name)
    )
    return [agent_of(row) for row in rows]


def update_agent(
    connection: Connection,
    agent_id: str,
    *,
    phone_number: str | UnsetType = UNSET,
    queue_ids: Sequence[str] | UnsetType = UNSET,
    first_name: str | UnsetType = UNSET,
    last_name: str | UnsetType = UNSET,
) -> StoredAgent:
    """Change what is given of an agent; raises as `create_agent` does."""
    agent = get_agent(connection, agent_id)
    if not isinstance(phone_number, UnsetType):
        phone_number = read_phone_number(phone_number).e164
    if not isinstance(queue_ids, UnsetType):
        queue_ids = list(dict.fromkeys(queue_ids))
    values = given(
        phone_number=phone_number,
        queue_ids=queue_ids,
        first_name=first_name,
        last_name=last_name,
    )
    changed = msgspec.structs.replace(agent, **values)
    _check(connection, changed)
    if values:
        _write(connection, agent_id, **values)
    return changed


def choose_status(
    connection: Connection, agent_id: str, status: AgentStatus, at: datetime
) -> StoredAgent:
    """Let an agent do something else, and note that they were seen.

    During a contact it holds from its end on. Raises `NotFound`, and `InvalidInput` for a status
    that is not for anyone to choose.
    """
    if status not in CHOSEN:
        raise InvalidInput(
            f"{status} is not for anyone to choose",
            field="status",
            expected="one of " + ", ".join(CHOSEN),
        )
    get_agent(connection, agent_id)
    _write(connection, agent_id, status=status, status_at=at, status_until=None, seen_at=at)
    return get_agent(connection, agent_id)


def seen(connection: Connection, agent_id: str, at: datetime) -> None:
    """The agent is there. Raises `NotFound`."""
    _write(connection, agent_id, seen_at=at)


def delete_agent(connection: Connection, agent_id: str) -> None:
    """Remove an agent. Raises `NotFound`, and `Conflict` while they have a contact."""
    agent = get_agent(connection, agent_id)
    if agent.place_id is not None:
        raise Conflict(f"{agent.user_name!r} has a contact", field="agent_id")
    connection.execute(delete(tables.agents).where(tables.agents.c.agent_id == agent_id))


def agent_of(row: Row[tuple[Any, ...]]) -> StoredAgent:
    """The agent in a row of the table."""
    return StoredAgent(**{**row._mapping, "status": AgentStatus(row.status)})


def _check(connection: Connection, agent: StoredAgent) -> None:
    if not agent.user_name.strip() or len(agent.user_name) > _LONGEST_USER_NAME:
        raise InvalidInput(
            "not the name of a user",
            field="user_name",
            expected=f"1 to {_LONGEST_USER_NAME} characters",
        )
    require_text(agent.first_name, "first_name", _LONGEST_OTHER_NAME)
    require_text(agent.last_name, "last_name", _LONGEST_OTHER_NAME)
    queues = tables.queues.c
    known = set(
        connection.execute(
            select(queues.queue_id).where(queues.instance_id == agent.instance_id)
        ).scalars()
    )
    for queue_id in agent.queue_ids:
        if queue_id not in known:
            raise NotFound(f"there is no queue {queue_id!r}", field="queue_ids")


def _write(connection: Connection, agent_id: str, **values: object) -> None:
    table = tables.agents
    changed = connection.execute(
        update(table).where(table.c.agent_id == agent_id).values(**values)
    ).rowcount
    if not changed:
        raise NotFound(f"there is no agent {agent_id!r}", field="agent_id")
