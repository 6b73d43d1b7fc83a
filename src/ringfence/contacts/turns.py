"""Whose turn it is: contacts that wait, and agents who are free, brought together.

Those who are first (by priority, then by how long they have waited) are served first, by the agent
who has been idle for the longest. Everybody who asks finds the same pairs and claims those that
are their own, in a transaction: neither two tasks nor two servers take the same agent.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from ringfence.contacts import tables
from ringfence.contacts.agents import AgentStatus, StoredAgent, agent_of
from ringfence.contacts.places import (
    SERVER,
    PlaceKind,
    PlaceState,
    StoredPlace,
    is_waiting,
    open_places,
)
from ringfence.flows import QueueMetrics

_OFFER_WITHIN = timedelta(seconds=20)


def turns(connection: Connection, at: datetime) -> list[tuple[StoredPlace, StoredAgent]]:
    """Whose turn it is, and with whom, over all queues; nothing is claimed."""
    agents = tables.agents
    free = [
        agent
        for row in connection.execute(select(agents).where(agents.c.place_id.is_(None)))
        if (agent := agent_of(row)).status_now(at) is AgentStatus.AVAILABLE
    ]
    if not free:
        return []
    free.sort(key=lambda agent: (agent.idle_since(), agent.agent_id))
    waiting = [
        place
        for place in open_places(connection)
        if place.state is PlaceState.WAITING
        and place.due_at <= at
        # Nobody would take the call of a place whose server is gone.
        and (place.kind is PlaceKind.CALLBACK or at - place.seen_at < _OFFER_WITHIN)
    ]
    waiting.sort(key=lambda place: (place.priority, place.counts_from, place.place_id))
    found = []
    for place in waiting:
        first = next((agent for agent in free if place.queue_id in agent.queue_ids), None)
        if first is not None:
            free.remove(first)
            found.append((place, first))
    return found


def take_turns(
    connection: Connection, place_ids: Collection[str], at: datetime
) -> list[tuple[StoredPlace, StoredAgent]]:
    """Set aside the agents for those of the places whose turn it is, which are offered then."""
    places, agents = tables.queue_places, tables.agents
    taken = []
    # Always in the same order, so that two servers never wait for each other.
    mine = [turn for turn in turns(connection, at) if turn[0].place_id in place_ids]
    for place, agent in sorted(mine, key=lambda turn: turn[1].agent_id):
        offered = connection.execute(
            update(places)
            .where(places.c.place_id == place.place_id, places.c.state == PlaceState.WAITING)
            .values(state=PlaceState.OFFERED, agent_id=agent.agent_id, server=SERVER, seen_at=at)
        ).rowcount
        if not offered:
            continue
        claimed = connection.execute(
            update(agents)
            .where(
                agents.c.agent_id == agent.agent_id,
                agents.c.place_id.is_(None),
                agents.c.status == agent.status,
            )
            .values(place_id=place.place_id)
        ).rowcount
        if claimed:
            taken.append((place, agent))
        else:
            connection.execute(
                update(places)
                .where(places.c.place_id == place.place_id)
                .values(state=PlaceState.WAITING, agent_id=None)
            )
    return taken


def due_callbacks(connection: Connection, at: datetime) -> list[StoredPlace]:
    """The call-backs that an agent may be asked for now, the first first."""
    due = [
        place
        for place in open_places(connection)
        if place.kind is PlaceKind.CALLBACK
        and place.state is PlaceState.WAITING
        and place.due_at <= at
    ]
    return sorted(due, key=lambda place: (place.priority, place.counts_from, place.place_id))


def queue_metrics(connection: Connection, queue_id: str, at: datetime) -> QueueMetrics:
    """How a queue stands."""
    waiting = [
        place
        for place in open_places(connection, queue_id)
        if is_waiting(place) and place.due_at <= at
    ]
    oldest = min((max(place.entered_at, place.due_at) for place in waiting), default=at)
    doing = [
        agent.status_now(at)
        for row in connection.execute(select(tables.agents))
        if queue_id in (agent := agent_of(row)).queue_ids
    ]
    online = [status for status in doing if status is not AgentStatus.OFFLINE]
    return QueueMetrics(
        waiting=len(waiting),
        oldest_seconds=(at - oldest).total_seconds(),
        agents_online=len(online),
        agents_available=online.count(AgentStatus.AVAILABLE),
        agents_staffed=len(online) - online.count(AgentStatus.BREAK),
        agents_after_contact_work=online.count(AgentStatus.AFTER_CONTACT_WORK),
        agents_busy=online.count(AgentStatus.BUSY),
        agents_missed=online.count(AgentStatus.MISSED_CALL),
        agents_non_productive=online.count(AgentStatus.BREAK),
    )
