"""One open page of one person: who it is, what they may do, and the way to the database.

A page stays open for hours over one WebSocket, so what was true when it was loaded is asked again:
every change needs a session that is still open, and every refresh one that is still in use.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TypeVar

from fastapi import Request
from sqlalchemy import Connection

from ringfence.access import Principal, Scope
from ringfence.access.sessions import IDLE
from ringfence.errors import Forbidden, Unauthenticated
from ringfence.storage import now
from ringfence.web.front import SESSION_COOKIE
from ringfence.web.services import Services

T = TypeVar("T")
THEME_COOKIE = "ringfence_theme"


class Visit:
    """An open page. Made once per page load."""

    def __init__(self, services: Services, request: Request, token: str):
        self.services = services
        self.principal: Principal = request.scope["principal"]
        self.path: Mapping[str, str] = dict(request.path_params)
        self.query: Mapping[str, str] = dict(request.query_params)
        self.here = request.url.path
        self.origin = f"{request.url.scheme}://{request.url.netloc}"
        chosen = request.cookies.get(THEME_COOKIE)
        self.theme = chosen if chosen in ("light", "dark") else "auto"
        self._token = token
        self._active_at = time.monotonic()

    def allows(self, scope: Scope) -> bool:
        """Whether the person may do that, as far as was known when the page was loaded."""
        return self.principal.allows(scope)

    def active(self) -> None:
        """Note that a person is there."""
        self._active_at = time.monotonic()

    @property
    def idle(self) -> bool:
        """Whether nobody has used this page for as long as a session may be idle."""
        return time.monotonic() - self._active_at >= IDLE.total_seconds()

    async def read(self, work: Callable[[Connection], T]) -> T:
        """What `work` reads, in a thread, on one snapshot.

        Raises `Unauthenticated` once the session is over. A page that refreshes itself does not
        count as use, so an unattended screen does not keep a session open.
        """

        def run() -> T:
            used_at = now() - timedelta(seconds=time.monotonic() - self._active_at)
            self.services.sessions.principal(self._token, used_at)
            with self.services.database.read() as connection:
                return work(connection)

        return await asyncio.to_thread(run)

    async def write(self, scope: Scope, work: Callable[[Connection, str], T]) -> T:
        """What `work(connection, name)` does, in one transaction, for the person of that name.

        Raises `Unauthenticated`, `Forbidden`, and whatever `work` raises, after which nothing is
        changed.
        """
        self.active()

        def run() -> T:
            principal = self.services.sessions.principal(self._token)
            if not principal.allows(scope):
                raise Forbidden(f"this needs the scope {scope}", expected=f"a user with {scope}")
            changes_definitions = scope is Scope.RULES_WRITE
            begin = self.services.redefine if changes_definitions else self.services.database.write
            with begin() as connection:
                return work(connection, principal.name)

        return await asyncio.to_thread(run)


def visit_of(request: Request) -> Visit:
    """The visit that a page request begins. Raises `Unauthenticated` without a session."""
    token = request.cookies.get(SESSION_COOKIE)
    if token is None:
        raise Unauthenticated("the console needs a session", expected="signing in")
    return Visit(request.scope["ringfence.services"](), request, token)
