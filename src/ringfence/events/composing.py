"""Event types made from registered names, as Amazon Fraud Detector makes them.

Its event types say less than ours: neither which label means fraud nor which variable is the
amount that a call speaks of. Both are guessed from names and types where nobody has said it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Connection, select

from ringfence.errors import InvalidInput, NotFound
from ringfence.events.definitions import (
    EventType,
    get_event_type,
    list_event_types,
    put_event_type,
)
from ringfence.events.names import ENTITY_TYPES, LABELS, Register
from ringfence.events.registry import (
    DataSource,
    RegisteredVariable,
    change_variable,
    get_variables,
    known_type,
)
from ringfence.events.tables import event_types
from ringfence.events.variables import DataType, Variable, VariableType

_FRAUD = ("fraud", "fraudulent", "1", "true", "yes", "bad", "chargeback", "takeover")
_LEGIT = ("legit", "legitimate", "0", "false", "no", "good", "genuine", "normal", "non-fraud")
_MERCHANTS = ("merchant", "merchant_name", "merchant_id")


def compose_event_type(
    connection: Connection,
    name: str,
    *,
    variables: Sequence[str],
    entity_types: Sequence[str],
    labels: Sequence[str] | None = None,
    description: str | None = None,
    event_ingestion: bool | None = None,
    event_orchestration: bool | None = None,
) -> EventType:
    """Create an event type from registered names, or add to one; as it is stored now.

    What is None stays as it is. A new event type then has no labels and no description, its events
    are not kept and nothing is published of them. A variable that an event type has already stays
    as it has it. Raises `InvalidInput`: for a name that is not registered, for a variable that
    models give, and for one or a label that would be taken away.
    """
    stored = _stored(connection, name)
    had = {} if stored is None else {variable.name: variable for variable in stored.variables}
    before = stored or EventType(
        name=name,
        variables=(),
        labels=(),
        fraud_label=None,
        legit_label=None,
        event_ingestion=False,
    )
    known = _registered(connection, [each for each in variables if each not in had])
    _check_registered(connection, ENTITY_TYPES, "entity_types", entity_types)
    _check_registered(connection, LABELS, "labels", labels or ())
    composed = msgspec.structs.replace(
        before,
        variables=tuple(had.get(each) or known[each].of_events() for each in variables),
        entity_types=tuple(dict.fromkeys(entity_types)),
        labels=before.labels if labels is None else tuple(dict.fromkeys(labels)),
        description=before.description if description is None else description,
        event_ingestion=_or(event_ingestion, before.event_ingestion),
        event_orchestration=_or(event_orchestration, before.event_orchestration),
    )
    composed = with_guesses(composed)
    put_event_type(connection, composed)
    return composed


def with_guesses(event_type: EventType) -> EventType:
    """The event type with what it leaves open, as far as its names and types tell."""
    fraud, legit = _guessed_labels(event_type)
    return msgspec.structs.replace(
        event_type,
        fraud_label=fraud,
        legit_label=legit,
        amount_variable=event_type.amount_variable
        or _first(event_type, VariableType.PRICE, (DataType.FLOAT, DataType.INTEGER)),
        currency_variable=event_type.currency_variable
        or _first(event_type, VariableType.CURRENCY_CODE, (DataType.STRING,)),
        merchant_variable=event_type.merchant_variable
        or next((v.name for v in event_type.variables if v.name in _MERCHANTS), None),
    )


def set_labels(
    connection: Connection, name: str, *, fraud: Sequence[str], legit: Sequence[str]
) -> EventType:
    """Let it be known which labels of an event type mean fraud and which do not; as it is now.

    The event type keeps the label that it has of each kind if it is among these, else it takes the
    first. Profiles that were built by another label must be built anew; the caller sees to that.
    Raises `NotFound`, `InvalidInput` for labels that the event type does not have.
    """
    event_type = get_event_type(connection, name)
    changed = msgspec.structs.replace(
        event_type,
        fraud_label=_kept(event_type.fraud_label, fraud, legit),
        legit_label=_kept(event_type.legit_label, legit, fraud),
    )
    if changed != event_type:
        put_event_type(connection, changed)
    return changed


def update_variable(
    connection: Connection,
    name: str,
    *,
    default: str | None = None,
    description: str | None = None,
    variable_type: str | None = None,
) -> RegisteredVariable:
    """Change what is given of a variable, there and in the event types that have it.

    An event type that has it with another data type goes on with its own. Raises `NotFound`,
    `InvalidInput`.
    """
    changed = change_variable(
        connection,
        name,
        default=default,
        description=description,
        variable_type=variable_type,
    )
    for event_type in list_event_types(connection):
        variables = tuple(
            _changed(variable, changed, default, description, variable_type)
            if variable.name == name and variable.data_type is changed.data_type
            else variable
            for variable in event_type.variables
        )
        if variables != event_type.variables:
            put_event_type(connection, msgspec.structs.replace(event_type, variables=variables))
    return changed


def _changed(
    variable: Variable,
    changed: RegisteredVariable,
    default: str | None,
    description: str | None,
    variable_type: str | None,
) -> Variable:
    return Variable(
        variable.name,
        variable.data_type,
        variable.variable_type
        if variable_type is None
        else known_type(changed.variable_type, changed.data_type),
        variable.default if default is None else default,
        variable.description if description is None else description,
    )


def _stored(connection: Connection, name: str) -> EventType | None:
    of_type = event_types.c.name == name
    # Held, lest one of two that add to it at the same time is lost. SQLite has one writer anyway.
    connection.execute(select(event_types.c.name).where(of_type).with_for_update())
    try:
        return get_event_type(connection, name)
    except NotFound:
        return None


def _registered(connection: Connection, names: Sequence[str]) -> dict[str, RegisteredVariable]:
    known = get_variables(connection, names)
    missing = [name for name in names if name not in known]
    if missing:
        raise InvalidInput(
            f"there is no variable {missing[0]!r}",
            field="variables",
            expected="variables that exist",
        )
    for name in names:
        if known[name].data_source is not DataSource.EVENT:
            raise InvalidInput(
                f"{name!r} is given by a model, not by an event",
                field="variables",
                expected=f"variables of data source {DataSource.EVENT}",
            )
    return known


def _check_registered(
    connection: Connection, register: Register, field: str, names: Iterable[str]
) -> None:
    wanted = list(names)
    known = register.known(connection, wanted)
    for name in wanted:
        if name not in known:
            raise InvalidInput(
                f"{name!r} is not {register.kind}",
                field=field,
                expected=f"{field.replace('_', ' ')} that exist",
            )


def _guessed_labels(event_type: EventType) -> tuple[str | None, str | None]:
    fraud, legit = event_type.fraud_label, event_type.legit_label
    others = [label for label in event_type.labels if label not in (fraud, legit)]
    if fraud is None:
        fraud = next((label for label in others if label in _FRAUD), None)
    if legit is None:
        legit = next((label for label in others if label in _LEGIT), None)
    if len(event_type.labels) == 2 and (fraud is None) is not (legit is None):
        # Of two labels, the other one means the other thing.
        left = [label for label in event_type.labels if label not in (fraud, legit)]
        if len(left) == 1:
            fraud, legit = fraud or left[0], legit or left[0]
    return fraud, legit


def _kept(label: str | None, given: Sequence[str], others: Sequence[str]) -> str | None:
    if given:
        return label if label in given else given[0]
    return None if label in others else label


def _first(
    event_type: EventType, variable_type: VariableType, data_types: Sequence[DataType]
) -> str | None:
    return next(
        (
            variable.name
            for variable in event_type.variables
            if variable.variable_type is variable_type and variable.data_type in data_types
        ),
        None,
    )


def _or(given: bool | None, otherwise: bool) -> bool:
    return otherwise if given is None else given
