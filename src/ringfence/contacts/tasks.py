"""Tasks: work that a flow, or a person, gives to an analyst. A task is a contact of its own."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from ringfence.contacts import records, tables
from ringfence.contacts.agents import StoredAgent
from ringfence.contacts.announcements import Announcer, ContactEvent
from ringfence.contacts.records import Channel, StoredContact, new_contact_id
from ringfence.errors import Conflict, InvalidInput, NotFound
from ringfence.flows import Reference, Task

_LONGEST_NAME, _LONGEST_DESCRIPTION = 512, 4096
_ENDED = "AGENT_DISCONNECT"


class TaskState(StrEnum):
    """Whether it is done."""

    OPEN = "open"
    DONE = "done"


class StoredTask(msgspec.Struct, frozen=True, kw_only=True):
    """A task: its contact, and how far it has got. One that is scheduled begins at `starts_at`."""

    contact: StoredContact
    queue_id: str | None = None
    state: TaskState = TaskState.OPEN
    done_by: str | None = None
    done_at: datetime | None = None

    @property
    def starts_at(self) -> datetime:
        """From when on there is something to do."""
        return self.contact.scheduled_at or self.contact.initiated_at


def open_task(
    connection: Connection,
    announcer: Announcer,
    instance_id: str,
    task: Task,
    at: datetime,
    *,
    related_contact_id: str | None = None,
    customer_number: str = "",
    customer_id: str = "",
    flow_id: str | None = None,
    queue_id: str | None = None,
) -> StoredTask:
    """Put a task before the analysts, and its contact on record.

    Raises `InvalidInput` for one without a name, or with attributes that are too large.
    """
    name = task.name.strip()
    if not name or len(name) > _LONGEST_NAME:
        raise InvalidInput(
            "not the name of a task", field="name", expected=f"1 to {_LONGEST_NAME} characters"
        )
    contact_id = new_contact_id()
    contact = StoredContact(
        contact_id=contact_id,
        instance_id=instance_id,
        initial_contact_id=contact_id,
        related_contact_id=related_contact_id,
        channel=Channel.TASK,
        flow_id=flow_id,
        customer_number=customer_number,
        name=name,
        description=task.description[:_LONGEST_DESCRIPTION],
        customer_id=customer_id,
        attributes=dict(task.attributes),
        references={key: _reference(value) for key, value in task.references.items()},
        queue_id=queue_id,
        initiated_at=at,
        scheduled_at=task.starts_at,
        updated_at=at,
    )
    records.open_contact(connection, contact)
    announcer.tell(connection, ContactEvent.INITIATED, contact)
    connection.execute(
        insert(tables.tasks).values(contact_id=contact_id, queue_id=queue_id, state=TaskState.OPEN)
    )
    return StoredTask(contact=contact, queue_id=queue_id)


def get_task(connection: Connection, contact_id: str) -> StoredTask:
    """The task of that contact. Raises `NotFound`."""
    table = tables.tasks
    row = connection.execute(select(table).where(table.c.contact_id == contact_id)).first()
    if row is None:
        raise NotFound(f"there is no task {contact_id!r}", field="contact_id")
    return _task(connection, row)


def list_tasks(
    connection: Connection,
    instance_id: str,
    *,
    state: TaskState | None = TaskState.OPEN,
    at: datetime | None = None,
    limit: int = 100,
) -> list[StoredTask]:
    """Tasks of an instance, those that have waited for the longest first; with `at`, only those
    that have begun by then; of every state with None."""
    table, contacts = tables.tasks, tables.contacts
    query = (
        select(table)
        .join(contacts, contacts.c.contact_id == table.c.contact_id)
        .where(contacts.c.instance_id == instance_id)
    )
    if state is not None:
        query = query.where(table.c.state == state)
    if at is not None:
        query = query.where(contacts.c.scheduled_at.is_(None) | (contacts.c.scheduled_at <= at))
    rows = connection.execute(query.order_by(contacts.c.initiated_at).limit(limit)).all()
    return [_task(connection, row) for row in rows]


def take_task(
    connection: Connection, announcer: Announcer, contact_id: str, agent: StoredAgent, at: datetime
) -> StoredTask:
    """An agent sees to a task; others can still finish it.

    Raises `NotFound`, and `Conflict` for one that is done or that somebody else has taken.
    """
    task = get_task(connection, contact_id)
    if task.state is TaskState.DONE:
        raise Conflict("this task is done", field="contact_id")
    if task.contact.agent_id == agent.agent_id:
        return task
    taken = records.take_contact(connection, contact_id, agent.agent_id, at)
    if taken is None:
        raise Conflict("somebody else has taken this task", field="contact_id")
    announcer.tell(connection, ContactEvent.CONNECTED_TO_AGENT, taken)
    return get_task(connection, contact_id)


def finish_task(
    connection: Connection, announcer: Announcer, contact_id: str, by: str, at: datetime
) -> StoredTask:
    """A task is done; one that was done before stays as it was. Raises `NotFound`."""
    get_task(connection, contact_id)
    table = tables.tasks
    changed = connection.execute(
        update(table)
        .where(table.c.contact_id == contact_id, table.c.state == TaskState.OPEN)
        .values(state=TaskState.DONE, done_by=by[:128], done_at=at)
    ).rowcount
    if changed:
        closed = records.disconnected(connection, contact_id, at, _ENDED, f"done by {by}")
        if closed is not None:
            announcer.tell(connection, ContactEvent.DISCONNECTED, closed)
    return get_task(connection, contact_id)


def _reference(value: str) -> Reference:
    is_address = value.startswith(("https://", "http://"))
    return Reference(value, "URL" if is_address else "STRING")


def _task(connection: Connection, row: Row[tuple[Any, ...]]) -> StoredTask:
    return StoredTask(
        contact=records.get_contact(connection, row.contact_id),
        queue_id=row.queue_id,
        state=TaskState(row.state),
        done_by=row.done_by,
        done_at=row.done_at,
    )
