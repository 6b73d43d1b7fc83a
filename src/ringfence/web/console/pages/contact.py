"""One contact: its record, its attributes, and its flow log as it is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from nicegui import ui
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.contacts.flow_logs import FlowLogEntry, read_flow_logs
from ringfence.contacts.records import StoredContact, attributes_of, get_contact
from ringfence.web.console import markup
from ringfence.web.console.layout import console_page, empty, every, heading, html, rewrite
from ringfence.web.console.pages.contacts import flow_name_of, state_of
from ringfence.web.console.visit import Visit

_MOST_ENTRIES = 2_000


@dataclass(frozen=True, slots=True)
class _View:
    contact: StoredContact
    flow_name: str
    attributes: dict[str, str]


@console_page("/contacts/{contact_id}", title="Contact", section="contacts", scope=Scope.CASES_READ)
async def contact(visit: Visit) -> None:
    """The page."""
    page = _Contact(visit, visit.path["contact_id"])
    await page.refresh()
    every(visit, 1.0, page.refresh)


class _Contact:
    def __init__(self, visit: Visit, contact_id: str):
        self._visit = visit
        self._contact_id = contact_id
        self._entries: list[FlowLogEntry] = []
        hidden = visit.services.settings.sensitive_attributes
        self._sensitive = frozenset(hidden)
        heading("Contact", contact_id)
        with ui.element("section").classes("panel").props('aria-label="Record"'):
            self._record = html("")
        with ui.element("section").classes("panel").props('aria-label="Attributes"'):
            html("Attributes", "h2")
            self._attributes = html("")
        with ui.element("section").classes("panel flush").props('aria-label="Flow log"'):
            with ui.element("div").classes("filters"):
                html("Flow log", "h2")
            with ui.element("div").classes("scroll"):
                self._log = html("", "table").props('aria-label="Flow log" aria-live="polite"')
            self._nothing = empty(
                "Nothing is logged",
                "A flow logs once a block Set logging behavior has switched it on.",
            )

    async def refresh(self) -> None:
        """Show the contact as it is now, and what was logged since."""
        view = await self._visit.read(self._read)
        await self._more()
        rewrite(self._record, _facts(view))
        rewrite(self._attributes, self._shown(view.attributes))
        self._log.set_visibility(bool(self._entries))
        self._nothing.set_visibility(not self._entries)
        rewrite(self._log, _table(self._entries))

    async def _more(self) -> None:
        def read(connection: Connection) -> list[FlowLogEntry]:
            last = self._entries[-1].log_id if self._entries else 0
            contact = get_contact(connection, self._contact_id)
            return read_flow_logs(
                connection,
                contact.instance_id,
                contact_id=self._contact_id,
                after_id=last,
                limit=_MOST_ENTRIES,
            )

        if len(self._entries) < _MOST_ENTRIES:
            self._entries += await self._visit.read(read)

    def _read(self, connection: Connection) -> _View:
        contact = get_contact(connection, self._contact_id)
        attributes = dict(attributes_of(connection, self._contact_id))
        return _View(contact, flow_name_of(connection, contact), attributes)

    def _shown(self, attributes: dict[str, str]) -> Markup:
        if not attributes:
            return Markup('<dt class="soft">none</dt>')
        return markup.facts(
            (name, "hidden" if name in self._sensitive else value)
            for name, value in sorted(attributes.items())
        )


def _facts(view: _View) -> Markup:
    contact = view.contact
    facts: list[tuple[str, object]] = [
        ("State", state_of(contact)),
        ("Number", contact.customer_number),
        ("From", contact.system_number),
        ("Line", contact.line or "none"),
        ("Flow", view.flow_name or "none"),
        ("Language", contact.language),
        ("Begun by", str(contact.initiation_method)),
        ("Initiated", markup.moment(contact.initiated_at)),
    ]
    times = (
        ("Dialled", contact.dialled_at),
        ("Answered", contact.connected_at),
        ("In a queue since", contact.enqueued_at),
        ("With an agent since", contact.agent_connected_at),
        ("Ended", contact.disconnected_at),
    )
    facts += [(name, markup.moment(at)) for name, at in times if at is not None]
    if contact.answering_machine:
        facts.append(("Picked up by", contact.answering_machine.replace("_", " ").lower()))
    if contact.detail:
        facts.append(("Detail", contact.detail))
    return markup.facts(facts)


def _table(entries: Sequence[FlowLogEntry]) -> Markup:
    head = Markup(
        '<thead><tr><th scope="col">Time</th><th scope="col">Block</th>'
        '<th scope="col">Parameters</th><th scope="col">Result</th></tr></thead>'
    )
    rows = (
        Markup(
            '<tr><td class="tight">{}</td><td><b>{}</b><br><span class="soft">{}</span></td>'
            "<td>{}</td><td>{}</td></tr>"
        ).format(
            str(entry.content.get("Timestamp", ""))[11:23],
            entry.content.get("ContactFlowModuleType", ""),
            entry.content.get("Identifier", ""),
            _pairs(entry.content.get("Parameters")),
            _result(entry),
        )
        for entry in entries
    )
    return head + Markup("<tbody>{}</tbody>").format(Markup("").join(rows))


def _result(entry: FlowLogEntry) -> Markup:
    result = Markup("{}").format(entry.content.get("Results", ""))
    external = entry.content.get("ExternalResults")
    return Markup("{}<br>{}").format(result, _pairs(external)) if external else result


def _pairs(values: object) -> Markup:
    if not isinstance(values, dict):
        return Markup("")
    return Markup("<br>").join(
        Markup('<span class="soft">{}</span> {}').format(name, value)
        for name, value in values.items()
    )
