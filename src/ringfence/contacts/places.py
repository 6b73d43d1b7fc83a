"""Places in queues: taken, served by an agent, left.

An agent has one contact at a time: the agent's row names the place. Whose turn it is, is the
matter of `turns`; what becomes of places whose server is gone that of `lost_places`.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from ringfence.contacts import tables
from ringfence.contacts.agents import MISSED_FOR, AgentStatus, StoredAgent, agent_of
from ringfence.contacts.naming import new_id
from ringfence.errors import NotFound
from ringfence.flows import AtCapacity

# This process, as the holder of places.
SERVER = f"{socket.gethostname()[:80]}/{os.getpid()}/{uuid.uuid4().hex[:12]}"
DEFAULT_PRIORITY = 5


class PlaceKind(StrEnum):
    """Who waits: somebody on the telephone, or nobody, to be called back."""

    CONTACT = "contact"
    CALLBACK = "callback"


class PlaceState(StrEnum):
    """How far it has got. A call-back that is `LEFT` is over."""

    WAITING = "waiting"
    OFFERED = "offered"
    CONNECTED = "connected"
    LEFT = "left"


class StoredPlace(msgspec.Struct, frozen=True, kw_only=True):
    """A place. It counts as if it had been entered at `counts_from`, and not before `due_at`.

    `phone_number` is whom to call back, `attempts_left` how often that may still be tried.
    """

    place_id: str
    queue_id: str
    contact_id: str
    kind: PlaceKind = PlaceKind.CONTACT
    state: PlaceState = PlaceState.WAITING
    phone_number: str = ""
    priority: int = DEFAULT_PRIORITY
    counts_from: datetime
    due_at: datetime
    attempts_left: int = 1
    retry_seconds: float = 0.0
    agent_id: str | None = None
    entered_at: datetime
    connected_at: datetime | None = None
    left_at: datetime | None = None
    server: str = SERVER
    seen_at: datetime


def enter_queue(
    connection: Connection,
    queue_id: str,
    contact_id: str,
    at: datetime,
    *,
    kind: PlaceKind = PlaceKind.CONTACT,
    priority: int = DEFAULT_PRIORITY,
    waited_seconds: float = 0.0,
    phone_number: str = "",
    delay_seconds: float = 0.0,
    attempts: int = 1,
    retry_seconds: float = 0.0,
) -> StoredPlace:
    """Take a place at the end of a queue; `waited_seconds` puts it further ahead.

    Raises `AtCapacity` where the queue is full or disabled, `NotFound` where there is none.
    """
    queues = tables.queues.c
    # Locked where other servers may enter the same queue: none of them sees too few.
    queue = connection.execute(
        select(queues.enabled, queues.most_contacts)
        .where(queues.queue_id == queue_id)
        .with_for_update()
    ).first()
    if queue is None:
        raise NotFound(f"there is no queue {queue_id!r}", field="queue_id")
    if not queue.enabled:
        raise AtCapacity("the queue is disabled")
    if queue.most_contacts is not None:
        waiting = [each for each in open_places(connection, queue_id) if is_waiting(each)]
        if len(waiting) >= queue.most_contacts:
            raise AtCapacity(f"{len(waiting)} contacts wait already")
    place = StoredPlace(
        place_id=new_id(),
        queue_id=queue_id,
        contact_id=contact_id,
        kind=kind,
        phone_number=phone_number,
        priority=priority,
        counts_from=at + timedelta(seconds=delay_seconds - waited_seconds),
        due_at=at + timedelta(seconds=delay_seconds),
        attempts_left=attempts,
        retry_seconds=retry_seconds,
        entered_at=at,
        seen_at=at,
    )
    connection.execute(insert(tables.queue_places).values(**msgspec.structs.asdict(place)))
    return place


def get_place(connection: Connection, place_id: str) -> StoredPlace:
    """The place of that id. Raises `NotFound`."""
    table = tables.queue_places
    row = connection.execute(select(table).where(table.c.place_id == place_id)).first()
    if row is None:
        raise NotFound(f"there is no place {place_id!r}", field="place_id")
    return _place(row)


def connect_place(connection: Connection, place_id: str, at: datetime) -> StoredPlace | None:
    """The agent has taken the contact; None where the agent was not set aside for it (any more)."""
    places, agents = tables.queue_places, tables.agents
    changed = connection.execute(
        update(places)
        .where(places.c.place_id == place_id, places.c.state == PlaceState.OFFERED)
        .values(state=PlaceState.CONNECTED, connected_at=at, seen_at=at)
    ).rowcount
    connection.execute(update(agents).where(agents.c.place_id == place_id).values(seen_at=at))
    return get_place(connection, place_id) if changed else None


def miss_place(connection: Connection, place_id: str, at: datetime) -> None:
    """The agent has not answered: the contact waits on, and the agent is at the end of the line,
    and not asked for a while."""
    places = tables.queue_places
    connection.execute(
        update(places)
        .where(places.c.place_id == place_id, places.c.state == PlaceState.OFFERED)
        .values(state=PlaceState.WAITING, agent_id=None, seen_at=at)
    )
    agent = _agent_with(connection, place_id)
    if agent is not None:
        free_agent(connection, place_id)
        if agent.status_between(at) is AgentStatus.AVAILABLE:
            _end_with(connection, agent, AgentStatus.MISSED_CALL, at, at + MISSED_FOR)


def leave_place(
    connection: Connection, place_id: str, at: datetime, after_contact_seconds: float
) -> StoredPlace | None:
    """The contact waits no longer; None where it had left. An agent who has had it gets some time
    for the work after it."""
    place, places = get_place(connection, place_id), tables.queue_places
    changed = connection.execute(
        update(places)
        .where(places.c.place_id == place_id, places.c.state != PlaceState.LEFT)
        .values(state=PlaceState.LEFT, left_at=at)
    ).rowcount
    release_agent(connection, place, at, after_contact_seconds)
    return get_place(connection, place_id) if changed else None


def release_agent(
    connection: Connection, place: StoredPlace, at: datetime, after_contact_seconds: float
) -> None:
    """Let the agent go who has, or was offered, the contact of a place."""
    agent = _agent_with(connection, place.place_id)
    if agent is None:
        return
    free_agent(connection, place.place_id)
    chosen_meanwhile = agent.status is not AgentStatus.AVAILABLE and agent.status_until is None
    if place.state is PlaceState.CONNECTED and not chosen_meanwhile:
        # Who was on the telephone was there.
        until = at + timedelta(seconds=after_contact_seconds)
        _end_with(connection, agent, AgentStatus.AFTER_CONTACT_WORK, at, until, seen_at=at)


def retry_callback(connection: Connection, place: StoredPlace, at: datetime) -> bool:
    """Let a call-back that came to nothing wait again; False where that was the last attempt."""
    places = tables.queue_places
    left = place.attempts_left - 1
    if left <= 0:
        return False
    connection.execute(
        update(places)
        .where(places.c.place_id == place.place_id, places.c.state != PlaceState.LEFT)
        .values(
            state=PlaceState.WAITING,
            agent_id=None,
            connected_at=None,
            attempts_left=left,
            due_at=at + timedelta(seconds=place.retry_seconds),
            seen_at=at,
        )
    )
    return True


def hold_places(connection: Connection, place_ids: Collection[str], at: datetime) -> None:
    """Say that somebody still holds these places."""
    places = tables.queue_places
    connection.execute(
        update(places).where(places.c.place_id.in_(list(place_ids))).values(seen_at=at)
    )


def free_agent(connection: Connection, place_id: str) -> None:
    """No agent has the contact of a place."""
    agents = tables.agents
    connection.execute(update(agents).where(agents.c.place_id == place_id).values(place_id=None))


def is_waiting(place: StoredPlace) -> bool:
    """Whether nobody has taken the contact yet."""
    return place.state in (PlaceState.WAITING, PlaceState.OFFERED)


def open_places(connection: Connection, queue_id: str | None = None) -> list[StoredPlace]:
    """The places of a queue, or of all, that have not been left."""
    table = tables.queue_places
    query = select(table).where(table.c.state != PlaceState.LEFT)
    if queue_id is not None:
        query = query.where(table.c.queue_id == queue_id)
    return [_place(row) for row in connection.execute(query)]


def _agent_with(connection: Connection, place_id: str) -> StoredAgent | None:
    table = tables.agents
    row = connection.execute(select(table).where(table.c.place_id == place_id)).first()
    return None if row is None else agent_of(row)


def _end_with(
    connection: Connection,
    agent: StoredAgent,
    status: AgentStatus,
    at: datetime,
    until: datetime,
    **more: datetime,
) -> None:
    agents = tables.agents
    connection.execute(
        update(agents)
        .where(agents.c.agent_id == agent.agent_id)
        .values(status=status, status_at=at, status_until=until, **more)
    )


def _place(row: Row[tuple[Any, ...]]) -> StoredPlace:
    return StoredPlace(
        **{**row._mapping, "kind": PlaceKind(row.kind), "state": PlaceState(row.state)}
    )
