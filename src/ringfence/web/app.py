"""The application: the API, the pages, and the errors of both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.routing import Route, compile_path

from ringfence import __version__
from ringfence.access import Scope
from ringfence.errors import NotFound, RingfenceError, Unavailable
from ringfence.settings import Settings
from ringfence.storage import Database
from ringfence.web.answer_page import add_answer_page
from ringfence.web.api import Operation, register, require
from ringfence.web.decisions import operations as decision_operations
from ringfence.web.documents import add_documents
from ringfence.web.front import AsgiScope, Front, Receive, Send, is_hot
from ringfence.web.incoming_texts import add_incoming_texts
from ringfence.web.incoming_texts import operations as text_operations
from ringfence.web.phones import add_phones
from ringfence.web.problems import Problem, ProblemReply, problem, reply_of
from ringfence.web.routes import (
    access,
    agents,
    backtests,
    bindings,
    calls,
    cards,
    cases,
    challengers,
    detectors,
    drift,
    events,
    external_models,
    flow_versions,
    functions,
    lines,
    models,
    permissions,
    prompts,
    queues,
    recordings,
    shadows,
)
from ringfence.web.routes.line_callbacks import add_line_callbacks
from ringfence.web.services import Services, open_services
from ringfence.web.sign_in import add_sign_in
from ringfence.web.telemetry import Telemetry

OPERATIONS: tuple[Operation, ...] = tuple(
    operation
    for subject in (
        decision_operations,
        events.operations,
        models.operations,
        external_models.operations,
        detectors.operations,
        shadows.operations,
        backtests.operations,
        drift.operations,
        challengers.operations,
        cases.operations,
        calls.operations,
        functions.operations,
        flow_versions.operations,
        bindings.operations,
        queues.operations,
        agents.operations,
        prompts.operations,
        recordings.operations,
        lines.operations,
        text_operations,
        cards.operations,
        permissions.operations,
        access.operations,
    )
    for operation in subject.all
)


def build_application(
    settings: Settings, database: Database, on_failure: Callable[[RingfenceError], None]
) -> Front:
    """The ASGI application over a migrated database.

    `on_failure` is told why it cannot start, which the protocol between server and application
    has no words for.
    """
    opened: list[Services] = []
    telemetry = Telemetry()

    def services() -> Services:
        if not opened:
            raise Unavailable("the server is starting or stopping")
        return opened[0]

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            try:
                all_services = await stack.enter_async_context(
                    open_services(settings, database, telemetry)
                )
            except RingfenceError as error:
                on_failure(error)
                raise
            telemetry.watch(database)
            telemetry.watch_external(all_services.engine.external)
            opened.append(all_services)
            stack.callback(opened.clear)
            yield

    app = FastAPI(
        title="Ringfence",
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    _add_errors(app)
    for operation in OPERATIONS:
        if not is_hot(operation):
            register(app, operation, services)
    add_documents(app, OPERATIONS)
    add_sign_in(app, services)
    add_phones(app, services)
    add_answer_page(app, services)
    add_incoming_texts(app, services)
    add_line_callbacks(app, services)
    _add_operations_routes(app, services, telemetry)

    from ringfence.web.console import add_console

    add_console(app, services, settings.data_dir)
    return Front(services, app, telemetry)


def _add_operations_routes(app: FastAPI, services: object, telemetry: Telemetry) -> None:
    async def ready(_request: Request) -> Response:
        all_services: Services = services()  # type: ignore[operator]
        await asyncio.to_thread(_ping, all_services.database)
        return Response(b'{"status":"ready"}', media_type="application/json")

    async def metrics(request: Request) -> Response:
        require(request.scope["principal"], Scope.METRICS)
        text = await asyncio.to_thread(telemetry.exposition)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    app.router.add_route("/readyz", ready, methods=["GET"], include_in_schema=False)
    app.router.add_route("/metrics", metrics, methods=["GET"], include_in_schema=False)
    app.router.routes.append(Route("/v1/{path:path}", _Unserved(OPERATIONS)))


class _Unserved:
    """What comes to a path under `/v1` that has no operation, or not with this method."""

    def __init__(self, operations: Sequence[Operation]):
        self._methods = [(compile_path(o.path)[0], o.method) for o in operations]

    async def __call__(self, scope: AsgiScope, _receive: Receive, _send: Send) -> None:
        path, method = scope["path"], scope["method"]
        methods = {served for place, served in self._methods if place.fullmatch(path)}
        if methods:
            allowed = ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))
            raise HTTPException(405, f"{method} is not for {path}", {"allow": allowed})
        raise NotFound(f"there is no {method} {path}", field="path")


def _ping(database: Database) -> None:
    with database.read() as connection:
        connection.exec_driver_sql("SELECT 1")


def _add_errors(app: FastAPI) -> None:
    async def answered(_request: Request, error: Exception) -> Response:
        return _reply(*problem(error))

    async def of_framework(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        reply = _reply(error.status_code, reply_of(Problem(str(error.detail))))
        reply.headers.update(error.headers or {})
        return reply

    app.add_exception_handler(RingfenceError, answered)
    app.add_exception_handler(Exception, answered)  # raised again after the answer, and logged
    app.add_exception_handler(HTTPException, of_framework)


def _reply(status: int, reply: ProblemReply) -> Response:
    return Response(msgspec.json.encode(reply), status_code=status, media_type="application/json")
