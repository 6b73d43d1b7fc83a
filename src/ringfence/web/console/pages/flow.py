"""One contact flow: its versions, what differs between them, how it looks, and a way back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from markupsafe import Markup
from nicegui import ui
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.contacts.bindings import BINDABLE, put_binding, unbound
from ringfence.contacts.flows import (
    FlowVersion,
    StoredFlow,
    draft_of,
    get_flow,
    publish,
    roll_back,
    versions_of,
)
from ringfence.flows import Flow, FlowInvalid, Wanted, load_flow
from ringfence.flows.differences import differences
from ringfence.flows.laboratory.drawing import draw
from ringfence.web.console import markup
from ringfence.web.console.dialogs import ask_text, confirm
from ringfence.web.console.layout import button, console_page, done, empty, heading, html
from ringfence.web.console.tables import actions, row, table
from ringfence.web.console.visit import Visit


@dataclass(frozen=True, slots=True)
class _View:
    flow: StoredFlow
    versions: Sequence[FlowVersion]
    draft: str | None
    loaded: Flow | None
    problem: str
    unbound: Sequence[tuple[str, Wanted]]


@console_page("/flows/{flow_id}", title="Flow", section="flows", scope=Scope.RULES_READ)
async def flow(visit: Visit) -> None:
    """The page."""
    view = await visit.read(lambda connection: _read(connection, visit.path["flow_id"]))
    about = view.flow.description or f"A {view.flow.kind}; its id is {view.flow.flow_id}."
    heading(view.flow.name, about)
    if view.problem:
        empty("It cannot be run", view.problem)
    if view.unbound:
        _show_unbound(visit, view)
    if view.loaded is not None and view.loaded.notices:
        _show_notices(view.loaded)
    _show_versions(visit, view)
    if view.loaded is not None:
        await _show_graph(view.loaded)


def _read(connection: Connection, flow_id: str) -> _View:
    flow = get_flow(connection, flow_id)
    versions = versions_of(connection, flow_id)
    draft = draft_of(connection, flow_id) if flow.has_draft else None
    heard = next((one for one in versions if one.version == flow.published_version), None)
    content = heard.content if heard is not None else draft
    loaded, problem = None, ""
    if content is not None:
        try:
            loaded = load_flow(content)
        except FlowInvalid as error:
            problem = str(error)
    missing = unbound(connection, flow.instance_id, loaded) if loaded is not None else ()
    return _View(flow, versions, draft, loaded, problem, missing)


def _show_unbound(visit: Visit, view: _View) -> None:
    def ask(wanted: Wanted) -> None:
        reference = wanted.label or wanted.arn

        async def work(target: str) -> None:
            def bind(connection: Connection, _by: str) -> None:
                put_binding(connection, view.flow.instance_id, wanted.kind, reference, target)

            await visit.write(Scope.RULES_WRITE, bind)
            done(f"{reference} is {target} here.")
            ui.navigate.to(visit.here)

        ask_text(
            f"Bind the {wanted.kind}",
            Markup("What is <code>{}</code> here? The flow stays as it is.").format(reference),
            "Name or id",
            "Bind it",
            work,
            field="target",
        )

    with ui.element("section").classes("panel flush").props('aria-label="Not bound"'):
        with ui.element("div").classes("filters"):
            html("Not bound", "h2")
            html(
                "These are named by the flow and are nothing here: their blocks take the error "
                "branch.",
                "p",
            ).classes("soft")
        with table("Block", "Kind", "Name", "ARN", "", label="Not bound", spare="spare-4"):
            for block_id, wanted in view.unbound:
                cells = (block_id, str(wanted.kind), wanted.label or "-", wanted.arn)
                with row(*cells), actions():
                    if visit.allows(Scope.RULES_WRITE) and wanted.kind in BINDABLE:
                        button("Bind", partial(ask, wanted))


def _show_notices(loaded: Flow) -> None:
    with ui.element("section").classes("panel").props('aria-label="Good to know"'):
        html("Good to know", "h2")
        items = Markup("").join(Markup("<li>{}</li>").format(str(n)) for n in loaded.notices)
        html(Markup('<ul class="plain">{}</ul>').format(items))


def _show_versions(visit: Visit, view: _View) -> None:
    def ask_back(version: int) -> None:
        async def work() -> None:
            await visit.write(
                Scope.RULES_WRITE,
                lambda connection, _by: roll_back(connection, view.flow.flow_id, version),
            )
            done(f"Callers hear version {version} from the next call on.")
            ui.navigate.to(visit.here)

        confirm(
            f"Go back to version {version}?",
            "Calls that are under way go on as they began.",
            "Publish it again",
            work,
            danger=False,
        )

    def ask_draft(content: str) -> None:
        async def work() -> None:
            version = await visit.write(
                Scope.RULES_WRITE,
                lambda connection, by: publish(connection, view.flow.flow_id, content, by=by),
            )
            done(f"The draft is version {version} now.")
            ui.navigate.to(visit.here)

        confirm("Publish the draft?", "Callers hear it next.", "Publish", work, danger=False)

    may = visit.allows(Scope.RULES_WRITE)
    with ui.element("section").classes("panel flush").props('aria-label="Versions"'):
        with ui.element("div").classes("filters"):
            html("Versions", "h2")
        with table(
            "Version",
            "Published",
            "By",
            "What differs from the one before",
            "",
            label="Versions",
            spare="spare-2 spare-3",
        ):
            if view.draft is not None:
                before = view.versions[0].content if view.versions else None
                with row("draft", "", "", _difference(before, view.draft)), actions():
                    if may:
                        draft = view.draft
                        button("Publish", lambda: ask_draft(draft), "primary")
            for position, version in enumerate(view.versions):
                older = view.versions[position + 1 : position + 2]
                before = older[0].content if older else None
                heard = version.version == view.flow.published_version
                number = Markup("{} {}").format(
                    version.version, markup.pill("heard", "good") if heard else ""
                )
                said = _difference(before, version.content)
                published = markup.moment(version.created_at)
                with row(number, published, version.created_by, said), actions():
                    if may and not heard:
                        button("Go back to it", partial(ask_back, version.version))


def _difference(before: str | None, after: str) -> Markup:
    if before is None:
        return Markup('<span class="soft">the first</span>')
    try:
        found = differences(before, after)
    except FlowInvalid as error:
        return Markup('<span class="error">{}</span>').format(str(error))
    if not found:
        return Markup('<span class="soft">nothing that a caller hears</span>')
    return Markup('<ul class="plain">{}</ul>').format(
        Markup("").join(Markup("<li>{}</li>").format(str(each)) for each in found)
    )


async def _show_graph(loaded: Flow) -> None:
    drawing = await asyncio.to_thread(draw, loaded)
    with ui.element("section").classes("panel").props('aria-label="Drawing"'):
        html("How it goes", "h2")
        with ui.element("div").classes("scroll"):
            html(Markup(drawing)).classes("flow-graph")  # noqa: S704 - our own drawing
