"""Event types: which variables, entities and labels an event of a kind has."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import Connection, Row, bindparam, insert, select, update

from ringfence.errors import InvalidInput, NotFound
from ringfence.events import tables
from ringfence.events.names import NAME_PATTERN
from ringfence.events.registry import VARIABLE_NAME, register
from ringfence.events.revisions import raise_revision
from ringfence.events.variables import Variable, coerce
from ringfence.storage import now


class EventType(msgspec.Struct, frozen=True, kw_only=True):
    """What an event of this type carries.

    `fraud_label` and `legit_label` are the labels that a verdict turns into, None where it is not
    known which ones those are: a verdict then labels nothing, and no model can be trained.
    `amount_variable`, `currency_variable` and `merchant_variable` name what a call says about a
    payment.
    `event_ingestion` says that events which are asked about are kept, `event_orchestration` that
    what was decided about them is published.
    """

    name: str
    variables: tuple[Variable, ...]
    entity_types: tuple[str, ...] = ("customer", "card")
    labels: tuple[str, ...] = ("fraud", "legit")
    fraud_label: str | None = "fraud"
    legit_label: str | None = "legit"
    amount_variable: str | None = None
    currency_variable: str | None = None
    merchant_variable: str | None = None
    description: str = ""
    event_ingestion: bool = True
    event_orchestration: bool = False

    @property
    def meanings(self) -> dict[str, bool]:
        """Whether a label says that an event is a fraud; other labels say neither."""
        known = {self.legit_label: False, self.fraud_label: True}
        return {label: is_fraud for label, is_fraud in known.items() if label is not None}

    @property
    def fraud_labels(self) -> tuple[str, ...]:
        """The labels of frauds, to be asked for with SQL's `IN`; there may be none."""
        return () if self.fraud_label is None else (self.fraud_label,)

    def check(self) -> None:
        """Raise `InvalidInput` naming the first thing that does not fit."""
        if not NAME_PATTERN.fullmatch(self.name):
            raise InvalidInput("not a name", field="name", expected="1 to 64 of 0-9 a-z _ -")
        if not self.variables:
            raise InvalidInput("no variable", field="variables", expected="at least one variable")
        names = [variable.name for variable in self.variables]
        for name in names:
            if not VARIABLE_NAME.fullmatch(name):
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
            if getattr(self, field) not in (None, *self.labels):
                raise InvalidInput("not one of the labels", field=field, expected="one of labels")
        if self.fraud_label is not None and self.fraud_label == self.legit_label:
            raise InvalidInput("is also the fraud label", field="legit_label", expected="another")
        for field in ("amount_variable", "currency_variable", "merchant_variable"):
            if getattr(self, field) not in (None, *names):
                raise InvalidInput(
                    "not one of the variables", field=field, expected="one of variables"
                )


class StoredEventType(msgspec.Struct, frozen=True):
    """An event type, when it was created and when it last changed."""

    event_type: EventType
    created_at: datetime
    updated_at: datetime


def put_event_type(connection: Connection, event_type: EventType) -> None:
    """Create or replace an event type, and register what it names and nobody has registered yet.

    Raises `InvalidInput` for a malformed one, and when a variable or a label that it had would go
    or a variable would change its data type: stored events, models and rules refer to them.
    """
    event_type.check()
    stored = _definition(connection, event_type.name)
    at = now()
    if stored is None:
        connection.execute(
            insert(tables.event_types).values(
                name=event_type.name, definition=event_type, created_at=at, updated_at=at
            )
        )
    else:
        _check_change(stored, event_type)
        connection.execute(
            update(tables.event_types)
            .where(tables.event_types.c.name == event_type.name)
            .values(definition=event_type, updated_at=at)
        )
    register(
        connection,
        event_type.variables,
        labels=event_type.labels,
        entity_types=event_type.entity_types,
    )
    raise_revision(connection)


def get_event_type(connection: Connection, name: str) -> EventType:
    """The event type of that name. Raises `NotFound`."""
    found = _definition(connection, name)
    if found is None:
        raise _unknown(name)
    return found


def list_event_types(connection: Connection) -> list[EventType]:
    """All event types by name."""
    rows = connection.execute(
        select(tables.event_types.c.definition).order_by(tables.event_types.c.name)
    )
    return [msgspec.convert(row.definition, EventType) for row in rows]


def stored_event_types(connection: Connection) -> list[StoredEventType]:
    """All event types by name, with their times."""
    rows = connection.execute(select(tables.event_types).order_by(tables.event_types.c.name))
    return [_stored(row) for row in rows]


def stored_event_type(connection: Connection, name: str) -> StoredEventType:
    """One event type with its times. Raises `NotFound`."""
    event_types = tables.event_types
    row = connection.execute(select(event_types).where(event_types.c.name == name)).first()
    if row is None:
        raise _unknown(name)
    return _stored(row)


def _check_change(stored: EventType, event_type: EventType) -> None:
    kept = {variable.name: variable.data_type for variable in event_type.variables}
    had = [variable.name for variable in stored.variables]
    for field, before, after in (
        ("variables", had, set(kept)),
        ("labels", stored.labels, set(event_type.labels)),
    ):
        gone = [name for name in before if name not in after]
        if gone:
            raise InvalidInput(
                f"{', '.join(gone)} cannot be taken away: events and rules refer to it",
                field=field,
                expected=f"all {field} that the event type has, and any new ones",
            )
    for variable in stored.variables:
        if kept[variable.name] is not variable.data_type:
            raise InvalidInput(
                f"{variable.name} cannot become {kept[variable.name]}",
                field="variables",
                expected=f"{variable.data_type}, as in the events that are stored",
            )


# Asked for each case, so it is built once.
_DEFINITION = select(tables.event_types.c.definition).where(
    tables.event_types.c.name == bindparam("of_name")
)


def _definition(connection: Connection, name: str) -> EventType | None:
    stored = connection.execute(_DEFINITION, {"of_name": name}).scalar()
    return None if stored is None else msgspec.convert(stored, EventType)


def _stored(row: Row[tuple[object, ...]]) -> StoredEventType:
    return StoredEventType(
        msgspec.convert(row.definition, EventType), row.created_at, row.updated_at
    )


def _unknown(name: str) -> NotFound:
    return NotFound(f"there is no event type {name!r}", field="event_type")
