"""Queues: who waits for an agent, who is there to take them, and what one does oneself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from urllib.parse import quote

from markupsafe import Markup
from nicegui import ui
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.contacts.agents import (
    CHOSEN,
    AgentStatus,
    StoredAgent,
    choose_status,
    list_agents,
)
from ringfence.contacts.hours import HoursOfOperation, get_hours, is_open
from ringfence.contacts.instances import default_instance
from ringfence.contacts.places import PlaceKind, PlaceState, StoredPlace, open_places
from ringfence.contacts.queues import StoredQueue, list_queues
from ringfence.contacts.turns import queue_metrics
from ringfence.errors import NotFound
from ringfence.flows import QueueMetrics
from ringfence.storage import now
from ringfence.web.console import markup
from ringfence.web.console.agent_panel import AgentPanel
from ringfence.web.console.layout import (
    attempt,
    button,
    console_page,
    empty,
    every,
    heading,
    html,
    rewrite,
)
from ringfence.web.console.visit import Visit

_TONES = {
    AgentStatus.AVAILABLE: "good",
    AgentStatus.BUSY: "info",
    AgentStatus.AFTER_CONTACT_WORK: "warn",
    AgentStatus.MISSED_CALL: "bad",
    AgentStatus.BREAK: "warn",
}
_STATES = {
    PlaceState.WAITING: ("waits", "warn"),
    PlaceState.OFFERED: ("rings at", "info"),
    PlaceState.CONNECTED: ("talks with", "good"),
}
_QUEUES = Markup(
    '<thead><tr><th scope="col">Queue</th><th scope="col">State</th><th scope="col">Hours</th>'
    '<th scope="col" class="number">Waiting</th><th scope="col" class="number">Longest</th>'
    '<th scope="col" class="number">Agents free</th></tr></thead>'
)
_PLACES = Markup(
    '<thead><tr><th scope="col">Since</th><th scope="col">Contact</th><th scope="col">Queue</th>'
    '<th scope="col">Kind</th><th scope="col">State</th></tr></thead>'
)
_AGENTS = Markup(
    '<thead><tr><th scope="col">Agent</th><th scope="col">Status</th>'
    '<th scope="col">Telephone</th><th scope="col">Queues</th></tr></thead>'
)


@dataclass(frozen=True, slots=True)
class _View:
    queues: Sequence[tuple[StoredQueue, HoursOfOperation | None, QueueMetrics]]
    places: Sequence[StoredPlace]
    agents: Sequence[StoredAgent]


@console_page("/queues", title="Queues", section="queues", scope=Scope.CASES_READ)
async def queues(visit: Visit) -> None:
    """The page."""
    page = _Queues(visit)
    await page.refresh()
    every(visit, 1.0, page.refresh)


class _Queues:
    def __init__(self, visit: Visit):
        self._visit = visit
        self._agent: StoredAgent | None = None
        heading("Queues", "Where calls that a flow hands over wait for an agent. Times are UTC.")
        self._own = ui.element("section").classes("panel").props('aria-label="My availability"')
        with self._own:
            self._own_status = html("").props('role="status"')
            self._choices: dict[AgentStatus, ui.button] = {}
            with ui.element("div").classes("bar").props('role="group" aria-label="I am"'):
                for status in CHOSEN:
                    text = status.value.capitalize()
                    self._choices[status] = button(text, partial(self._choose, status))
            self._own_phone = html("").classes("soft")
        self._no_agent = empty(
            "You are no agent",
            Markup(
                "Calls are offered to agents, on their telephones: "
                "<code>ringfence agent add {} --phone NUMBER --queue QUEUE</code>"
            ).format(visit.principal.name),
        )
        self._no_agent.classes("panel")
        self._queues, self._no_queue = _section(
            "Queues",
            "No queue yet",
            Markup("Add one: <code>ringfence queue add 'Fraud analysts'</code>"),
            "spare-3 spare-5",
        )
        self._places, self._no_place = _section(
            "In the queues",
            "Nobody waits",
            "Whoever waits, or is with an agent, is shown here.",
            "spare-4",
        )
        self._agents, self._no_agents = _section(
            "Agents",
            "No agent yet",
            Markup("Add one: <code>ringfence agent add NAME --phone NUMBER</code>"),
        )
        self._panel = AgentPanel(visit) if visit.allows(Scope.RULES_WRITE) else None

    async def refresh(self) -> None:
        """Show how everything is now."""
        view, at = await self._visit.read(_read), now()
        mine = [each for each in view.agents if each.user_name == self._visit.principal.name]
        self._agent = mine[0] if mine else None
        self._show_own(at)
        names = {queue.queue_id: queue.name for queue, _, _ in view.queues}
        agents = {agent.agent_id: agent.user_name for agent in view.agents}
        if self._panel is not None:
            self._panel.show(names)
        _fill(
            self._queues,
            self._no_queue,
            _QUEUES,
            [_queue_row(queue, hours, metrics, at) for queue, hours, metrics in view.queues],
        )
        _fill(
            self._places,
            self._no_place,
            _PLACES,
            [_place_row(place, names, agents, at) for place in view.places],
        )
        rows = [_agent_row(agent, names, at) for agent in view.agents]
        _fill(self._agents, self._no_agents, _AGENTS, rows)

    def _show_own(self, at: datetime) -> None:
        agent, may = self._agent, self._visit.allows(Scope.CASES_WRITE)
        self._own.set_visibility(agent is not None and may)
        self._no_agent.set_visibility(agent is None and may)
        if agent is None:
            return
        status = agent.status_now(at)
        rewrite(self._own_status, Markup("You are {}").format(_status(status)))
        for choice, made in self._choices.items():
            made.props["aria-pressed"] = "true" if choice is agent.status_between(at) else "false"
            made.update()
        phone = Markup(
            "Calls are offered on <b>{}</b> while a page of the console is open. "
            '<a href="/phone?number={}" target="_blank">Open it as a phone in the browser</a>'
        ).format(agent.phone_number, quote(agent.phone_number))
        rewrite(self._own_phone, phone)

    async def _choose(self, status: AgentStatus) -> None:
        agent = self._agent
        if agent is None:
            return

        async def work() -> None:
            await self._visit.write(
                Scope.CASES_WRITE,
                lambda connection, _by: choose_status(connection, agent.agent_id, status, now()),
            )
            self._visit.services.centre.room.changed()
            await self.refresh()

        await attempt(work)


def _read(connection: Connection) -> _View:
    try:
        instance_id = default_instance(connection).instance_id
    except NotFound:
        return _View((), (), ())
    at = now()
    found = list_queues(connection, instance_id)
    places = [place for queue in found for place in open_places(connection, queue.queue_id)]
    return _View(
        [
            (
                queue,
                get_hours(connection, queue.hours_id) if queue.hours_id else None,
                queue_metrics(connection, queue.queue_id, at),
            )
            for queue in found
        ],
        sorted(places, key=lambda place: (place.priority, place.counts_from)),
        list_agents(connection, instance_id),
    )


def _section(
    title: str, nothing: str, what_next: object, spare: str = ""
) -> tuple[ui.html, ui.element]:
    with ui.element("section").classes("panel flush").props(f'aria-label="{title}"'):
        with ui.element("div").classes("filters"):
            html(title, "h2")
        with ui.element("div").classes("scroll"):
            table = html("", "table").classes(spare).props(f'aria-label="{title}"')
        return table, empty(nothing, what_next)


def _fill(table: ui.html, nothing: ui.element, head: Markup, rows: Sequence[Markup]) -> None:
    table.set_visibility(bool(rows))
    nothing.set_visibility(not rows)
    rewrite(table, head + Markup("<tbody>{}</tbody>").format(Markup("").join(rows)))


def _queue_row(
    queue: StoredQueue, hours: HoursOfOperation | None, metrics: QueueMetrics, at: datetime
) -> Markup:
    if not queue.enabled:
        state = markup.pill("disabled")
    elif hours is None or is_open(hours, at):
        state = markup.pill("open", "good")
    else:
        state = markup.pill("closed", "warn")
    return Markup(
        '<tr><td>{}<br><span class="soft">{}</span></td><td>{}</td><td>{}</td>'
        '<td class="number">{}</td><td class="number">{}</td><td class="number">{}</td></tr>'
    ).format(
        queue.name,
        queue.description,
        state,
        hours.name if hours is not None else "always",
        metrics.waiting,
        _waited(metrics.oldest_seconds) if metrics.waiting else "-",
        f"{metrics.agents_available} of {metrics.agents_online}",
    )


def _place_row(
    place: StoredPlace, names: dict[str, str], agents: dict[str, str], at: datetime
) -> Markup:
    word, tone = _STATES[place.state]
    who = agents.get(place.agent_id or "", "") if place.agent_id else ""
    return Markup(
        '<tr><td class="tight">{}<br><span class="soft">{}</span></td><td>{}</td><td>{}</td>'
        "<td>{}</td><td>{}</td></tr>"
    ).format(
        markup.clock(place.entered_at),
        _waited((at - place.entered_at).total_seconds()),
        markup.link(markup.path("contacts", place.contact_id), place.contact_id[:13]),
        names.get(place.queue_id, place.queue_id),
        "call-back" if place.kind is PlaceKind.CALLBACK else "on the telephone",
        markup.pill(f"{word} {who}".strip(), tone),
    )


def _agent_row(agent: StoredAgent, names: dict[str, str], at: datetime) -> Markup:
    return Markup(
        '<tr><td>{}<br><span class="soft">{}</span></td><td>{}</td><td class="tight">{}</td>'
        "<td>{}</td></tr>"
    ).format(
        agent.user_name,
        f"{agent.first_name} {agent.last_name}".strip(),
        _status(agent.status_now(at)),
        agent.phone_number,
        ", ".join(names.get(each, each) for each in agent.queue_ids) or "none",
    )


def _status(status: AgentStatus) -> Markup:
    return markup.pill(status.value, _TONES.get(status, "plain"))


def _waited(seconds: float) -> str:
    minutes, rest = divmod(max(0, int(seconds)), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
