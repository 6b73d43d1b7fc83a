"""Agents who have the console open are there: said while any of its pages is open and in use.

Whoever has been away for longer than a minute is not there again by opening a page: they say so
themselves, for the next call would ring on their desk.
"""

from __future__ import annotations

import asyncio

import structlog
from nicegui import ui
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.contacts.agents import AgentStatus, StoredAgent, find_agent, seen
from ringfence.contacts.instances import default_instance
from ringfence.errors import NotFound, RingfenceError, Unauthenticated
from ringfence.storage import now
from ringfence.web.console.visit import Visit

_EVERY_SECONDS = 15.0
_log = structlog.get_logger(__name__)


def keep_present(visit: Visit) -> None:
    """Say that the person is there as long as they use this page, if they are an agent."""
    if not visit.allows(Scope.CASES_WRITE):
        return

    async def beat() -> None:
        if visit.idle:
            return
        try:
            agent = await own_agent(visit)
            if agent is not None and agent.status_between(now()) is not AgentStatus.OFFLINE:
                await asyncio.to_thread(_seen, visit, agent)
        except Unauthenticated:
            timer.deactivate()
        except RingfenceError as error:
            _log.warning("could not say that an agent is there", reason=str(error))

    timer = ui.timer(_EVERY_SECONDS, beat)


async def own_agent(visit: Visit) -> StoredAgent | None:
    """The agent that the person of a visit is; None when they are none.

    Raises `Unauthenticated` once the session is over.
    """

    def find(connection: Connection) -> StoredAgent | None:
        try:
            instance_id = default_instance(connection).instance_id
        except NotFound:
            return None
        return find_agent(connection, instance_id, visit.principal.name)

    return await visit.read(find)


def _seen(visit: Visit, agent: StoredAgent) -> None:
    # Not by `visit.write`: a page that is merely open is no use of the session.
    with visit.services.database.write() as connection:
        seen(connection, agent.agent_id, now())
