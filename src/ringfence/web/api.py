"""Our own HTTP API: each operation declares its body, query, reply and scope once.

From that one declaration come the decoding, the check of the scope, the OpenAPI document and the
reply. Handlers are functions of `(services, call)`; a plain one runs in a thread, so it may block.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response

from ringfence.access import Principal, Scope
from ringfence.errors import Forbidden
from ringfence.refusals import may_hold_card_data, refuse_card_data, refuse_nul
from ringfence.web.misfits import misfit, refuse_unknown_fields
from ringfence.web.problems import NotJson
from ringfence.web.services import Services

JSON = "application/json"


class Call(msgspec.Struct, frozen=True):
    """One request, decoded."""

    principal: Principal
    path: Mapping[str, str]
    query: Any
    body: Any


Handler = Callable[[Services, Call], Any]


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One operation of the API. A reply that is not JSON is `bytes` of its media type."""

    method: str
    path: str
    handler: Handler
    scope: Scope | None
    tag: str
    summary: str
    body: Any = None
    query: Any = None
    reply: Any = None
    status: int = 200
    media_type: str = JSON


class Operations:
    """Collects the operations of one subject; each route module has one."""

    def __init__(self, tag: str):
        self.tag = tag
        self.all: list[Operation] = []

    def add(
        self,
        method: str,
        path: str,
        *,
        scope: Scope | None,
        body: Any = None,
        query: Any = None,
        reply: Any = None,
        status: int = 200,
        media_type: str = JSON,
    ) -> Callable[[Handler], Handler]:
        """Declare the decorated function as an operation. Its docstring is the summary."""

        def declare(handler: Handler) -> Handler:
            self.all.append(
                Operation(
                    method=method,
                    path=path,
                    handler=handler,
                    scope=scope,
                    tag=self.tag,
                    summary=inspect.cleandoc(handler.__doc__ or "").splitlines()[0],
                    body=body,
                    query=query,
                    reply=reply,
                    status=status,
                    media_type=media_type,
                )
            )
            return handler

        return declare


class Body:
    """Reads JSON bodies of one type."""

    def __init__(self, of_type: Any):
        self._type = of_type
        self._decoder = msgspec.json.Decoder(of_type)

    def read(self, body: bytes) -> Any:
        """The body, decoded.

        Raises `InvalidInput` naming the field that does not fit, `NotJson`.
        """
        try:
            decoded = self._decoder.decode(body)
        except msgspec.ValidationError as error:
            raise misfit(error, self._type, _plain(body)) from None
        except msgspec.DecodeError as error:
            raise NotJson(f"not JSON: {error}") from None
        except UnicodeDecodeError:
            raise NotJson("not UTF-8") from None
        except RecursionError:
            raise NotJson("nested too deeply") from None
        if b"\\u0000" in body:
            refuse_nul(_plain(body))
        return decoded


def read_query(query: Mapping[str, str], of_type: Any) -> Any:
    """The query, converted. Raises `InvalidInput` naming the field that does not fit."""
    refuse_nul(query)
    try:
        return msgspec.convert(query, of_type, strict=False)
    except msgspec.ValidationError as error:
        raise misfit(error, of_type, query) from None


def _plain(body: bytes) -> object:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


class Endpoint:
    """An operation ready to answer: checks the scope, decodes, calls the handler, encodes."""

    def __init__(self, operation: Operation):
        self.operation = operation
        self._body = Body(operation.body) if operation.body is not None else None
        self._is_async = inspect.iscoroutinefunction(operation.handler)

    async def answer(
        self,
        services: Services,
        principal: Principal,
        path: Mapping[str, str],
        query: Mapping[str, str],
        body: bytes,
    ) -> bytes:
        """The reply as it is sent; empty for one without content.

        Raises what `Body.read`, `read_query` and the handler raise, and `Forbidden`.
        """
        operation = self.operation
        require(principal, operation.scope)
        refuse_nul(path)
        call = Call(
            principal,
            path,
            read_query(query, operation.query) if operation.query is not None else None,
            self._body.read(body) if self._body is not None else None,
        )
        if self._is_async:
            reply = await operation.handler(services, call)
        else:
            reply = await asyncio.to_thread(operation.handler, services, call)
        if operation.reply is None:
            return b""
        if operation.media_type != JSON:
            return bytes(reply)
        return msgspec.json.encode(reply)


def register(app: FastAPI, operation: Operation, services: Callable[[], Services]) -> None:
    """Serve an operation from the application."""
    endpoint = Endpoint(operation)

    async def route(request: Request) -> Response:
        body = await request.body() if operation.body is not None else b""
        if operation.method not in ("GET", "DELETE"):
            require(request.scope["principal"], operation.scope)
            refuse_card_data(request.path_params)
            sent = _plain(body)
            if may_hold_card_data(body):
                refuse_card_data(sent)
            refuse_unknown_fields(operation.body, sent)
        return Response(
            await endpoint.answer(
                services(),
                request.scope["principal"],
                request.path_params,
                dict(request.query_params),
                body,
            ),
            status_code=operation.status,
            media_type=operation.media_type if operation.reply is not None else None,
        )

    app.router.add_route(operation.path, route, methods=[operation.method], include_in_schema=False)


def require(principal: Principal, scope: Scope | None) -> None:
    """Raise `Forbidden` unless the caller has the scope; None asks only for a known caller."""
    if scope is not None and not principal.allows(scope):
        raise Forbidden(f"this needs the scope {scope}", expected=f"a caller with {scope}")
