"""The sign-in page: a name and a password become a session, kept by the browser as a cookie."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable
from pathlib import Path

from fastapi import FastAPI, Request, Response
from starlette.responses import RedirectResponse
from starlette.templating import Jinja2Templates

from ringfence.access import authenticate, close_session, open_session
from ringfence.carddata import looks_like_card_number
from ringfence.errors import RingfenceError, Unauthenticated
from ringfence.storage import now
from ringfence.web.front import SESSION_COOKIE, is_same_site
from ringfence.web.services import Services

# One slash only: browsers take two or more for the beginning of a host, a backslash for a slash,
# and drop tabs and line breaks before they look.
_LOCAL_PATH = re.compile(r"/(?:[^/\\\x00-\x1f][^\\\x00-\x1f]*)?")
_templates = Jinja2Templates(directory=str(Path(__file__).with_name("pages")))


def add_sign_in(app: FastAPI, services: Callable[[], Services]) -> None:
    """Serve `/sign-in` and `/sign-out`."""

    async def ask(request: Request) -> Response:
        return _page(request, next_path=request.query_params.get("next", "/"))

    async def sign_in(request: Request) -> Response:
        form = await request.form()
        name, next_path = str(form.get("name", "")), str(form.get("next", "/"))
        origin = request.headers.get("origin")
        if origin is not None and not is_same_site(origin, request.headers.get("host")):
            return _page(request, name, next_path, "This form came from another site.", 403)
        try:
            token = await asyncio.to_thread(
                _open_session, services(), name, str(form.get("password", ""))
            )
        except RingfenceError as error:
            return _page(request, name, next_path, error.message, 401)
        response = RedirectResponse(_local(next_path), status_code=303)
        response.set_cookie(
            SESSION_COOKIE,
            token,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
            path="/",
        )
        return response

    async def sign_out(request: Request) -> Response:
        token = request.cookies.get(SESSION_COOKIE)
        if token:
            await asyncio.to_thread(_close_session, services(), token)
        response = RedirectResponse("/sign-in", status_code=303)
        response.delete_cookie(SESSION_COOKIE, path="/")
        return response

    app.router.add_route("/sign-in", ask, methods=["GET"], include_in_schema=False)
    app.router.add_route("/sign-in", sign_in, methods=["POST"], include_in_schema=False)
    app.router.add_route("/sign-out", sign_out, methods=["POST"], include_in_schema=False)


def _open_session(services: Services, name: str, password: str) -> str:
    if looks_like_card_number(name):  # nobody has such a name, and attempts are written down
        raise Unauthenticated("the name or the password is wrong", field="password")
    user = authenticate(services.database, name, password, now())
    with services.database.write() as connection:
        return open_session(connection, user, now())


def _close_session(services: Services, token: str) -> None:
    with services.database.write() as connection:
        close_session(connection, token)


def _page(
    request: Request, name: str = "", next_path: str = "/", error: str = "", status: int = 200
) -> Response:
    nonce = secrets.token_urlsafe(12)
    return _templates.TemplateResponse(
        request,
        "sign_in.html",
        {"name": name, "next": _local(next_path), "error": error, "nonce": nonce},
        status_code=status,
        headers={
            "cache-control": "no-store",
            "content-security-policy": f"default-src 'none'; style-src 'nonce-{nonce}'; "
            "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        },
    )


def _local(path: str) -> str:
    """`path` if it leads to this server, else the start page: no open redirect."""
    return path if _LOCAL_PATH.fullmatch(path) else "/"
