"""`/lines/NAME/...`: what the telephone network of a line posts to it, which the line checks."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI, Request, Response

from ringfence.errors import NotFound, TooLarge
from ringfence.lines.callbacks import LARGEST_BYTES, CallbackRequest, TakesCallbacks
from ringfence.web.services import Services


def add_line_callbacks(app: FastAPI, services: Callable[[], Services]) -> None:
    """Hand requests below `/lines/NAME/` to the line NAME, if its network calls it back."""

    async def called_back(request: Request) -> Response:
        name = request.path_params["name"]
        line = services().lines.get(name)
        if not isinstance(line, TakesCallbacks):
            raise NotFound(f"no line {name!r} takes call-backs", field="path")
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_BYTES:
                raise TooLarge(
                    "the body is too large", field="body", expected=f"at most {LARGEST_BYTES} bytes"
                )
        query = request.scope["query_string"].decode("latin-1")
        raw_path = request.scope.get("raw_path") or request.url.path.encode()
        reply = await line.called_back(
            CallbackRequest(
                method=request.method,
                path=request.path_params["rest"],
                target=raw_path.decode("latin-1").partition("?")[0]
                + (f"?{query}" if query else ""),
                headers={name.lower(): value for name, value in request.headers.items()},
                body=bytes(body),
            )
        )
        return Response(reply.body, status_code=reply.status, headers=dict(reply.headers))

    app.router.add_route(
        "/lines/{name}/{rest:path}",
        called_back,
        methods=["GET", "POST"],
        include_in_schema=False,
    )
