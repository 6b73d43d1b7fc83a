"""Queues: where contacts wait for an analyst, and the number that its calls come from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Connection, Row, delete, insert, select

from ringfence.cards.phones import read_phone_number
from ringfence.contacts import tables
from ringfence.contacts.arns import resource_arn
from ringfence.contacts.naming import (
    change,
    given,
    new_id,
    rename,
    require_free,
    require_name,
    require_text,
)
from ringfence.errors import Conflict, InvalidInput, NotFound
from ringfence.flows import Queue, ResourceKind
from ringfence.storage import now

_LONGEST_NAME, _LONGEST_CALLER_NAME = 256, 255


class StoredQueue(msgspec.Struct, frozen=True, kw_only=True):
    """A queue. `most_contacts` is None where any number may wait; a disabled one takes none.

    `caller_number` (E.164, or empty) and `caller_name` are what its calls show, `outbound_flow_id`
    the whisper flow of its outbound calls.
    """

    queue_id: str
    instance_id: str
    name: str
    description: str = ""
    caller_number: str = ""
    caller_name: str = ""
    hours_id: str | None = None
    outbound_flow_id: str | None = None
    most_contacts: int | None = None
    enabled: bool = True
    tags: Mapping[str, str] = {}
    updated_at: datetime

    def as_flows_see_it(self, instance_arn: str) -> Queue:
        """The same for a flow; `instance_arn` is that of its instance."""
        return Queue(
            queue_id=self.queue_id,
            arn=resource_arn(instance_arn, ResourceKind.QUEUE, self.queue_id),
            name=self.name,
            caller_number=self.caller_number,
            hours_id=self.hours_id or "",
        )


def create_queue(
    connection: Connection,
    instance_id: str,
    name: str,
    *,
    description: str = "",
    caller_number: str = "",
    caller_name: str = "",
    hours_id: str | None = None,
    outbound_flow_id: str | None = None,
    most_contacts: int | None = None,
    enabled: bool = True,
    tags: Mapping[str, str] | None = None,
) -> StoredQueue:
    """Make a queue.

    Raises `InvalidInput` naming what does not fit, `Conflict` for a name that is taken, `NotFound`
    for an instance or hours of operation that are not there.
    """
    require_name(name, _LONGEST_NAME)
    require_free(connection, tables.queues, instance_id, name, "queue")
    queue = StoredQueue(
        queue_id=new_id(),
        instance_id=instance_id,
        name=name,
        description=description,
        caller_number=_number(caller_number),
        caller_name=caller_name,
        hours_id=hours_id,
        outbound_flow_id=outbound_flow_id,
        most_contacts=most_contacts,
        enabled=enabled,
        tags=dict(tags or {}),
        updated_at=now(),
    )
    _check(connection, queue)
    connection.execute(insert(tables.queues).values(**msgspec.structs.asdict(queue)))
    return queue


def get_queue(connection: Connection, queue_id: str) -> StoredQueue:
    """The queue of that id. Raises `NotFound`."""
    table = tables.queues
    row = connection.execute(select(table).where(table.c.queue_id == queue_id)).first()
    if row is None:
        raise NotFound(f"there is no queue {queue_id!r}", field="queue_id")
    return _queue(row)


def list_queues(connection: Connection, instance_id: str) -> list[StoredQueue]:
    """The queues of an instance by name."""
    table = tables.queues
    rows = connection.execute(
        select(table).where(table.c.instance_id == instance_id).order_by(table.c.name)
    )
    return [_queue(row) for row in rows]


def update_queue(
    connection: Connection,
    queue_id: str,
    *,
    name: str | UnsetType = UNSET,
    description: str | UnsetType = UNSET,
    caller_number: str | UnsetType = UNSET,
    caller_name: str | UnsetType = UNSET,
    hours_id: str | UnsetType | None = UNSET,
    outbound_flow_id: str | UnsetType | None = UNSET,
    most_contacts: int | UnsetType | None = UNSET,
    enabled: bool | UnsetType = UNSET,
    tags: Mapping[str, str] | UnsetType = UNSET,
) -> StoredQueue:
    """Change what is given of a queue; raises as `create_queue` does."""
    queue = get_queue(connection, queue_id)
    rename(connection, tables.queues, queue.instance_id, queue.name, name, "queue", _LONGEST_NAME)
    if not isinstance(caller_number, UnsetType):
        caller_number = _number(caller_number)
    values = given(
        name=name,
        description=description,
        caller_number=caller_number,
        caller_name=caller_name,
        hours_id=hours_id,
        outbound_flow_id=outbound_flow_id,
        most_contacts=most_contacts,
        enabled=enabled,
        tags=tags,
    )
    _check(connection, msgspec.structs.replace(queue, **values))
    change(connection, tables.queues, "queue_id", queue_id, "queue", values)
    return get_queue(connection, queue_id)


def delete_queue(connection: Connection, queue_id: str) -> None:
    """Remove a queue; agents serve it no longer.

    Raises `NotFound`, and `Conflict` while contacts wait in it.
    """
    from ringfence.contacts.agents import list_agents, update_agent

    queue = get_queue(connection, queue_id)
    places = tables.queue_places
    in_it = select(places.c.place_id).where(
        places.c.queue_id == queue_id, places.c.left_at.is_(None)
    )
    if connection.execute(in_it.limit(1)).first() is not None:
        raise Conflict(f"contacts wait in the queue {queue.name!r}", field="queue_id")
    for agent in list_agents(connection, queue.instance_id):
        if queue_id in agent.queue_ids:
            left = [each for each in agent.queue_ids if each != queue_id]
            update_agent(connection, agent.agent_id, queue_ids=left)
    connection.execute(delete(places).where(places.c.queue_id == queue_id))
    connection.execute(delete(tables.queues).where(tables.queues.c.queue_id == queue_id))


def _check(connection: Connection, queue: StoredQueue) -> None:
    require_text(queue.description, "description")
    require_text(queue.caller_name, "caller_name", _LONGEST_CALLER_NAME)
    if queue.most_contacts is not None and not 0 <= queue.most_contacts < 2**31:
        raise InvalidInput(
            "not a number of contacts", field="most_contacts", expected="0 or more, or nothing"
        )
    for field, table in (
        ("hours_id", tables.hours_of_operation),
        ("outbound_flow_id", tables.flows),
    ):
        column = "hours_id" if field == "hours_id" else "flow_id"
        wanted = getattr(queue, field)
        there = select(table.c[column]).where(
            table.c.instance_id == queue.instance_id, table.c[column] == wanted
        )
        if wanted is not None and connection.execute(there).first() is None:
            what = "hours of operation" if field == "hours_id" else "contact flow"
            raise NotFound(f"there is no {what} {wanted!r}", field=field)


def _number(text: str) -> str:
    return read_phone_number(text, field="caller_number").e164 if text else ""


def _queue(row: Row[tuple[Any, ...]]) -> StoredQueue:
    return StoredQueue(**row._mapping)
