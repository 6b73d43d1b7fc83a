"""Tasks: work that flows, or people, give to analysts; taken and finished here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from markupsafe import Markup
from nicegui import ui
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.contacts.agents import find_agent, list_agents
from ringfence.contacts.instances import default_instance
from ringfence.contacts.tasks import StoredTask, TaskState, finish_task, list_tasks, take_task
from ringfence.errors import Conflict, NotFound
from ringfence.storage import now
from ringfence.web.console import markup
from ringfence.web.console.dialogs import confirm
from ringfence.web.console.layout import (
    attempt,
    button,
    console_page,
    done,
    empty,
    every,
    heading,
    html,
)
from ringfence.web.console.tables import actions, row, table
from ringfence.web.console.visit import Visit

_VIEWS = (
    (TaskState.OPEN, "To do", "Nothing to do", "What a flow's block Create task makes is here."),
    (TaskState.DONE, "Done", "Nothing is done yet", "Tasks go here when somebody has done them."),
)


@dataclass(frozen=True, slots=True)
class _View:
    tasks: Sequence[StoredTask]
    agents: dict[str, str]


@console_page("/tasks", title="Tasks", section="tasks", scope=Scope.CASES_READ)
async def tasks(visit: Visit) -> None:
    """The page."""
    page = _Tasks(visit)
    await page.refresh()
    every(visit, 1.0, page.refresh)


class _Tasks:
    def __init__(self, visit: Visit):
        self._visit = visit
        self._shown: _View | None = None
        self._sensitive = frozenset(visit.services.settings.sensitive_attributes)
        chosen = visit.query.get("view", TaskState.OPEN)
        self._state, _, nothing, what_next = next(
            (view for view in _VIEWS if view[0] == chosen), _VIEWS[0]
        )
        heading("Tasks", "Work for analysts, those that have waited for the longest first.")
        with ui.element("section").classes("panel flush").props('aria-label="Tasks"'):
            tabs = Markup("").join(
                Markup('<a href="/tasks?view={}"{}>{}</a>').format(
                    state.value,
                    Markup(' aria-current="page"') if state is self._state else "",
                    label,
                )
                for state, label, _, _ in _VIEWS
            )
            with ui.element("div").classes("filters"):
                html(tabs, "nav").classes("tabs").props('aria-label="Which tasks"')
            self._list = ui.element("div")
            self._nothing = empty(nothing, what_next)

    async def refresh(self) -> None:
        """Show what there is to do now."""
        view = await self._visit.read(self._read)
        if view == self._shown:
            return  # a button that somebody is about to press stays where it is
        self._shown = view
        self._nothing.set_visibility(not view.tasks)
        self._list.clear()
        if not view.tasks:
            return
        with (
            self._list,
            table(
                "Since", "Task", "Number", "Taken by", "", label="Tasks", spare="spare-1 spare-3"
            ),
        ):
            for task in view.tasks:
                self._row(task, view.agents)

    def _row(self, task: StoredTask, agents: dict[str, str]) -> None:
        contact = task.contact
        taken_by = task.done_by or agents.get(contact.agent_id or "", "")
        cells = (
            markup.moment(task.starts_at),
            self._what(task),
            contact.customer_number or "-",
            taken_by or "-",
        )
        with row(*cells), actions():
            if self._state is TaskState.OPEN and self._visit.allows(Scope.CASES_WRITE):
                if contact.agent_id is None and self._visit.principal.name in agents.values():
                    button("Take it", partial(self._take, contact.contact_id))
                ask = partial(self._ask_done, contact.contact_id, contact.name)
                button("Done", ask, "primary")

    def _what(self, task: StoredTask) -> Markup:
        contact = task.contact
        pairs = Markup("").join(
            Markup('<br><span class="soft">{}</span> {}').format(
                name, "hidden" if name in self._sensitive else value
            )
            for name, value in sorted(contact.attributes.items())
        )
        about = Markup('<br><span class="soft">{}</span>').format(contact.description)
        return Markup("<b>{}</b>{}{}{}").format(
            markup.link(markup.path("contacts", contact.contact_id), contact.name),
            about if contact.description else "",
            pairs,
            Markup("").join(
                Markup('<br><span class="soft">{}</span> {}').format(name, each.value)
                for name, each in contact.references.items()
            ),
        )

    async def _take(self, task_id: str) -> None:
        announcer = self._visit.services.centre.directory.around.announcer

        def take(connection: Connection, by: str) -> None:
            agent = find_agent(connection, default_instance(connection).instance_id, by)
            if agent is None:
                raise Conflict("only an agent can take a task", field="task")
            take_task(connection, announcer, task_id, agent, now())

        async def work() -> None:
            await self._visit.write(Scope.CASES_WRITE, take)
            await self.refresh()

        await attempt(work)

    def _ask_done(self, task_id: str, name: str) -> None:
        announcer = self._visit.services.centre.directory.around.announcer

        async def work() -> None:
            await self._visit.write(
                Scope.CASES_WRITE,
                lambda connection, by: finish_task(connection, announcer, task_id, by, now()),
            )
            done(f"{name} is done.")
            await self.refresh()

        confirm(f"Is {name} done?", "It leaves the list.", "It is done", work, danger=False)

    def _read(self, connection: Connection) -> _View:
        try:
            instance_id = default_instance(connection).instance_id
        except NotFound:
            return _View((), {})
        at = now() if self._state is TaskState.OPEN else None
        return _View(
            list_tasks(connection, instance_id, state=self._state, at=at),
            {each.agent_id: each.user_name for each in list_agents(connection, instance_id)},
        )
