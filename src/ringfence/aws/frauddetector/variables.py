"""Variables: the named facts that events carry, and the scores that models give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import Connection

from ringfence.aws.frauddetector.arns import arn
from ringfence.aws.frauddetector.fields import name_member
from ringfence.aws.frauddetector.operations import Call, Operations
from ringfence.aws.frauddetector.outputs import all_variables, find_variable, model_outputs
from ringfence.aws.frauddetector.service import FraudDetector
from ringfence.aws.frauddetector.tags import check_tags, forget_tags, note_tags
from ringfence.aws.wire.paging import page
from ringfence.aws.wire.times import instant
from ringfence.errors import Conflict, InvalidInput
from ringfence.events import usage
from ringfence.events.composing import update_variable
from ringfence.events.registry import (
    DataSource,
    RegisteredVariable,
    check_variable_name,
    create_variable,
    get_variables,
)
from ringfence.events.variables import DataType

# The service's own numbers are not documented; these say the same in the words of HTTP.
_NOT_VALID, _NOT_FOUND = 400, 404

Kind = TypeVar("Kind", bound=StrEnum)

operations = Operations()


@operations.add("CreateVariable")
def create_one_variable(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Register a variable."""
    with service.write() as connection:
        _create(connection, call.members, call.members.get("tags"))
    return {}


@operations.add("BatchCreateVariable")
def create_variables(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Register several variables; says of each that was not registered why."""
    errors = []
    check_tags(call.members.get("tags", ()))
    with service.write() as connection:
        for entry in call.members["variableEntries"]:
            try:
                _create(connection, entry, call.members.get("tags"))
            except InvalidInput as error:
                name_member(error, "CreateVariable")
                errors.append(_item_error(entry.get("name", ""), _NOT_VALID, str(error)))
    return {"errors": errors}


@operations.add("UpdateVariable")
def update_one_variable(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Change a variable, there and in the event types that have it."""
    name = call.members["name"]
    check_variable_name(name)
    with service.redefine() as connection:
        if not get_variables(connection, [name]):
            find_variable(connection, name)
            raise InvalidInput(
                f"{name!r} is given by a model", field="name", expected="a variable of events"
            )
        update_variable(
            connection,
            name,
            default=call.members.get("defaultValue"),
            description=call.members.get("description"),
            variable_type=call.members.get("variableType") or None,
        )
    return {}


@operations.add("GetVariables")
def get_one_or_all_variables(service: FraudDetector, call: Call) -> dict[str, Any]:
    """One variable, or a page of all."""
    with service.read() as connection:
        more: dict[str, str] = {}
        if "name" in call.members:
            found = [find_variable(connection, call.members["name"])]
        else:
            found, more = page(
                list(all_variables(connection).values()),
                call,
                default=100,
                key=lambda variable: variable.name,
            )
    return {"variables": [_document(call, variable) for variable in found], **more}


@operations.add("BatchGetVariable")
def get_named_variables(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Several variables; says which of them there are not."""
    names = list(dict.fromkeys(call.members["names"]))
    with service.read() as connection:
        known = all_variables(connection)
    return {
        "variables": [_document(call, known[name]) for name in names if name in known],
        "errors": [
            _item_error(name, _NOT_FOUND, f"there is no variable {name!r}")
            for name in names
            if name not in known
        ],
    }


@operations.add("DeleteVariable")
def delete_one_variable(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Delete a variable that no event type has and no model gives; one that is not there is no
    error."""
    name = call.members["name"]
    check_variable_name(name)
    with service.write() as connection:
        if name in model_outputs(connection):
            raise Conflict(
                f"variable {name!r} is given by a model, and goes with it",
                field="name",
                expected="a variable that no model gives",
            )
        usage.delete_variable(connection, name)
        forget_tags(connection, f"variable/{name}")
    return {}


def _create(
    connection: Connection,
    given: Mapping[str, Any],
    tags: Sequence[Mapping[str, str]] | None,
) -> None:
    for member in ("name", "dataType", "dataSource", "defaultValue"):
        if member not in given:
            raise InvalidInput("missing", field=member, expected="a text")
    name = given["name"]
    if name in model_outputs(connection):
        raise InvalidInput(
            f"there is a variable {name!r} already, which a model gives",
            field="name",
            expected="another name",
        )
    create_variable(
        connection,
        name,
        _one_of(DataType, given["dataType"], "dataType"),
        data_source=_one_of(DataSource, given["dataSource"], "dataSource"),
        default=given["defaultValue"],
        variable_type=given.get("variableType") or None,
        description=given.get("description", ""),
    )
    note_tags(connection, f"variable/{name}", tags)


def _one_of(kinds: type[Kind], given: str, member: str) -> Kind:
    try:
        return kinds(given)
    except ValueError:
        raise InvalidInput(
            f"{given[:64]!r} is not known", field=member, expected="one of " + ", ".join(kinds)
        ) from None


def _item_error(name: str, code: int, message: str) -> dict[str, Any]:
    return {"name": name, "code": code, "message": message}


def _document(call: Call, variable: RegisteredVariable) -> dict[str, Any]:
    return {
        "name": variable.name,
        "dataType": variable.data_type,
        "dataSource": variable.data_source,
        # Clients read these two without looking whether they are there.
        "defaultValue": variable.default or "",
        "variableType": variable.variable_type or "",
        "description": variable.description or None,
        "createdTime": instant(variable.created_at),
        "lastUpdatedTime": instant(variable.updated_at),
        "arn": arn(call, f"variable/{variable.name}"),
    }
