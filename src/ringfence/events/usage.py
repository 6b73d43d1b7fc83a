"""What event types and stored events use, and deleting what they do not.

What detectors, models and rules use is not known here; `detectors.usage` asks that before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sqlalchemy import Connection, delete, select

from ringfence.errors import Conflict
from ringfence.events import tables
from ringfence.events.definitions import EventType, list_event_types
from ringfence.events.names import ENTITY_TYPES, LABELS
from ringfence.events.registry import remove_variable
from ringfence.events.revisions import raise_revision


def delete_variable(connection: Connection, name: str) -> None:
    """Take a variable out of the registry, if it is there. Raises `Conflict` while an event type
    has it."""
    _refuse_in_types(
        connection, "variable", name, lambda of: (variable.name for variable in of.variables)
    )
    remove_variable(connection, name)


def delete_label(connection: Connection, name: str) -> None:
    """Delete a label, if there is one of that name. Raises `Conflict` while an event type or a
    stored event has it."""
    _refuse_in_types(connection, "label", name, lambda of: of.labels)
    labelled = connection.execute(
        select(tables.events.c.event_type, tables.events.c.event_id)
        .where(tables.events.c.label == name)
        .limit(1)
    ).first()
    if labelled is not None:
        raise Conflict(
            f"label {name!r} is assigned to event {labelled.event_id!r} of type "
            f"{labelled.event_type!r}",
            field="name",
            expected="a label of no stored event",
        )
    LABELS.remove(connection, name)


def delete_entity_type(connection: Connection, name: str) -> None:
    """Delete an entity type, if there is one of that name. Raises `Conflict` while an event type
    has it."""
    _refuse_in_types(connection, "entity type", name, lambda of: of.entity_types)
    ENTITY_TYPES.remove(connection, name)


def delete_event_type(connection: Connection, name: str) -> None:
    """Delete an event type, if there is one of that name. Raises `Conflict` while there are events
    of that type."""
    if has_events(connection, name):
        raise Conflict(
            f"there are stored events of type {name!r}",
            field="name",
            expected="an event type whose events have been deleted",
        )
    gone = connection.execute(
        delete(tables.event_types).where(tables.event_types.c.name == name)
    ).rowcount
    if gone:
        raise_revision(connection)


def has_events(connection: Connection, event_type: str | None = None) -> bool:
    """Whether any event of that type, or of any type, is stored."""
    query = select(tables.events.c.event_id).limit(1)
    if event_type is not None:
        query = query.where(tables.events.c.event_type == event_type)
    return connection.execute(query).first() is not None


def _refuse_in_types(
    connection: Connection, kind: str, name: str, named: Callable[[EventType], Iterable[str]]
) -> None:
    for event_type in list_event_types(connection):
        if name in named(event_type):
            raise Conflict(
                f"{kind} {name!r} is included in event type {event_type.name!r}",
                field="name",
                expected=f"a {kind} of no event type".replace("a entity", "an entity"),
            )
