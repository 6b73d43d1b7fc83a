"""The registry: variables, labels and entity types that stand for themselves.

Amazon Fraud Detector makes event types from names that were registered before. Event types that
our own API defines register here what nobody has registered yet; the first definition of a name
stands. What an event of a type carries is said by the event type alone, whatever stands here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select, update

from ringfence.errors import InvalidInput, NotFound
from ringfence.events import tables
from ringfence.events.names import ENTITY_TYPES, LABELS
from ringfence.events.variables import DataType, Value, Variable, VariableType, coerce
from ringfence.storage import now

VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_VARIABLE_TYPE = re.compile(r"[A-Z_]{1,64}")
_MAX_CHARACTERS = 1_024
_NAMED_AT_ONCE = 500


class DataSource(StrEnum):
    """Who gives a variable its value: the event, a model, or a model that was made elsewhere."""

    EVENT = "EVENT"
    MODEL_SCORE = "MODEL_SCORE"
    EXTERNAL_MODEL_SCORE = "EXTERNAL_MODEL_SCORE"


class RegisteredVariable(msgspec.Struct, frozen=True, kw_only=True):
    """A variable as it was registered.

    `default` is written as a text whatever the data type, None where there is none.
    `variable_type` is kept as it was given: there may be none, or one that we do not know.
    """

    name: str
    data_type: DataType
    data_source: DataSource = DataSource.EVENT
    default: str | None = None
    variable_type: str | None = None
    description: str = ""
    created_at: datetime
    updated_at: datetime

    def of_events(self) -> Variable:
        """The variable as an event type has it."""
        return Variable(
            self.name,
            self.data_type,
            known_type(self.variable_type, self.data_type),
            self.default,
            self.description,
        )


def known_type(variable_type: str | None, data_type: DataType) -> VariableType:
    """The variable type to go by where there may be none, or one that we do not know: numbers are
    then taken as numbers, everything else as categories."""
    try:
        return VariableType(variable_type or "")
    except ValueError:
        pass
    numeric = data_type in (DataType.FLOAT, DataType.INTEGER)
    return VariableType.NUMERIC if numeric else VariableType.CATEGORICAL


def create_variable(
    connection: Connection,
    name: str,
    data_type: DataType,
    *,
    default: str,
    data_source: DataSource = DataSource.EVENT,
    variable_type: str | None = None,
    description: str = "",
) -> None:
    """Register a variable. Raises `InvalidInput`, also when there is one of that name."""
    check_variable_name(name)
    check_default(data_type, default)
    _check_length(description, "description", _MAX_CHARACTERS)
    _check_type(variable_type)
    if name in get_variables(connection, [name]):
        raise InvalidInput(
            f"there is a variable {name!r} already", field="name", expected="another name"
        )
    _insert(
        connection,
        Variable(name, data_type, VariableType.CATEGORICAL, default, description),
        data_source,
        variable_type,
    )


def change_variable(
    connection: Connection,
    name: str,
    *,
    default: str | None = None,
    description: str | None = None,
    variable_type: str | None = None,
) -> RegisteredVariable:
    """Change what is given of a registered variable, and no event type; as it is now.

    Raises `NotFound`, `InvalidInput`.
    """
    variable = get_variable(connection, name)
    values: dict[str, str] = {}
    if default is not None:
        check_default(variable.data_type, default)
        values["default_value"] = default
    if description is not None:
        _check_length(description, "description", _MAX_CHARACTERS)
        values["description"] = description
    if variable_type is not None:
        _check_type(variable_type)
        values["variable_type"] = variable_type
    table = tables.variables
    connection.execute(update(table).where(table.c.name == name).values(**values, updated_at=now()))
    return get_variable(connection, name)


def get_variable(connection: Connection, name: str) -> RegisteredVariable:
    """The variable of that name. Raises `NotFound`."""
    found = get_variables(connection, [name])
    if name not in found:
        raise NotFound(f"there is no variable {name!r}", field="name")
    return found[name]


def check_variable_name(name: str) -> None:
    """Raise `InvalidInput` for what no variable can be called."""
    if not VARIABLE_NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!r} is not a variable name",
            field="name",
            expected="letters, digits and _, not starting with a digit, 64 at most",
        )


def get_variables(connection: Connection, names: Iterable[str]) -> dict[str, RegisteredVariable]:
    """Those of the variables that are registered, by name."""
    wanted = list(names)
    found: dict[str, RegisteredVariable] = {}
    column = tables.variables.c.name
    for start in range(0, len(wanted), _NAMED_AT_ONCE):
        part = wanted[start : start + _NAMED_AT_ONCE]
        for row in connection.execute(select(tables.variables).where(column.in_(part))):
            found[row.name] = _variable(row)
    return found


def list_variables(connection: Connection) -> list[RegisteredVariable]:
    """All registered variables by name."""
    rows = connection.execute(select(tables.variables).order_by(tables.variables.c.name))
    return [_variable(row) for row in rows]


def remove_variable(connection: Connection, name: str) -> None:
    """Take a variable out. Whether something still refers to it must have been asked before."""
    connection.execute(delete(tables.variables).where(tables.variables.c.name == name))


def register(
    connection: Connection,
    variables: Iterable[Variable],
    *,
    labels: Iterable[str] = (),
    entity_types: Iterable[str] = (),
) -> None:
    """Register what nobody has registered yet."""
    named = {variable.name: variable for variable in variables}
    known = get_variables(connection, named)
    for name, variable in named.items():
        if name not in known:
            _insert(connection, variable, DataSource.EVENT, variable.variable_type)
    LABELS.add_missing(connection, labels)
    ENTITY_TYPES.add_missing(connection, entity_types)


def check_default(data_type: DataType, default: str) -> None:
    """Raise `InvalidInput` unless the text can be read as a value of the data type."""
    _check_length(default, "default", _MAX_CHARACTERS)
    try:
        coerce(Variable("", data_type, VariableType.CATEGORICAL), default)
        if data_type is DataType.DATETIME and default:
            msgspec.convert(default, datetime)
    except (InvalidInput, msgspec.ValidationError):
        raise InvalidInput(
            f"{default!r} cannot be read as {data_type}",
            field="default",
            expected=_EXAMPLES[data_type],
        ) from None


_EXAMPLES = {
    DataType.STRING: "a text",
    DataType.INTEGER: "a whole number such as 0",
    DataType.FLOAT: "a number such as 0.0",
    DataType.BOOLEAN: "true or false",
    DataType.DATETIME: "nothing, or an ISO 8601 time such as 2026-11-24T09:30:00Z",
}


def _check_length(text: str, field: str, most: int) -> None:
    if len(text) > most:
        raise InvalidInput("too long", field=field, expected=f"at most {most:,} characters")


def _check_type(variable_type: str | None) -> None:
    if variable_type is not None and not _VARIABLE_TYPE.fullmatch(variable_type):
        raise InvalidInput(
            f"{variable_type!r} is not a variable type",
            field="variable_type",
            expected="1 to 64 capital letters and _, such as EMAIL_ADDRESS",
        )


def _insert(
    connection: Connection,
    variable: Variable,
    data_source: DataSource,
    variable_type: str | None,
) -> None:
    at = now()
    connection.execute(
        insert(tables.variables).values(
            name=variable.name,
            data_type=variable.data_type,
            data_source=data_source,
            default_value=_written(variable.default),
            variable_type=variable_type,
            description=variable.description,
            created_at=at,
            updated_at=at,
        )
    )


def _written(value: Value) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)


def _variable(row: Row[tuple[object, ...]]) -> RegisteredVariable:
    return RegisteredVariable(
        name=row.name,
        data_type=DataType(row.data_type),
        data_source=DataSource(row.data_source),
        default=row.default_value,
        variable_type=row.variable_type,
        description=row.description,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
