"""GetFunction, GetFunctionConfiguration and ListFunctions: what there is, in AWS Lambda's words."""

from __future__ import annotations

import math
import platform
from datetime import UTC
from typing import Any
from urllib.parse import urlsplit

from ringfence.aws.lambda_.naming import arn_of, named, not_found
from ringfence.aws.lambda_.service import Lambda
from ringfence.aws.wire.operations import Call, Operations
from ringfence.errors import NotFound
from ringfence.functions import (
    Function,
    HttpFunction,
    PythonFunction,
    get_function,
    list_functions,
)

_PAGE = 50

operations = Operations()


@operations.add("GetFunctionConfiguration")
def configuration(host: Lambda, call: Call) -> dict[str, Any]:
    """What is known of a function."""
    return _configuration(call, _function(host, call))


@operations.add("GetFunction")
def function(host: Lambda, call: Call) -> dict[str, Any]:
    """The same. There is no archive of its code."""
    return {"Configuration": _configuration(call, _function(host, call)), "Tags": {}}


@operations.add("ListFunctions")
def list_all(host: Lambda, call: Call) -> dict[str, Any]:
    """Every function, by name; a marker is the name that the page before ended with."""
    after, most = call.members.get("Marker", ""), call.members.get("MaxItems", _PAGE)
    with host.database.read() as connection:
        found = [each for each in list_functions(connection) if each.name > after]
    chosen = found[: min(most, _PAGE)]
    return {
        "Functions": [_configuration(call, each) for each in chosen],
        "NextMarker": chosen[-1].name if len(chosen) < len(found) else None,
    }


def _function(host: Lambda, call: Call) -> Function:
    name = named(call)
    with host.database.read() as connection:
        try:
            return get_function(connection, name)
        except NotFound:
            raise not_found(call, name) from None


def _configuration(call: Call, function: Function) -> dict[str, Any]:
    definition, at = function.definition, function.updated_at.astimezone(UTC)
    known: dict[str, Any] = {
        "FunctionName": function.name,
        "FunctionArn": arn_of(call, function.name),
        "Timeout": math.ceil(definition.timeout_seconds),
        "LastModified": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}+0000",
        "Version": "$LATEST",
        "State": "Active",
        "LastUpdateStatus": "Successful",
    }
    if isinstance(definition, PythonFunction):
        major, minor, _ = platform.python_version_tuple()
        return {
            **known,
            "Description": f"Python handler in {definition.working_folder}",
            # Another executable is not asked for its version.
            "Runtime": None if definition.python else f"python{major}.{minor}",
            "Handler": definition.handler,
            "MemorySize": definition.memory_mb,
            "Environment": {"Variables": dict(definition.environment)},
        }
    if isinstance(definition, HttpFunction):
        return {**known, "Description": f"HTTP endpoint at {urlsplit(definition.url).netloc}"}
    return {**known, "Description": f"AWS Lambda function {definition.function}"}
