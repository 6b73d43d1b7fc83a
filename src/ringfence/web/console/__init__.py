"""The console: what people see of Ringfence in a browser.

The last thing on the way of a request: the API's routes come before it. It shows and changes
things through the same functions as the API, and knows nothing of tables.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, MutableMapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

if TYPE_CHECKING:
    from ringfence.web.services import Services

# NiceGUI compiles its templates in the browser, hence 'unsafe-eval'; nothing comes from elsewhere.
_POLICY = (
    b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    b"style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
    b"object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_Message = MutableMapping[str, Any]
_Send = Callable[[_Message], Awaitable[None]]


def add_console(app: FastAPI, services: Callable[[], Services], data_dir: Path) -> None:
    """Serve the console at every path that `app` does not serve yet.

    NiceGUI is imported here, for it costs about a second, and one process has one: several
    applications share the pages, each request bringing its own services.
    """
    # NiceGUI would otherwise make a folder in the working directory.
    os.environ.setdefault("NICEGUI_STORAGE_PATH", str(data_dir.absolute() / "console"))
    from nicegui import core, ui

    from ringfence.web.console import pages
    from ringfence.web.console.layout import nowhere

    pages.load()
    app.mount("/console", StaticFiles(directory=str(Path(__file__).with_name("static"))))
    core.app.middleware_stack = None  # the second application of a process adds its own again
    core.app.user_middleware.clear()
    core.app.config.socket_io_js_transports = ["websocket"]
    ui.run_with(
        app,
        root=nowhere,
        title="Ringfence",
        favicon=Path(str(files("ringfence.lines") / "phone" / "icon.svg")),
        dark=None,
        language="en-US",
        tailwind=False,
        mount_path="/",
        show_welcome_message=False,
        message_history_length=200,
    )
    app.add_middleware(_WithServices, services=services)


class _WithServices:
    """Gives each request the services of its application, and pages their content policy."""

    def __init__(self, app: Any, services: Callable[[], Services]):
        self._app = app
        self._services = services

    async def __call__(self, scope: _Message, receive: Any, send: _Send) -> None:
        scope["ringfence.services"] = self._services

        async def send_with_policy(message: _Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.setdefault("headers", [])
                names = {name.lower() for name, _ in headers}
                is_page = any(
                    name.lower() == b"x-nicegui-content" and value == b"page"
                    for name, value in headers
                )
                if is_page and b"content-security-policy" not in names:
                    message["headers"] = [*headers, (b"content-security-policy", _POLICY)]
            await send(message)

        await self._app(scope, receive, send_with_policy)
