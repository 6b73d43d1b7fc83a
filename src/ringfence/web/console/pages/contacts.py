"""Contacts: every conversation on a telephone, those under way first."""

from __future__ import annotations

from markupsafe import Markup
from nicegui import ui
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.contacts.flows import get_flow
from ringfence.contacts.instances import default_instance
from ringfence.contacts.records import Channel, StoredContact, list_contacts
from ringfence.errors import NotFound
from ringfence.web.console import markup
from ringfence.web.console.layout import console_page, empty, every, heading, html, rewrite
from ringfence.web.console.visit import Visit

_LIMIT = 200
_VIEWS = (
    ("all", "All", "No contact yet", "Each call that is placed is a contact."),
    ("open", "Under way", "No call is under way", "A call shows here while it rings and is held."),
)
_HEAD = Markup(
    '<thead><tr><th scope="col">Initiated</th><th scope="col">Contact</th>'
    '<th scope="col">Number</th><th scope="col">Flow</th><th scope="col">Line</th>'
    '<th scope="col">State</th><th scope="col" class="number">Seconds</th></tr></thead>'
)


@console_page("/contacts", title="Contacts", section="contacts", scope=Scope.CASES_READ)
async def contacts(visit: Visit) -> None:
    """The page."""
    chosen = visit.query.get("view", "all")
    view = next((view for view in _VIEWS if view[0] == chosen), _VIEWS[0])
    heading(
        "Contacts",
        "Every conversation on a telephone, of cases and of clients of Amazon Connect's API. "
        "Times are UTC.",
    )
    with ui.element("section").classes("panel flush"):
        tabs = Markup("").join(
            Markup('<a href="/contacts?view={}"{}>{}</a>').format(
                name, Markup(' aria-current="page"') if name == view[0] else "", label
            )
            for name, label, _, _ in _VIEWS
        )
        with ui.element("div").classes("filters"):
            html(tabs, "nav").classes("tabs").props('aria-label="Which contacts"')
        with ui.element("div").classes("scroll"):
            table = html("", "table").classes("spare-5 spare-7").props('aria-label="Contacts"')
        nothing = empty(view[2], view[3])

    async def refresh() -> None:
        rows = await visit.read(lambda connection: _rows(connection, view[0] == "open"))
        table.set_visibility(bool(rows))
        nothing.set_visibility(not rows)
        rewrite(table, _HEAD + Markup("<tbody>{}</tbody>").format(Markup("").join(rows)))

    await refresh()
    every(visit, 1.0, refresh)


def state_of(contact: StoredContact) -> Markup:
    """How far a contact is, or how it ended."""
    if contact.disconnected_at is not None:
        reason = (contact.disconnect_reason or "over").replace("_", " ").lower()
        tone = "plain" if contact.connected_at is not None else "warn"
        return markup.pill(reason, tone)
    if contact.channel is Channel.TASK:
        return markup.pill("to do", "warn")
    if contact.agent_connected_at is not None:
        return markup.pill("with an agent", "info")
    if contact.enqueued_at is not None and contact.dequeued_at is None:
        return markup.pill("in a queue", "info")
    if contact.connected_at is not None:
        return markup.pill("talking", "good")
    return markup.pill("ringing" if contact.dialled_at is not None else "waiting", "info")


def flow_name_of(connection: Connection, contact: StoredContact) -> str:
    """The name of the flow that a contact began with, empty when it is gone."""
    if contact.flow_id is None:
        return ""
    try:
        return get_flow(connection, contact.flow_id).name
    except NotFound:
        return ""


def _rows(connection: Connection, open_only: bool) -> list[Markup]:
    try:
        instance_id = default_instance(connection).instance_id
    except NotFound:
        return []
    found = list_contacts(connection, instance_id, open_only=open_only, limit=_LIMIT)
    return [_row(contact, flow_name_of(connection, contact)) for contact in found]


def _row(contact: StoredContact, flow_name: str) -> Markup:
    seconds = ""
    if contact.connected_at is not None and contact.disconnected_at is not None:
        seconds = f"{(contact.disconnected_at - contact.connected_at).total_seconds():.0f}"
    return Markup(
        '<tr><td class="tight">{}</td><td>{}<br><span class="soft">{}</span></td>'
        '<td class="tight">{}</td><td>{}</td><td>{}</td><td>{}</td><td class="number">{}</td></tr>'
    ).format(
        markup.moment(contact.initiated_at),
        markup.link(markup.path("contacts", contact.contact_id), contact.contact_id[:13]),
        contact.name or str(contact.initiation_method),
        contact.customer_number,
        flow_name,
        contact.line,
        state_of(contact),
        seconds,
    )
