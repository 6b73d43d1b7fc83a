"""Queues, in which contacts wait for an agent, and the hours that they keep."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

import msgspec
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.contacts.bindings import find_thing, require_thing
from ringfence.contacts.hours import (
    HoursOfOperation,
    Override,
    Period,
    create_hours,
    delete_hours,
    get_hours,
    is_open,
    list_hours,
    update_hours,
)
from ringfence.contacts.instances import default_instance
from ringfence.contacts.queues import (
    StoredQueue,
    create_queue,
    delete_queue,
    get_queue,
    list_queues,
    update_queue,
)
from ringfence.contacts.turns import queue_metrics
from ringfence.storage import now
from ringfence.web.api import Call, Operations
from ringfence.web.services import Services

operations = Operations("queues")

_QUEUE, _HOURS = "queue", "hours of operation"


class QueueBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A queue. `hours` names hours of operation; any number may wait without `most_contacts`."""

    description: str = ""
    caller_number: str = ""
    caller_name: str = ""
    hours: str | None = None
    most_contacts: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] | None = None
    enabled: bool = True
    tags: Mapping[str, str] = {}


class QueueView(msgspec.Struct, frozen=True, kw_only=True):
    """A queue and how it stands. The one who has waited for the longest has `longest_seconds`."""

    queue: StoredQueue
    hours: str | None
    open: bool
    waiting: int
    longest_seconds: float
    agents_online: int
    agents_available: int
    agents_busy: int


class HoursBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hours of operation: times of a clock on the wall in the time zone, as `HH:MM`."""

    time_zone: str = "UTC"
    periods: tuple[Period, ...] = ()
    overrides: tuple[Override, ...] = ()
    description: str = ""
    tags: Mapping[str, str] = {}


class HoursView(msgspec.Struct, frozen=True, kw_only=True):
    """Hours of operation, and whether they are open now."""

    hours: HoursOfOperation
    open: bool


@operations.add("GET", "/v1/queues", scope=Scope.CASES_READ, reply=list[QueueView])
def get_queues(services: Services, call: Call) -> list[QueueView]:
    """All queues by name, and how they stand."""
    at = now()
    with services.database.read() as connection:
        instance_id = default_instance(connection).instance_id
        return [_view(connection, each, at) for each in list_queues(connection, instance_id)]


@operations.add("GET", "/v1/queues/{queue}", scope=Scope.CASES_READ, reply=QueueView)
def get_one_queue(services: Services, call: Call) -> QueueView:
    """The queue of a name or an id, and how it stands."""
    with services.database.read() as connection:
        return _view(connection, get_queue(connection, _named(connection, call, _QUEUE)), now())


@operations.add(
    "PUT", "/v1/queues/{queue}", scope=Scope.RULES_WRITE, body=QueueBody, reply=QueueView
)
def put_one_queue(services: Services, call: Call) -> QueueView:
    """Make a queue of that name, or change all of the one that has the name or the id."""
    body: QueueBody = call.body
    with services.database.write() as connection:
        instance_id = default_instance(connection).instance_id
        hours_id = (
            require_thing(connection, instance_id, _HOURS, body.hours)
            if body.hours is not None
            else None
        )
        known = find_thing(connection, instance_id, _QUEUE, call.path["queue"])
        if known is None:
            queue = create_queue(connection, instance_id, call.path["queue"])
            known = queue.queue_id
        queue = update_queue(
            connection,
            known,
            description=body.description,
            caller_number=body.caller_number,
            caller_name=body.caller_name,
            hours_id=hours_id,
            most_contacts=body.most_contacts,
            enabled=body.enabled,
            tags=body.tags,
        )
        return _view(connection, queue, now())


@operations.add("DELETE", "/v1/queues/{queue}", scope=Scope.RULES_WRITE, status=204)
def delete_one_queue(services: Services, call: Call) -> None:
    """Remove a queue in which nobody waits; agents serve it no longer."""
    with services.database.write() as connection:
        delete_queue(connection, _named(connection, call, _QUEUE))


@operations.add("GET", "/v1/hours", scope=Scope.CASES_READ, reply=list[HoursView])
def get_all_hours(services: Services, call: Call) -> list[HoursView]:
    """All hours of operation by name."""
    at = now()
    with services.database.read() as connection:
        found = list_hours(connection, default_instance(connection).instance_id)
        return [HoursView(hours=each, open=is_open(each, at)) for each in found]


@operations.add("GET", "/v1/hours/{hours}", scope=Scope.CASES_READ, reply=HoursView)
def get_one_hours(services: Services, call: Call) -> HoursView:
    """The hours of operation of a name or an id."""
    with services.database.read() as connection:
        hours = get_hours(connection, _named(connection, call, _HOURS))
        return HoursView(hours=hours, open=is_open(hours, now()))


@operations.add(
    "PUT", "/v1/hours/{hours}", scope=Scope.RULES_WRITE, body=HoursBody, reply=HoursView
)
def put_one_hours(services: Services, call: Call) -> HoursView:
    """Make hours of operation of that name, or change all of those of the name or the id."""
    body: HoursBody = call.body
    with services.database.write() as connection:
        instance_id = default_instance(connection).instance_id
        known = find_thing(connection, instance_id, _HOURS, call.path["hours"])
        if known is None:
            made = create_hours(
                connection, instance_id, call.path["hours"], time_zone=body.time_zone
            )
            known = made.hours_id
        hours = update_hours(
            connection,
            known,
            description=body.description,
            time_zone=body.time_zone,
            periods=body.periods,
            overrides=body.overrides,
            tags=body.tags,
        )
        return HoursView(hours=hours, open=is_open(hours, now()))


@operations.add("DELETE", "/v1/hours/{hours}", scope=Scope.RULES_WRITE, status=204)
def delete_one_hours(services: Services, call: Call) -> None:
    """Remove hours of operation that no queue keeps."""
    with services.database.write() as connection:
        delete_hours(connection, _named(connection, call, _HOURS))


def _named(connection: Connection, call: Call, kind: str) -> str:
    name = call.path[_QUEUE if kind == _QUEUE else "hours"]
    return require_thing(connection, default_instance(connection).instance_id, kind, name)


def _view(connection: Connection, queue: StoredQueue, at: datetime) -> QueueView:
    metrics = queue_metrics(connection, queue.queue_id, at)
    hours = get_hours(connection, queue.hours_id) if queue.hours_id is not None else None
    return QueueView(
        queue=queue,
        hours=hours.name if hours is not None else None,
        open=hours is None or is_open(hours, at),
        waiting=metrics.waiting,
        longest_seconds=metrics.oldest_seconds,
        agents_online=metrics.agents_online,
        agents_available=metrics.agents_available,
        agents_busy=metrics.agents_busy,
    )
