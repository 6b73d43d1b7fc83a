"""The variables that models give their scores to; every model has one, nobody has to make it."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection

from ringfence.errors import NotFound
from ringfence.events.registry import (
    DataSource,
    RegisteredVariable,
    get_variables,
    list_variables,
)
from ringfence.events.variables import DataType
from ringfence.models import list_models, output_variable
from ringfence.models.external.registry import list_external_models

_UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)


def all_variables(connection: Connection) -> dict[str, RegisteredVariable]:
    """Every variable by its name: those that are registered, and what models give."""
    registered = {variable.name: variable for variable in list_variables(connection)}
    return model_outputs(connection) | registered


def find_variable(connection: Connection, name: str) -> RegisteredVariable:
    """The variable of that name, whoever gives it. Raises `NotFound`."""
    found = get_variables(connection, [name]).get(name) or model_outputs(connection).get(name)
    if found is None:
        raise NotFound(f"there is no variable {name!r}", field="name")
    return found


def model_outputs(connection: Connection) -> dict[str, RegisteredVariable]:
    """What models give, our own and those that were made elsewhere."""
    found = {}
    for model in list_models(connection):
        name = output_variable(model.model_id)
        found[name] = RegisteredVariable(
            name=name,
            data_type=DataType.FLOAT,
            data_source=DataSource.MODEL_SCORE,
            default="0.0",
            description=f"The score of model {model.model_id}.",
            created_at=model.created_at,
            updated_at=model.created_at,
        )
    for external in list_external_models(connection):
        for name in external.variables:
            found.setdefault(
                name,
                RegisteredVariable(
                    name=name,
                    data_type=DataType.FLOAT,
                    data_source=DataSource.EXTERNAL_MODEL_SCORE,
                    default="0.0",
                    description=f"What the external model {external.name} gives.",
                    created_at=external.created_at or _UNKNOWN,
                    updated_at=external.updated_at or _UNKNOWN,
                ),
            )
    return found
