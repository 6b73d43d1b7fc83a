"""What the flows of each instance find around them: read from the database when they ask.

Held open by a server. Nothing is kept: what was changed a moment ago, by whichever process, is what
a call finds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import structlog
from sqlalchemy import Connection

from ringfence.contacts import arns, records
from ringfence.contacts.announcements import Announcer
from ringfence.contacts.bindings import resolve
from ringfence.contacts.bots import get_bot
from ringfence.contacts.callbacks import open_callback
from ringfence.contacts.flows import FlowKind, get_flow, get_version
from ringfence.contacts.hours import get_hours, is_open
from ringfence.contacts.message_sender import MessageSender
from ringfence.contacts.messages import put_message
from ringfence.contacts.prompts import recording_of
from ringfence.contacts.published_flows import loaded_flow
from ringfence.contacts.queues import get_queue
from ringfence.contacts.records import StoredContact
from ringfence.contacts.sounds import Sounds
from ringfence.contacts.tasks import open_task
from ringfence.contacts.turns import queue_metrics
from ringfence.contacts.waiting_room import HeldPlace, WaitingRoom
from ringfence.errors import NotFound, RingfenceError
from ringfence.flows import (
    Bot,
    CallBack,
    ContactState,
    Flow,
    FlowInvalid,
    Message,
    MessageFailed,
    NotBound,
    Queue,
    QueueMetrics,
    Recording,
    ResourceKind,
    Task,
    Wanted,
)
from ringfence.flows.unbound import function_name
from ringfence.storage import Database, now

T = TypeVar("T")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Means:
    """What a directory works with. `region` and `account` are those of the ARNs of here."""

    database: Database
    announcer: Announcer
    room: WaitingRoom
    sounds: Sounds
    sender: MessageSender
    region: str = "us-east-1"
    account: str = "000000000000"


class Directory:
    """All instances of a database. Used on one event loop."""

    def __init__(self, means: Means):
        self.around = means

    def instance(self, instance_id: str) -> InstanceDirectory:
        """What the flows of an instance find around them."""
        return InstanceDirectory(self, instance_id)

    def instance_arn(self, instance_id: str) -> str:
        """The ARN of an instance."""
        return arns.instance_arn(self.around.region, self.around.account, instance_id)

    async def flow_of(self, contact: StoredContact) -> Flow:
        """The flow that a contact begins with: in the version that its record names, or in the
        published one. Raises `NotFound`."""
        if contact.flow_id is None:
            raise NotFound("this contact has no flow", field="flow_id")
        flow_id = contact.flow_id
        return await asyncio.to_thread(
            lambda: self._read(lambda c: self.load(c, flow_id, contact.flow_version))
        )

    def load(self, connection: Connection, flow_id: str, version: int | None = None) -> Flow:
        """A flow or module, ready to run; the published version unless told.

        Raises `NotFound`, also for one that is not published or cannot be run.
        """
        stored = get_flow(connection, flow_id)
        version = version if version is not None else stored.published_version
        if version is None:
            raise NotFound(f"{stored.kind} {stored.name!r} has not been published", field="flow_id")
        try:
            flow = loaded_flow(get_version(connection, flow_id, version).content)
        except FlowInvalid as error:
            reason = f"{stored.kind} {stored.name!r} cannot be run: {error}"
            raise NotFound(reason, field="flow_id") from error
        kind = ResourceKind.FLOW if stored.kind is FlowKind.FLOW else ResourceKind.MODULE
        arn = arns.resource_arn(self.instance_arn(stored.instance_id), kind, flow_id)
        return replace(flow, name=stored.name, arn=arn, type=stored.type or flow.type)

    def _read(self, ask: Callable[[Connection], T]) -> T:
        with self.around.database.read() as connection:
            return ask(connection)


class InstanceDirectory:
    """One instance. Implements `ringfence.flows.Instance`."""

    def __init__(self, directory: Directory, instance_id: str):
        self._directory = directory
        self._around = directory.around
        self._instance_id = instance_id

    async def flow(self, wanted: Wanted) -> Flow:
        """See `Instance.flow`."""
        return await self._bound(wanted, self._directory.load)

    async def function_name(self, wanted: Wanted) -> str:
        """See `Instance.function_name`."""
        with suppress(RingfenceError):
            return await self._read(
                lambda connection: (
                    resolve(connection, self._instance_id, wanted) or function_name(wanted.arn)
                )
            )
        return function_name(wanted.arn)

    async def queue(self, wanted: Wanted) -> Queue:
        """See `Instance.queue`. An agent's own queue is one that the resource map names for it."""
        arn = self._directory.instance_arn(self._instance_id)
        return await self._bound(
            wanted,
            lambda connection, queue_id: get_queue(connection, queue_id).as_flows_see_it(arn),
        )

    async def metrics(self, queue: Queue) -> QueueMetrics:
        """See `Instance.metrics`."""
        return await self._read(lambda c: queue_metrics(c, queue.queue_id, now()))

    async def is_open(self, hours: Wanted, at: datetime) -> bool:
        """See `Instance.is_open`."""
        return await self._bound(
            hours, lambda connection, hours_id: is_open(get_hours(connection, hours_id), at)
        )

    async def recording(self, wanted: Wanted) -> Recording:
        """See `Instance.recording`. A prompt of here may stand in for an address."""
        try:
            return await self._bound(wanted, recording_of)
        except NotBound:
            if "://" not in wanted.arn:
                raise
        return await asyncio.to_thread(self._around.sounds.recording, wanted.arn)

    async def bot(self, wanted: Wanted) -> Bot:
        """See `Instance.bot`."""
        return await self._bound(wanted, lambda c, bot_id: get_bot(c, bot_id).in_every_language())

    async def wait_in(self, queue: Queue, contact: ContactState) -> HeldPlace:
        """See `Instance.wait_in`."""
        try:
            return await self._around.room.enter(queue, contact)
        except NotFound:
            raise NotBound(Wanted(ResourceKind.QUEUE, queue.arn, queue.name)) from None

    async def call_back(self, call_back: CallBack, contact: ContactState) -> str:
        """See `Instance.call_back`."""
        queue = call_back.queue
        try:
            opened = await self._write(
                lambda connection: open_callback(
                    connection,
                    self._around.announcer,
                    self._instance_id,
                    call_back,
                    contact,
                    now(),
                )
            )
        except NotFound:
            raise NotBound(Wanted(ResourceKind.QUEUE, queue.arn, queue.name)) from None
        return opened.contact_id

    async def open_task(self, task: Task, contact: ContactState) -> str:
        """See `Instance.open_task`. The flow that it names is on record where it is here; a task
        is shown to analysts whether it is or not."""

        def write(connection: Connection) -> str:
            flow_id = (
                resolve(connection, self._instance_id, task.flow) if task.flow is not None else None
            )
            opened = open_task(
                connection,
                self._around.announcer,
                self._instance_id,
                task,
                now(),
                related_contact_id=contact.contact.contact_id,
                customer_number=contact.contact.customer_number,
                customer_id=contact.customer_id,
                flow_id=flow_id,
                queue_id=contact.queue.queue_id if contact.queue is not None else None,
            )
            return opened.contact.contact_id

        return await self._write(write)

    async def send(self, message: Message, contact: ContactState) -> str:
        """See `Instance.send`. It is on disk when this returns."""
        if not self._around.sender.takes(message.channel):
            raise MessageFailed(f"there is nobody here who takes messages ({message.channel})")
        put = await self._write(
            lambda connection: put_message(connection, message, contact.contact.contact_id, now())
        )
        self._around.sender.wake()
        return put.message_id

    async def changed(self, contact: ContactState) -> None:
        """See `Instance.changed`. A call that is tried out is not on record."""
        with suppress(NotFound):
            await self._write(lambda connection: records.keep(connection, contact))

    async def _bound(self, wanted: Wanted, find: Callable[[Connection, str], T]) -> T:
        def ask(connection: Connection) -> T:
            found = resolve(connection, self._instance_id, wanted)
            if found is None:
                raise NotBound(wanted)
            return find(connection, found)

        try:
            return await self._read(ask)
        except NotFound as error:
            _log.warning("what a flow names cannot be used", named=str(wanted), reason=str(error))
            raise NotBound(wanted) from error

    async def _read(self, ask: Callable[[Connection], T]) -> T:
        def read() -> T:
            with self._around.database.read() as connection:
                return ask(connection)

        return await asyncio.to_thread(read)

    async def _write(self, do: Callable[[Connection], T]) -> T:
        def write() -> T:
            with self._around.database.write() as connection:
                return do(connection)

        return await asyncio.to_thread(write)
