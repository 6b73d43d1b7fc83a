"""Lines: the telephones of this server, how their trunks stand, and proving one by a call."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
from markupsafe import Markup
from nicegui import background_tasks, ui

from ringfence.access import Scope
from ringfence.lines import CallRequest
from ringfence.lines.proving import Step, prove
from ringfence.web.console import markup
from ringfence.web.console.dialogs import ask_text
from ringfence.web.console.layout import button, console_page, done, every, heading, html, rewrite
from ringfence.web.console.tables import actions, row, table
from ringfence.web.console.visit import Visit
from ringfence.web.routes.lines import LineView, ProofBody, proof_request, view_of

_UP = {True: ("up", "good"), False: ("down", "bad"), None: ("not known yet", "plain")}
_TRUNKS_HEAD = Markup(
    "<thead><tr><th>Line</th><th>Trunk</th><th>Host</th><th>State</th>"
    '<th class="number">Calls</th></tr></thead>'
)
_OK = {True: ("ok", "good"), False: ("no", "bad"), None: ("?", "warn")}


@console_page("/lines", title="Lines", section="lines", scope=Scope.CASES_READ)
async def lines(visit: Visit) -> None:
    """The page."""
    page = _Lines(visit)
    await page.refresh()
    every(visit, 2.0, page.refresh)


class _Lines:
    def __init__(self, visit: Visit):
        self._visit = visit
        heading("Lines", "The telephones that calls are placed on, and come in on.")
        self._states: dict[str, Any] = {}
        with (
            ui.element("section").classes("panel flush"),
            table("Line", "Numbers", ">Calls", ">At once", ">A second", "State", "", label="Lines"),
        ):
            for name in visit.services.lines:
                self._row(name)
        self._trunks = html("")
        with ui.element("section").classes("panel").props('aria-label="Proof"') as self._proof:
            html("What was looked at", "h2")
            self._steps = html("", "table").props('aria-label="Steps" aria-live="polite"')
        self._proof.set_visibility(False)

    async def refresh(self) -> None:
        """Show how the lines stand now."""
        await self._visit.read(_nothing)  # that the session is still open
        views = [view_of(self._visit.services, name) for name in self._visit.services.lines]
        for view in views:
            calls, state = self._states[view.name]
            rewrite(calls, _calls(view))
            rewrite(state, _state(view))
        rewrite(self._trunks, _trunks(views))

    def _row(self, name: str) -> None:
        view = view_of(self._visit.services, name)
        numbers = "any" if view.numbers is None else ", ".join(view.numbers)
        with row(name, numbers):
            with ui.element("td").classes("number"):
                calls = html("")
            html(str(view.calls_at_once or "any"), "td").classes("number")
            a_second = f"{view.calls_per_second:g}" if view.calls_per_second else "any"
            html(a_second, "td").classes("number")
            with ui.element("td"):
                state = html("")
            with actions():
                if self._visit.allows(Scope.CASES_WRITE):
                    button("Test", partial(self._ask, name))
        self._states[name] = (calls, state)

    def _ask(self, name: str) -> None:
        async def go(number: str) -> None:
            request = proof_request(self._visit.services, ProofBody(number))
            await self._visit.write(Scope.CASES_WRITE, _nothing)  # who may not, is refused
            # No timer of the dialog's, which would go with it.
            background_tasks.create(self._prove(name, request), name=f"proof of {name}")

        ask_text(
            f"Test the line {name}",
            "It calls a telephone that you can answer: listen, and press a key.",
            "Phone number",
            "Call",
            go,
            field="to_number",
            hint="With country code, such as +4930901820",
        )

    async def _prove(self, name: str, request: CallRequest) -> None:
        self._proof.set_visibility(True)
        begun = [Step("call", None, f"calling {request.to_number}: answer, and press a key")]
        rewrite(self._steps, _shown(begun))
        found: list[Step] = []
        services = self._visit.services
        async with services.centre.calls.dispatcher.turn(name):
            async for step in prove(services.lines[name], request):
                found.append(step)
                rewrite(self._steps, _shown(found))
        with self._steps:
            done("The test is over")


def _nothing(*_: object) -> None:
    """Reads and changes nothing."""


def _calls(view: LineView) -> str:
    state = _plain(view)
    return str(state.get("calls", "")) if state else ""


def _state(view: LineView) -> Markup:
    state = _plain(view)
    if not state:
        return markup.pill("ready", "good")
    if state.get("problem"):
        return Markup("{} {}").format(markup.pill("trouble", "bad"), state["problem"])
    trunks = state.get("trunks") or []
    if trunks and all(trunk["up"] is False for trunk in trunks):
        return markup.pill("down", "bad")
    if any(trunk["up"] is False for trunk in trunks):
        return markup.pill("a trunk is down", "warn")
    return markup.pill("ready", "good")


def _trunks(views: list[LineView]) -> Markup:
    rows = []
    for view in views:
        for trunk in _plain(view).get("trunks") or []:
            text, tone = _UP[trunk["up"]]
            rows.append(
                Markup(
                    "<tr><td>{}</td><td>{}</td><td>{}</td><td>{} {}</td>"
                    '<td class="number">{}</td></tr>'
                ).format(
                    view.name,
                    trunk["name"],
                    trunk["host"],
                    markup.pill(text, tone),
                    trunk["detail"],
                    trunk["calls"],
                )
            )
    if not rows:
        return Markup("")
    return (
        Markup('<section class="panel flush"><div class="scroll"><table aria-label="Trunks">')
        + _TRUNKS_HEAD
        + Markup("<tbody>{}</tbody></table></div></section>").format(Markup("").join(rows))
    )


def _shown(steps: list[Step]) -> Markup:
    rows = (
        Markup('<tr><td class="tight">{}</td><td class="tight">{}</td><td>{}</td></tr>').format(
            markup.pill(*_OK[step.ok]), step.name, step.text
        )
        for step in steps
    )
    return Markup("<tbody>{}</tbody>").format(Markup("").join(rows))


def _plain(view: LineView) -> dict[str, Any]:
    state: dict[str, Any] = msgspec.to_builtins(view.state) or {}
    return state
