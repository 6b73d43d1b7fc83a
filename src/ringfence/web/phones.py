"""The browser phone's page, and the WebSocket that its calls come over."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files

from fastapi import FastAPI, Request, Response
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from ringfence.access import Scope
from ringfence.errors import Forbidden
from ringfence.web.api import require
from ringfence.web.services import Services

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def add_phones(app: FastAPI, services: Callable[[], Services]) -> None:
    """Serve `/phone` and `/v1/phones/ws`, to callers with the scope `phones`."""
    pages = files("ringfence.lines") / "phone"

    async def page(request: Request) -> Response:
        require(request.scope["principal"], Scope.PHONES)
        return FileResponse(
            str(pages / "phone.html"),
            headers={"content-security-policy": _POLICY, "cache-control": "no-cache"},
        )

    async def exchange(socket: WebSocket) -> None:
        try:
            require(socket.scope["principal"], Scope.PHONES)
        except Forbidden as error:
            await socket.close(4403, error.message)
            return
        await services().phones.serve(socket, socket.query_params.get("number", ""))

    app.router.add_route("/phone", page, methods=["GET"], include_in_schema=False)
    app.mount("/phone", StaticFiles(directory=str(pages)))
    app.router.add_websocket_route("/v1/phones/ws", exchange)
