"""Event types: which variables, entities and labels an event of a kind has."""

from __future__ import annotations

import re
from collections.abc import Collection

import msgspec
from sqlalchemy import Connection, insert, select, update

from ringfence.errors import InvalidInput, NotFound
from ringfence.events import tables
from ringfence.events.variables import Variable, coerce
from ringfence.storage import now

NAME_PATTERN = re.compile(r"[0-9a-z_-]{1,64}")
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


class EventType(msgspec.Struct, frozen=True, kw_only=True):
    """What an event of this type carries.

    `fraud_label` and `legit_label` are the labels that a verdict turns into; `amount_variable`,
    `currency_variable` and `merchant_variable` name what a call says about a payment.
    `event_ingestion` says that events which are asked about are kept, `event_orchestration` that
    what was decided about them is published.
    """

    name: str
    variables: tuple[Variable, ...]
    entity_types: tuple[str, ...] = ("customer", "card")
    labels: tuple[str, ...] = ("fraud", "legit")
    fraud_label: str = "fraud"
    legit_label: str = "legit"
    amount_variable: str | None = None
    currency_variable: str | None = None
    merchant_variable: str | None = None
    description: str = ""
    event_ingestion: bool = True
    event_orchestration: bool = False

    def check(self) -> None:
        """Raise `InvalidInput` naming the first thing that does not fit."""
        if not NAME_PATTERN.fullmatch(self.name):
            raise InvalidInput("not a name", field="name", expected="1 to 64 of 0-9 a-z _ -")
        if not self.variables:
            raise InvalidInput("no variable", field="variables", expected="at least one variable")
        names = [variable.name for variable in self.variables]
        for name in names:
            if not _VARIABLE_NAME.fullmatch(name):
                raise InvalidInput(
                    f"{name!r} is not a variable name",
                    field="variables",
                    expected="letters, digits and _, not starting with a digit, 64 at most",
                )
        if len(set(names)) != len(names):
            raise InvalidInput("a variable is named twice", field="variables")
        for variable in self.variables:
            coerce(variable, variable.default)
        for field in ("entity_types", "labels"):
            for name in getattr(self, field):
                if not NAME_PATTERN.fullmatch(name):
                    raise InvalidInput(
                        f"{name!r} is not a name", field=field, expected="1 to 64 of 0-9 a-z _ -"
                    )
        for field in ("fraud_label", "legit_label"):
            if getattr(self, field) not in self.labels:
                raise InvalidInput("not one of the labels", field=field, expected="one of labels")
        if self.fraud_label == self.legit_label:
            raise InvalidInput("is also the fraud label", field="legit_label", expected="another")
        for field in ("amount_variable", "currency_variable", "merchant_variable"):
            if getattr(self, field) not in (None, *names):
                raise InvalidInput(
                    "not one of the variables", field=field, expected="one of variables"
                )


def put_event_type(connection: Connection, event_type: EventType) -> None:
    """Create or replace an event type.

    Raises `InvalidInput` for a malformed one, and when a variable that it had would go or change
    its data type: stored events, models and rules refer to it.
    """
    event_type.check()
    stored = _definition(connection, event_type.name)
    if stored is None:
        connection.execute(
            insert(tables.event_types).values(
                name=event_type.name, definition=event_type, updated_at=now()
            )
        )
    else:
        kept = {variable.name: variable.data_type for variable in event_type.variables}
        gone = [variable.name for variable in stored.variables if variable.name not in kept]
        if gone:
            raise InvalidInput(
                f"{', '.join(gone)} cannot be taken away: events and rules refer to it",
                field="variables",
                expected="every variable that the event type has, and any new ones",
            )
        for variable in stored.variables:
            if kept[variable.name] is not variable.data_type:
                raise InvalidInput(
                    f"{variable.name} cannot become {kept[variable.name]}",
                    field="variables",
                    expected=f"{variable.data_type}, as in the events that are stored",
                )
        connection.execute(
            update(tables.event_types)
            .where(tables.event_types.c.name == event_type.name)
            .values(definition=event_type, updated_at=now())
        )
    raise_revision(connection)


def get_event_type(connection: Connection, name: str) -> EventType:
    """The event type of that name. Raises `NotFound`."""
    found = _definition(connection, name)
    if found is None:
        raise NotFound(f"there is no event type {name!r}", field="event_type")
    return found


def list_event_types(connection: Connection) -> list[EventType]:
    """All event types by name."""
    rows = connection.execute(
        select(tables.event_types.c.definition).order_by(tables.event_types.c.name)
    )
    return [msgspec.convert(row.definition, EventType) for row in rows]


def put_list(
    connection: Connection, name: str, elements: Collection[str], description: str = ""
) -> None:
    """Create or replace a list that rules refer to as `@name`. Raises `InvalidInput`."""
    if not re.fullmatch(r"[0-9a-z_]{1,64}", name):
        raise InvalidInput("not a list name", field="name", expected="1 to 64 of 0-9 a-z _")
    if len(elements) > 100_000 or any(not 0 < len(element) <= 320 for element in elements):
        raise InvalidInput(
            "too many or too long",
            field="elements",
            expected="at most 100,000 texts of 1 to 320 characters",
        )
    if len(description) > 128:
        raise InvalidInput("too long", field="description", expected="at most 128 characters")
    connection.execute(tables.lists.delete().where(tables.lists.c.name == name))
    connection.execute(
        insert(tables.lists).values(
            name=name, elements=sorted(set(elements)), description=description, updated_at=now()
        )
    )
    raise_revision(connection)


def get_lists(connection: Connection) -> dict[str, frozenset[str]]:
    """Every list by name."""
    rows = connection.execute(select(tables.lists.c.name, tables.lists.c.elements))
    return {row.name: frozenset(row.elements) for row in rows}


def raise_revision(connection: Connection) -> None:
    """Note that a definition changed, so that servers that cache definitions read them again."""
    raised = connection.execute(
        update(tables.revisions)
        .where(tables.revisions.c.name == "definitions")
        .values(number=tables.revisions.c.number + 1)
    )
    if raised.rowcount == 0:
        connection.execute(insert(tables.revisions).values(name="definitions", number=1))


# Asked with every batch of decisions, so it is built once.
_REVISION = select(tables.revisions.c.number).where(tables.revisions.c.name == "definitions")


def current_revision(connection: Connection) -> int:
    """The number that changes with every definition; 0 in an empty database."""
    return connection.execute(_REVISION).scalar() or 0


def _definition(connection: Connection, name: str) -> EventType | None:
    stored = connection.execute(
        select(tables.event_types.c.definition).where(tables.event_types.c.name == name)
    ).scalar()
    return None if stored is None else msgspec.convert(stored, EventType)
