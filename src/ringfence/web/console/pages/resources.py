"""Resources: what flows name besides functions and queues, and what their names mean here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from markupsafe import Markup
from nicegui import ui
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.contacts.bindings import Binding, delete_binding, list_bindings
from ringfence.contacts.bots import StoredBot, list_bots
from ringfence.contacts.flows import list_stored_flows
from ringfence.contacts.hours import HoursOfOperation, Period, is_open, list_hours
from ringfence.contacts.instances import default_instance
from ringfence.contacts.phone_numbers import PhoneNumber, list_numbers
from ringfence.contacts.prompts import Prompt, list_prompts
from ringfence.errors import NotFound
from ringfence.storage import now
from ringfence.web.console import markup
from ringfence.web.console.dialogs import confirm
from ringfence.web.console.layout import button, console_page, done, empty, heading, html
from ringfence.web.console.tables import actions, row, table
from ringfence.web.console.visit import Visit


@dataclass(frozen=True, slots=True)
class _View:
    instance_id: str = ""
    hours: Sequence[HoursOfOperation] = ()
    prompts: Sequence[Prompt] = ()
    bots: Sequence[StoredBot] = ()
    numbers: Sequence[PhoneNumber] = ()
    bindings: Sequence[Binding] = ()
    flow_names: tuple[tuple[str, str], ...] = ()


@console_page("/resources", title="Resources", section="resources", scope=Scope.RULES_READ)
async def resources(visit: Visit) -> None:
    """The page."""
    heading("Resources", "What contact flows name, and what the names in flows of others mean.")
    view = await visit.read(_read)
    _show_hours(view.hours)
    _show_prompts(view.prompts)
    _show_bots(view.bots)
    _show_numbers(view)
    _show_bindings(visit, view)


def _read(connection: Connection) -> _View:
    try:
        instance_id = default_instance(connection).instance_id
    except NotFound:
        return _View()
    flows = list_stored_flows(connection, instance_id, kind=None)
    return _View(
        instance_id,
        list_hours(connection, instance_id),
        list_prompts(connection, instance_id),
        list_bots(connection, instance_id),
        list_numbers(connection, instance_id),
        list_bindings(connection, instance_id),
        tuple((each.flow_id, each.name) for each in flows),
    )


def _section(title: str) -> ui.element:
    section = ui.element("section").classes("panel flush").props(f'aria-label="{title}"')
    with section, ui.element("div").classes("filters"):
        html(title, "h2")
    return section


def _nothing(title: str, command: str) -> None:
    empty(title, Markup("Add one: <code>{}</code>").format(command))


def _show_hours(found: Sequence[HoursOfOperation]) -> None:
    with _section("Hours of operation"):
        if not found:
            _nothing("No hours yet", "ringfence hours add NAME --open 'mon-fri 08:00-18:00'")
            return
        headings = ("Name", "Now", "Time zone", "Open", "Exceptions")
        with table(*headings, label="Hours of operation", spare="spare-5"):
            for hours in found:
                opened = is_open(hours, now())
                row(
                    hours.name,
                    markup.pill("open", "good") if opened else markup.pill("closed", "warn"),
                    hours.time_zone,
                    ", ".join(
                        f"{each.day.capitalize()[:3]} {_times(each)}" for each in hours.periods
                    )
                    or "never",
                    ", ".join(f"{each.name} ({each.begins})" for each in hours.overrides) or "-",
                )


def _times(period: Period) -> str:
    return "all day" if period.start == period.end else f"{period.start}-{period.end}"


def _show_prompts(found: Sequence[Prompt]) -> None:
    with _section("Prompts"):
        if not found:
            _nothing("No prompt yet", "ringfence prompt add NAME FILE.wav")
            return
        with table("Name", "Description", "Since", label="Prompts"):
            for prompt in found:
                row(prompt.name, prompt.description or "-", markup.moment(prompt.updated_at))


def _show_bots(found: Sequence[StoredBot]) -> None:
    with _section("Bots"):
        if not found:
            _nothing("No bot yet", "ringfence bot add NAME --intent Yes=yes")
            return
        with table("Name", "Intents", "Everything else", label="Bots"):
            for bot in found:
                row(bot.name, ", ".join(bot.intents), bot.fallback or "-")


def _show_numbers(view: _View) -> None:
    names = dict(view.flow_names)
    with _section("Phone numbers"):
        if not view.numbers:
            empty(
                "No number is claimed",
                "Clients of Amazon Connect's API, and ours, claim the numbers of the lines.",
            )
            return
        with table("Number", "Country", "Leads to", "Description", label="Phone numbers"):
            for number in view.numbers:
                leads_to: object = "-"
                if number.flow_id in names:
                    path = markup.path("flows", str(number.flow_id))
                    leads_to = markup.link(path, names[str(number.flow_id)])
                row(number.number, number.country or "-", leads_to, number.description or "-")


def _show_bindings(visit: Visit, view: _View) -> None:
    def ask(binding: Binding) -> None:
        async def work() -> None:
            await visit.write(
                Scope.RULES_WRITE,
                lambda connection, _by: delete_binding(
                    connection, view.instance_id, binding.kind, binding.reference
                ),
            )
            done(f"{binding.reference} is bound no longer.")
            ui.navigate.to("/resources")

        confirm(
            f"Unbind {binding.reference}?",
            "Where nothing else has that name, blocks that name it take their error branches.",
            "Unbind it",
            work,
            danger=True,
        )

    with _section("Bindings"):
        if not view.bindings:
            empty(
                "Nothing is bound",
                "Names in flows mean what has the same name here. A flow's page binds the rest.",
            )
            return
        with table("Kind", "In flows", "Here", "", label="Bindings"):
            for binding in view.bindings:
                cells = (binding.kind, binding.reference, binding.target)
                with row(*cells), actions():
                    if visit.allows(Scope.RULES_WRITE):
                        button("Unbind", partial(ask, binding), "danger")
