"""Call-backs: in their turn, first the agent is called and then, through them, the customer.

A call-back waits in its queue as a contact on the telephone does, in the database: it is neither
lost by a crash nor made by two servers. An agent who does not answer costs it nothing; a customer
who does not costs it one of its attempts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime

import structlog
from sqlalchemy import Connection

from ringfence.contacts import records
from ringfence.contacts.agents import StoredAgent
from ringfence.contacts.announcements import Announcer, ContactEvent
from ringfence.contacts.dispatching import Dispatcher
from ringfence.contacts.places import (
    PlaceKind,
    StoredPlace,
    enter_queue,
    get_place,
    release_agent,
    retry_callback,
)
from ringfence.contacts.records import StoredContact, new_contact_id
from ringfence.contacts.turns import due_callbacks, take_turns
from ringfence.contacts.waiting_room import HeldPlace, WaitingRoom, note_contact
from ringfence.errors import NotFound
from ringfence.flows import (
    CallBack,
    ContactState,
    Destination,
    EndReason,
    HungUp,
    InitiationMethod,
    NotConnected,
    Participant,
)
from ringfence.lines import CallEvent, CallRequest, Line
from ringfence.storage import now

AGENT_RING_SECONDS = 20.0
CUSTOMER_RING_SECONDS = 30.0
UNREACHED = "OUTBOUND_ATTEMPT_FAILED"

_LOOK_SECONDS = 1.0
_log = structlog.get_logger(__name__)


def open_callback(
    connection: Connection,
    announcer: Announcer,
    instance_id: str,
    wanted: CallBack,
    state: ContactState,
    at: datetime,
) -> StoredContact:
    """Put a call-back into its queue; its contact, which is the next of the chain.

    It is made on the line of the contact that asked for it. Raises `AtCapacity`, `NotFound`.
    """
    before = state.contact
    try:
        line = records.get_contact(connection, before.contact_id).line
    except NotFound:  # a call that is tried out
        line = ""
    contact = StoredContact(
        contact_id=new_contact_id(),
        instance_id=instance_id,
        initial_contact_id=before.initial_contact_id or before.contact_id,
        previous_contact_id=before.contact_id,
        initiation_method=InitiationMethod.CALLBACK,
        line=line,
        customer_number=wanted.number,
        system_number=wanted.queue.caller_number or before.system_number,
        name=state.name,
        description=state.description,
        customer_id=state.customer_id,
        language=state.language,
        references=state.references,
        tags=state.tags,
        queue_id=wanted.queue.queue_id,
        enqueued_at=at,
        initiated_at=at,
        updated_at=at,
    )
    records.open_contact(connection, contact)
    enter_queue(
        connection,
        wanted.queue.queue_id,
        contact.contact_id,
        at,
        kind=PlaceKind.CALLBACK,
        priority=state.priority,
        waited_seconds=state.queue_seconds,
        phone_number=wanted.number,
        delay_seconds=wanted.delay_seconds,
        attempts=wanted.most_attempts,
        retry_seconds=wanted.retry_seconds,
    )
    for event in (ContactEvent.INITIATED, ContactEvent.QUEUED):
        announcer.tell(connection, event, contact)
    return contact


class Callbacks:
    """Makes the call-backs whose turn it is, on the lines of this process."""

    def __init__(self, lines: Mapping[str, Line], room: WaitingRoom, dispatcher: Dispatcher):
        self._lines = lines
        self._dispatcher = dispatcher
        self._room = room
        self._database = room.database
        self._calls: set[asyncio.Task[None]] = set()
        self._looking: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look for call-backs; to be called on the event loop of the lines."""
        self._looking = asyncio.get_running_loop().create_task(self._look())

    async def stop(self) -> None:
        """Hang up. What was cut off is made again after the next start."""
        tasks = [*self._calls, *([self._looking] if self._looking is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _look(self) -> None:
        while True:
            try:
                for place, agent in await asyncio.to_thread(self._due):
                    held = self._room.hold(place)
                    held.offer(agent)
                    task = asyncio.get_running_loop().create_task(self._make(held, place, agent))
                    self._calls.add(task)
                    task.add_done_callback(self._calls.discard)
            except Exception:
                # Call-backs go on waiting, whatever happens to the database meanwhile.
                _log.exception("could not look for call-backs")
            await asyncio.sleep(_LOOK_SECONDS)

    async def _make(self, held: HeldPlace, place: StoredPlace, agent: StoredAgent) -> None:
        try:
            contact = await asyncio.to_thread(self._contact, place.contact_id)
            line = self._lines.get(contact.line)
            if line is None:
                await held.leave()
                detail = f"there is no line {contact.line!r} here"
                await asyncio.to_thread(self._close, contact.contact_id, "TELECOM_PROBLEM", detail)
                return
            await self._call(held, place, contact, agent, line)
        except Exception:
            _log.exception("a call-back failed", contact_id=place.contact_id)
            await held.missed("the call-back failed")
            self._room.let_go(held.place_id)

    async def _call(
        self,
        held: HeldPlace,
        place: StoredPlace,
        contact: StoredContact,
        agent: StoredAgent,
        line: Line,
    ) -> None:
        reached = asyncio.Event()
        taken: list[str] = []

        async def conversation(participant: Participant) -> None:
            taken.append(agent.user_name)
            await asyncio.to_thread(self._dialled, contact.contact_id)
            answered = asyncio.ensure_future(self._answered(held, contact.contact_id, reached))
            try:
                await participant.connect(
                    Destination(
                        number=place.phone_number,
                        caller_number=contact.system_number,
                        caller_name=contact.request.caller_name,
                        ring_seconds=CUSTOMER_RING_SECONDS,
                        answered=reached.set,
                    )
                )
                reached.set()
            except (NotConnected, HungUp):
                pass
            finally:
                if reached.is_set():
                    await answered
                answered.cancel()

        request = CallRequest(
            call_id=new_contact_id(),
            to_number=agent.phone_number,
            from_number=contact.system_number,
            caller_name=contact.request.caller_name,
            ring_timeout_seconds=AGENT_RING_SECONDS,
            language=contact.language,
        )
        async with self._dispatcher.turn(contact.line):
            result = await line.call(request, conversation, _unwatched)
        if not taken:
            await held.missed(result.detail or result.end)
            self._room.let_go(held.place_id)
        elif reached.is_set():
            await held.leave()
            detail = f"{agent.user_name} called back"
            closing = (contact.contact_id, EndReason.AGENT_DISCONNECT, detail)
            await asyncio.to_thread(self._close, *closing)
        elif await asyncio.to_thread(self._try_again, place.place_id):
            self._room.let_go(held.place_id)
        else:
            await held.leave()
            detail = "the customer was not reached"
            await asyncio.to_thread(self._close, contact.contact_id, UNREACHED, detail)

    async def _answered(self, held: HeldPlace, contact_id: str, reached: asyncio.Event) -> None:
        await reached.wait()
        await asyncio.to_thread(self._reached, contact_id)
        await held.connected()

    def _due(self) -> list[tuple[StoredPlace, StoredAgent]]:
        with self._database.read() as connection:
            due = {place.place_id for place in due_callbacks(connection, now())}
        if not due:
            return []
        with self._database.write() as connection:
            return take_turns(connection, due, now())

    def _contact(self, contact_id: str) -> StoredContact:
        with self._database.read() as connection:
            return records.get_contact(connection, contact_id)

    def _dialled(self, contact_id: str) -> None:
        with self._database.write() as connection:
            records.dialled(connection, contact_id, now())

    def _reached(self, contact_id: str) -> None:
        with self._database.write() as connection:
            note_contact(
                connection,
                self._room.announcer,
                contact_id,
                ContactEvent.CONNECTED_TO_SYSTEM,
                connected_at=now(),
            )

    def _try_again(self, place_id: str) -> bool:
        at = now()
        with self._database.write() as connection:
            place = get_place(connection, place_id)
            if not retry_callback(connection, place, at):
                return False
            release_agent(connection, place, at, 0.0)
            return True

    def _close(self, contact_id: str, reason: str, detail: str) -> None:
        with self._database.write() as connection:
            closed = records.disconnected(connection, contact_id, now(), reason, detail)
            if closed is not None:
                self._room.announcer.tell(connection, ContactEvent.DISCONNECTED, closed)


async def _unwatched(event: CallEvent) -> None:
    """Nobody watches."""
