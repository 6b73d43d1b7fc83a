"""Who is an agent: taken in with a telephone and queues, changed, taken out."""

from __future__ import annotations

from nicegui import ui
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.contacts.agents import create_agent, delete_agent, find_agent, update_agent
from ringfence.contacts.instances import ensure_instance
from ringfence.contacts.queues import create_queue
from ringfence.errors import NotFound
from ringfence.web.console.forms import Form, choice_field, text_field
from ringfence.web.console.layout import button, done, html
from ringfence.web.console.visit import Visit


class AgentPanel:
    """The forms for queues and agents, folded away; for those who may change definitions."""

    def __init__(self, visit: Visit):
        self._visit = visit
        self._queue, self._agent = Form(), Form()
        with ui.element("details").classes("panel").props('aria-label="Add a queue"'):
            html("Add a queue", "summary")
            with ui.element("div").classes("form"):
                self._queue.add("name", text_field("Name", hint="As flows name it"))
                self._queue.add("description", text_field("Description"))
            self._queue.place_general_error()
            with ui.element("div").classes("bar"):
                button("Add the queue", self._add_queue, "primary")
        with ui.element("details").classes("panel").props('aria-label="Add an agent"'):
            html("Add or change an agent", "summary")
            with ui.element("div").classes("form"):
                self._agent.add("user_name", text_field("User", hint="As they sign in"))
                self._agent.add(
                    "phone_number", text_field("Telephone", hint="With country code", kind="tel")
                )
                self._chosen = choice_field("Queues", {}, [], several=True)
                self._agent.add("queue_ids", self._chosen)
            self._agent.place_general_error()
            with ui.element("div").classes("bar"):
                button("Keep the agent", self._keep_agent, "primary")
                button("Remove the agent", self._remove_agent, "danger")

    def show(self, queue_names: dict[str, str]) -> None:
        """Offer these queues, by id."""
        if self._chosen.options != queue_names:
            self._chosen.set_options(queue_names)

    async def _add_queue(self) -> None:
        name, description = self._queue.text("name"), self._queue.text("description")

        def add(connection: Connection, _by: str) -> None:
            instance_id = ensure_instance(connection).instance_id
            create_queue(connection, instance_id, name, description=description)

        async def work() -> None:
            await self._visit.write(Scope.RULES_WRITE, add)
            done(f"The queue {name} is there.")
            for field in self._queue.fields.values():
                field.value = ""

        await self._queue.submit(work)

    async def _keep_agent(self) -> None:
        user_name = self._agent.text("user_name")
        phone_number = self._agent.text("phone_number")
        queue_ids = list(self._chosen.value or [])

        def keep(connection: Connection, _by: str) -> None:
            instance_id = ensure_instance(connection).instance_id
            known = find_agent(connection, instance_id, user_name)
            if known is None:
                create_agent(
                    connection,
                    instance_id,
                    user_name,
                    phone_number=phone_number,
                    queue_ids=queue_ids,
                )
            else:
                update_agent(
                    connection, known.agent_id, phone_number=phone_number, queue_ids=queue_ids
                )

        async def work() -> None:
            await self._visit.write(Scope.RULES_WRITE, keep)
            done(f"{user_name} is an agent.")

        await self._agent.submit(work)

    async def _remove_agent(self) -> None:
        user_name = self._agent.text("user_name")

        def remove(connection: Connection, _by: str) -> None:
            agent = find_agent(connection, ensure_instance(connection).instance_id, user_name)
            if agent is None:
                raise NotFound(f"there is no agent {user_name!r}", field="user_name")
            delete_agent(connection, agent.agent_id)

        async def work() -> None:
            await self._visit.write(Scope.RULES_WRITE, remove)
            done(f"{user_name} is an agent no longer.")

        await self._agent.submit(work)
