"""`/openapi.json` and `/docs`: the API described, with a page that needs nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.staticfiles import StaticFiles

from ringfence.web.api import Operation
from ringfence.web.openapi import openapi_document


def add_documents(app: FastAPI, operations: Sequence[Operation]) -> None:
    """Serve both for `operations`."""
    document = msgspec.json.encode(openapi_document(operations))

    async def openapi(_request: Request) -> Response:
        return Response(document, media_type="application/json")

    async def docs(_request: Request) -> Response:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title="Ringfence API",
            swagger_js_url="/docs/static/swagger-ui-bundle.js",
            swagger_css_url="/docs/static/swagger-ui.css",
            swagger_favicon_url="/phone/icon.svg",
            swagger_ui_parameters={"docExpansion": "list", "persistAuthorization": True},
        )

    app.router.add_route("/openapi.json", openapi, methods=["GET"], include_in_schema=False)
    app.router.add_route("/docs", docs, methods=["GET"], include_in_schema=False)
    static = files("fastapi_offline") / "static"
    app.mount("/docs/static", StaticFiles(directory=str(static)))
