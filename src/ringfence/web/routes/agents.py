"""Agents, who take contacts on a telephone; and tasks, which they work on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.contacts.agents import (
    AgentStatus,
    StoredAgent,
    choose_status,
    create_agent,
    delete_agent,
    find_agent,
    list_agents,
    seen,
    update_agent,
)
from ringfence.contacts.bindings import require_thing
from ringfence.contacts.instances import default_instance
from ringfence.contacts.tasks import (
    StoredTask,
    TaskState,
    finish_task,
    get_task,
    list_tasks,
    open_task,
    take_task,
)
from ringfence.errors import NotFound
from ringfence.flows import Task
from ringfence.storage import now
from ringfence.web.api import Call, Operations
from ringfence.web.services import Services

operations = Operations("agents")


class AgentBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An agent: where they are rung, and the names or ids of the queues that they serve."""

    phone_number: str
    queues: tuple[str, ...] = ()
    first_name: str = ""
    last_name: str = ""


class StatusBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an agent does: `available`, `after contact work`, `break` or `offline`."""

    status: AgentStatus


class AgentView(msgspec.Struct, frozen=True, kw_only=True):
    """An agent, and what they do now: one who was not seen for a minute is offline."""

    agent: StoredAgent
    status: AgentStatus


class TaskBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be done, from `starts_at` on, by those who serve `queue`."""

    name: str
    description: str = ""
    queue: str | None = None
    attributes: Mapping[str, str] = {}
    references: Mapping[str, str] = {}
    starts_at: datetime | None = None


class TaskQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which tasks: those to be done, or those that are."""

    state: TaskState = TaskState.OPEN


class TakeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The user name of the agent who sees to it."""

    agent: str


@operations.add("GET", "/v1/agents", scope=Scope.CASES_READ, reply=list[AgentView])
def get_agents(services: Services, call: Call) -> list[AgentView]:
    """All agents by name, and what they do now."""
    with services.database.read() as connection:
        instance_id = default_instance(connection).instance_id
        return [_view(each) for each in list_agents(connection, instance_id)]


@operations.add(
    "PUT", "/v1/agents/{user_name}", scope=Scope.RULES_WRITE, body=AgentBody, reply=AgentView
)
def put_one_agent(services: Services, call: Call) -> AgentView:
    """Make somebody an agent, or change all of one but their status."""
    body: AgentBody = call.body
    with services.database.write() as connection:
        instance_id = default_instance(connection).instance_id
        queue_ids = [require_thing(connection, instance_id, "queue", each) for each in body.queues]
        known = find_agent(connection, instance_id, call.path["user_name"])
        if known is None:
            agent = create_agent(
                connection,
                instance_id,
                call.path["user_name"],
                phone_number=body.phone_number,
                queue_ids=queue_ids,
                first_name=body.first_name,
                last_name=body.last_name,
            )
        else:
            agent = update_agent(
                connection,
                known.agent_id,
                phone_number=body.phone_number,
                queue_ids=queue_ids,
                first_name=body.first_name,
                last_name=body.last_name,
            )
        return _view(agent)


@operations.add(
    "PUT",
    "/v1/agents/{user_name}/status",
    scope=Scope.CASES_WRITE,
    body=StatusBody,
    reply=AgentView,
)
async def put_agent_status(services: Services, call: Call) -> AgentView:
    """Let an agent do something else; it has to be said again, or seen, within a minute."""

    def choose() -> AgentView:
        with services.database.write() as connection:
            agent = _agent(connection, call.path["user_name"])
            return _view(choose_status(connection, agent.agent_id, call.body.status, now()))

    view = await asyncio.to_thread(choose)
    services.centre.room.changed()
    return view


@operations.add("POST", "/v1/agents/{user_name}/seen", scope=Scope.CASES_WRITE, status=204)
def post_agent_seen(services: Services, call: Call) -> None:
    """Say that an agent is still there, without a change of status."""
    with services.database.write() as connection:
        seen(connection, _agent(connection, call.path["user_name"]).agent_id, now())


@operations.add("DELETE", "/v1/agents/{user_name}", scope=Scope.RULES_WRITE, status=204)
def delete_one_agent(services: Services, call: Call) -> None:
    """Let somebody be an agent no longer; not while they have a contact."""
    with services.database.write() as connection:
        delete_agent(connection, _agent(connection, call.path["user_name"]).agent_id)


@operations.add("GET", "/v1/tasks", scope=Scope.CASES_READ, query=TaskQuery, reply=list[StoredTask])
def get_tasks(services: Services, call: Call) -> list[StoredTask]:
    """The first 100 tasks of a state, those that have waited for the longest first."""
    with services.database.read() as connection:
        instance_id = default_instance(connection).instance_id
        return list_tasks(connection, instance_id, state=call.query.state)


@operations.add(
    "POST", "/v1/tasks", scope=Scope.CASES_WRITE, body=TaskBody, reply=StoredTask, status=201
)
def post_task(services: Services, call: Call) -> StoredTask:
    """Put a task before the analysts."""
    body: TaskBody = call.body
    task = Task(
        body.name,
        body.description,
        references=body.references,
        attributes=body.attributes,
        starts_at=body.starts_at,
    )
    with services.database.write() as connection:
        instance_id = default_instance(connection).instance_id
        queue_id = (
            require_thing(connection, instance_id, "queue", body.queue)
            if body.queue is not None
            else None
        )
        announcer = services.centre.directory.around.announcer
        return open_task(connection, announcer, instance_id, task, now(), queue_id=queue_id)


@operations.add("GET", "/v1/tasks/{task_id}", scope=Scope.CASES_READ, reply=StoredTask)
def get_one_task(services: Services, call: Call) -> StoredTask:
    """A task, with its contact."""
    with services.database.read() as connection:
        return get_task(connection, call.path["task_id"])


@operations.add(
    "POST",
    "/v1/tasks/{task_id}/take",
    scope=Scope.CASES_WRITE,
    body=TakeBody,
    reply=StoredTask,
)
def post_task_taken(services: Services, call: Call) -> StoredTask:
    """Let an agent see to a task that nobody else has taken."""
    with services.database.write() as connection:
        agent = _agent(connection, call.body.agent)
        announcer = services.centre.directory.around.announcer
        return take_task(connection, announcer, call.path["task_id"], agent, now())


@operations.add("POST", "/v1/tasks/{task_id}/done", scope=Scope.CASES_WRITE, reply=StoredTask)
def post_task_done(services: Services, call: Call) -> StoredTask:
    """Say that a task is done; one that was done before stays as it was."""
    with services.database.write() as connection:
        announcer = services.centre.directory.around.announcer
        by = call.principal.name
        return finish_task(connection, announcer, call.path["task_id"], by, now())


def _agent(connection: Connection, user_name: str) -> StoredAgent:
    agent = find_agent(connection, default_instance(connection).instance_id, user_name)
    if agent is None:
        raise NotFound(f"there is no agent {user_name!r}", field="user_name")
    return agent


def _view(agent: StoredAgent) -> AgentView:
    return AgentView(agent=agent, status=agent.status_now(now()))
