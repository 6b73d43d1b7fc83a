"""The frame of every page: who is signed in, where one can go, and what happens when it fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from fastapi import Request
from markupsafe import Markup
from nicegui import ui
from starlette.responses import RedirectResponse

from ringfence import __version__
from ringfence.access import Scope
from ringfence.errors import NotFound, RingfenceError, Unauthenticated
from ringfence.web.console.presence import keep_present
from ringfence.web.console.visit import Visit, visit_of

_SECTIONS: tuple[tuple[str, str, str, Scope], ...] = (
    ("live", "Live", "/", Scope.CASES_READ),
    ("cases", "Cases", "/cases", Scope.CASES_READ),
    ("contacts", "Contacts", "/contacts", Scope.CASES_READ),
    ("lines", "Lines", "/lines", Scope.CASES_READ),
    ("queues", "Queues", "/queues", Scope.CASES_READ),
    ("tasks", "Tasks", "/tasks", Scope.CASES_READ),
    ("flows", "Flows", "/flows", Scope.RULES_READ),
    ("functions", "Functions", "/functions", Scope.RULES_READ),
    ("resources", "Resources", "/resources", Scope.RULES_READ),
    ("customers", "Customers", "/customers", Scope.CARDS_READ),
    ("models", "Models", "/models", Scope.MODELS_READ),
    ("challengers", "Challengers", "/challengers", Scope.MODELS_READ),
    ("drift", "Drift", "/drift", Scope.MODELS_READ),
    ("jobs", "Jobs", "/jobs", Scope.MODELS_READ),
    ("detectors", "Detectors", "/detectors", Scope.RULES_READ),
    ("backtest", "Backtest", "/backtest", Scope.RULES_READ),
    ("phones", "Phone", "/phones", Scope.PHONES),
    ("access", "Access", "/access", Scope.ACCESS),
)
_HEAD = (
    f'<link rel="stylesheet" href="/console/theme.css?{__version__}">'
    f'<script src="/console/console.js?{__version__}"></script>'
)
_log = structlog.get_logger(__name__)

Build = Callable[[Visit], Awaitable[None]]


def console_page(route: str, *, title: str, section: str, scope: Scope) -> Callable[[Build], Build]:
    """Serve what the decorated function builds at `route`, in the frame, to who has `scope`."""

    def declare(build: Build) -> Build:
        async def page(request: Request) -> Any:
            try:
                visit = visit_of(request)
            except Unauthenticated:
                return RedirectResponse("/sign-in", status_code=303)
            _frame(visit, section)
            with ui.element("main").props('id="main" tabindex="-1"').classes("page"):
                if not visit.allows(scope):
                    trouble(
                        "This page is not for your role",
                        f"It needs the scope {scope}. An admin can change your role under Access.",
                    )
                    return None
                try:
                    await build(visit)
                except NotFound as error:
                    ui.context.client.status_code = 404
                    trouble("Not found", f"{error.message[:1].upper()}{error.message[1:]}.")
                except RingfenceError as error:
                    trouble("This cannot be shown now", str(error))
                except Exception as error:
                    _log.error("a page could not be shown", path=visit.here, exc_info=error)
                    trouble("This cannot be shown now", "Something failed; it is in the log.")
            # A timer lets the page go out as it is, so that none may be there before it is built.
            keep_present(visit)
            return None

        ui.page(route, title=f"{title} · Ringfence", response_timeout=20)(page)
        return build

    return declare


async def nowhere(request: Request) -> Any:
    """The page of an address that leads to none."""
    try:
        visit = visit_of(request)
    except Unauthenticated:
        return RedirectResponse("/sign-in", status_code=303)
    ui.context.client.status_code = 404
    _frame(visit, "")
    with ui.element("main").props('id="main" tabindex="-1"').classes("page"):
        trouble("There is no such page", f"Nothing is at {request.url.path}.")
    return None


def heading(title: str, about: str = "") -> None:
    """The title of a page and one line about it."""
    with ui.element("div").classes("heading"):
        html(title, "h1")
        if about:
            html(about, "p").classes("soft")


def html(content: object, tag: str = "div") -> ui.html:
    """Markup, or text that is escaped, in an element of its own."""
    return ui.html(_text(content), tag=tag, sanitize=False)


def rewrite(element: ui.html, content: object) -> None:
    """Put other content into an element made by `html`, if it differs."""
    text = _text(content)
    if element.content != text:
        element.set_content(text)


def empty(title: str, what_next: object) -> ui.element:
    """What to say where there is nothing yet, and what to do about it."""
    box = ui.element("div").classes("empty")
    with box:
        html(title, "strong")
        html(what_next, "p")
    return box


def trouble(title: str, text: str) -> None:
    """Something failed, and the page cannot help it."""
    with ui.element("div").classes("empty trouble").props('role="alert"'):
        html(title, "strong")
        html(text, "p")


def every(visit: Visit, seconds: float, work: Callable[[], Awaitable[None]]) -> ui.timer:
    """Do `work` now and again, as long as somebody is there.

    When the session is over the page covers itself; when something fails it says so, and tries
    again.
    """
    warning = ui.element("p").classes("stale").props('role="status"')
    with warning:
        html("The server cannot be read at the moment. What you see may be old; trying again.")
    warning.set_visibility(False)

    async def tick() -> None:
        if visit.idle:
            timer.deactivate()
            _cover("Paused", "Nobody has used this page for a while.", "Continue")
            return
        try:
            await work()
            warning.set_visibility(False)
        except Unauthenticated:
            timer.deactivate()
            _cover("Signed out", "Your session is over.", "Sign in again")
        except Exception as error:
            if not warning.visible:
                _log.warning("a page could not be refreshed", path=visit.here, exc_info=error)
            warning.set_visibility(True)

    timer = ui.timer(seconds, tick)
    return timer


async def attempt(work: Callable[[], Awaitable[None]]) -> bool:
    """Do what a person asked for; say so when it fails. Returns whether it went well."""
    try:
        await work()
    except Unauthenticated:
        _cover("Signed out", "Your session is over; nothing was changed.", "Sign in again")
        return False
    except RingfenceError as error:
        ui.notify(str(error), type="negative", position="top", timeout=8000)
        return False
    except Exception as error:
        _log.error("something that was asked for failed", exc_info=error)
        ui.notify("This failed; why is in the log.", type="negative", position="top", timeout=8000)
        return False
    return True


def done(text: str) -> None:
    """Say that something was done."""
    ui.notify(text, type="positive", position="top")


def button(text: str, on_click: Callable[[], Any] | None = None, kind: str = "quiet") -> ui.button:
    """A button of a kind: `primary`, `quiet` or `danger`."""
    made = ui.button(text, color=None, on_click=on_click)
    return made.props("unelevated no-caps no-wrap").classes(f"button {kind}")


def _frame(visit: Visit, section: str) -> None:
    ui.add_head_html(_HEAD)
    ui.dark_mode({"light": False, "dark": True}.get(visit.theme))
    ui.on("console_active", visit.active)
    person = visit.principal
    html(Markup('<a class="skip" href="#main">Skip to the content</a>'))
    links = Markup("").join(
        Markup('<a href="{}"{}>{}</a>').format(
            href, Markup(' aria-current="page"') if name == section else "", label
        )
        for name, label, href, scope in _SECTIONS
        if visit.allows(scope)
    )
    themes = Markup("").join(
        Markup('<button type="button" data-theme-choice="{}" aria-pressed="{}">{}</button>').format(
            name, "true" if name == visit.theme else "false", name.capitalize()
        )
        for name in ("auto", "light", "dark")
    )
    html(
        Markup(
            '<a class="brand" href="/"><span class="mark" aria-hidden="true"></span>Ringfence</a>'
            '<nav aria-label="Pages">{}</nav>'
            '<div class="themes" role="group" aria-label="Colours">{}</div>'
            '<div class="person"><span class="who"><b>{}</b> <small>{}</small></span>'
            '<form method="post" action="/sign-out"><button>Sign out</button></form></div>'
        ).format(links, themes, person.name, person.role or "no role"),
        "header",
    ).classes("frame")


def _cover(title: str, text: str, action: str) -> None:
    layout = ui.context.client.layout
    # Several parts of a page may find at once that the session is over.
    if any("cover" in child.classes for child in layout.default_slot.children):
        return
    with layout, ui.element("div").classes("cover").props('role="alertdialog" aria-modal="true"'):
        html(title, "h2")
        html(text, "p")
        html(Markup('<a class="button primary" href="" autofocus>{}</a>').format(action))


def _text(content: object) -> str:
    return str(Markup("{}").format(content))
