"""Functions that contact flows invoke: registered, tried out, looked at."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from ringfence.access import Scope
from ringfence.functions import (
    Definition,
    Function,
    LogLine,
    PythonFunction,
    delete_function,
    get_function,
    list_functions,
    put_function,
    try_loading,
)
from ringfence.storage import now
from ringfence.web.api import Call, Operations, require
from ringfence.web.services import Services

operations = Operations("functions")


class PutQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether the code of a Python function is loaded once before it is stored."""

    load: bool = True


class InvocationBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The event: any JSON."""

    event: Any = {}


class InvocationReply(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. Where it has `failed`, the answer is the error in AWS Lambda's words."""

    request_id: str
    failed: bool
    answer: Any
    log: tuple[str, ...]


@operations.add("GET", "/v1/functions", scope=Scope.RULES_READ, reply=list[Function])
def get_functions(services: Services, call: Call) -> list[Function]:
    """All functions, without their secrets."""
    with services.database.read() as connection:
        return list_functions(connection)


@operations.add("GET", "/v1/functions/{name}", scope=Scope.RULES_READ, reply=Function)
def get_one_function(services: Services, call: Call) -> Function:
    """A function, without its secrets."""
    with services.database.read() as connection:
        return get_function(connection, call.path["name"])


@operations.add(
    "PUT",
    "/v1/functions/{name}",
    scope=Scope.RULES_WRITE,
    body=Definition,
    query=PutQuery,
    reply=Function,
)
async def put_one_function(services: Services, call: Call) -> Function:
    """Register or replace a function; one in Python, which runs on the server, needs access too."""
    name, definition = call.path["name"], call.body
    if isinstance(definition, PythonFunction):
        require(call.principal, Scope.ACCESS)
        definition.check()
        if call.query.load:
            await try_loading(name, definition, services.settings.aws_region)

    def put() -> Function:
        with services.database.write() as connection:
            return put_function(
                connection,
                services.vault,
                name,
                definition,
                by=call.principal.name,
                at=now(),
            )

    stored = await asyncio.to_thread(put)
    services.functions.warm(stored)
    return stored


@operations.add("DELETE", "/v1/functions/{name}", scope=Scope.RULES_WRITE, status=204)
def delete_one_function(services: Services, call: Call) -> None:
    """Take a function away; flows that invoke it take their error branches from then on."""
    with services.database.write() as connection:
        delete_function(connection, call.path["name"])


@operations.add(
    "POST",
    "/v1/functions/{name}/invocations",
    scope=Scope.RULES_WRITE,
    body=InvocationBody,
    reply=InvocationReply,
)
async def post_invocation(services: Services, call: Call) -> InvocationReply:
    """Invoke a function once, and see its answer and its log; it does what it does."""
    answer = await services.functions.run(call.path["name"], msgspec.json.encode(call.body.event))
    return InvocationReply(
        request_id=answer.request_id,
        failed=answer.error is not None,
        answer=answer.document,
        log=tuple(answer.log.splitlines()),
    )


@operations.add("GET", "/v1/functions/{name}/logs", scope=Scope.RULES_READ, reply=list[LogLine])
def get_logs(services: Services, call: Call) -> list[LogLine]:
    """The last 200 lines that a function has logged on this server, the oldest first."""
    with services.database.read() as connection:
        get_function(connection, call.path["name"])
    return list(services.functions.logs(call.path["name"]))
