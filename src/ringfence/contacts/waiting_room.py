"""Where contacts of this process wait for an agent: told when it is their turn.

Whoever waits is woken at once by what happens in this process, and within a second by what other
processes do. A place is the database's matter; here is only who is to be told.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime

import structlog
from sqlalchemy import Connection

from ringfence.contacts import records
from ringfence.contacts.agents import StoredAgent
from ringfence.contacts.announcements import Announcer, ContactEvent
from ringfence.contacts.lost_places import sweep_places
from ringfence.contacts.places import (
    StoredPlace,
    connect_place,
    enter_queue,
    hold_places,
    leave_place,
    miss_place,
)
from ringfence.contacts.turns import take_turns, turns
from ringfence.errors import NotFound
from ringfence.flows import Agent, ContactState, Queue
from ringfence.storage import Database, now

AFTER_CONTACT_SECONDS = 30.0

_LOOK_SECONDS = 1.0
_HOLD_EVERY = 5  # looks, after which it is said that the places are held
_SWEEP_EVERY = 20
_log = structlog.get_logger(__name__)


class WaitingRoom:
    """The places that this process holds. Used on one event loop.

    An agent has `after_contact_seconds` for the work after each contact.
    """

    def __init__(
        self,
        database: Database,
        announcer: Announcer,
        *,
        after_contact_seconds: float = AFTER_CONTACT_SECONDS,
    ):
        self.database = database
        self.announcer = announcer
        self.after_contact_seconds = after_contact_seconds
        self._held: dict[str, HeldPlace] = {}
        self._wake = asyncio.Event()
        self._attending: asyncio.Task[None] | None = None

    async def enter(self, queue: Queue, contact: ContactState) -> HeldPlace:
        """Let a contact wait. Raises `AtCapacity`, `NotFound`."""
        place = await asyncio.to_thread(self._enter, queue.queue_id, contact)
        return self.hold(place)

    def hold(self, place: StoredPlace) -> HeldPlace:
        """Look after a place until it is left."""
        held = self._held[place.place_id] = HeldPlace(self, place)
        if self._attending is None or self._attending.done():
            self._attending = asyncio.get_running_loop().create_task(self._attend())
        return held

    def let_go(self, place_id: str) -> None:
        """Look after a place no longer."""
        self._held.pop(place_id, None)
        self.changed()

    def changed(self) -> None:
        """An agent's status, or a queue, has changed: look at once."""
        self._wake.set()

    async def close(self) -> None:
        """Stop telling; places are left by those who hold them."""
        if self._attending is not None:
            self._attending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._attending

    async def _attend(self) -> None:
        looks = 0
        while self._held:
            self._wake.clear()
            try:
                await self._look(looks)
            except Exception:
                # Those who wait go on waiting, whatever happens to the database meanwhile.
                _log.exception("could not look whose turn it is")
            looks += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _LOOK_SECONDS)

    async def _look(self, looks: int) -> None:
        asking = frozenset(place_id for place_id, held in self._held.items() if held.asks)
        if looks % _HOLD_EVERY == 0:
            await asyncio.to_thread(self._keep, frozenset(self._held), looks % _SWEEP_EVERY == 0)
        if asking:
            for place_id, agent in await asyncio.to_thread(self._taken, asking):
                held = self._held.get(place_id)
                if held is not None:
                    held.offer(agent)

    def _enter(self, queue_id: str, contact: ContactState) -> StoredPlace:
        at, contact_id = now(), contact.contact.contact_id
        with self.database.write() as connection:
            place = enter_queue(
                connection,
                queue_id,
                contact_id,
                at,
                priority=contact.priority,
                waited_seconds=contact.queue_seconds,
            )
            note_contact(
                connection,
                self.announcer,
                contact_id,
                ContactEvent.QUEUED,
                queue_id=queue_id,
                enqueued_at=at,
                dequeued_at=None,
            )
            return place

    def _keep(self, place_ids: frozenset[str], sweep: bool) -> None:
        at = now()
        with self.database.write() as connection:
            hold_places(connection, place_ids, at)
            for place in sweep_places(connection, at) if sweep else ():
                _log.warning("a server left a contact in a queue", contact_id=place.contact_id)

    def _taken(self, asking: frozenset[str]) -> list[tuple[str, StoredAgent]]:
        with self.database.read() as connection:
            if not any(place.place_id in asking for place, _ in turns(connection, now())):
                return []
        with self.database.write() as connection:
            taken = take_turns(connection, asking, now())
        return [(place.place_id, agent) for place, agent in taken]


class HeldPlace:
    """A contact's place, for the flow that waits. Implements `ringfence.flows.Place`."""

    def __init__(self, room: WaitingRoom, place: StoredPlace):
        self._room = room
        self._place = place
        self._asking: asyncio.Future[Agent] | None = None
        self._agent: Agent | None = None

    @property
    def place_id(self) -> str:
        """Its id."""
        return self._place.place_id

    @property
    def asks(self) -> bool:
        """Whether somebody waits for an agent here."""
        return self._asking is not None and self._agent is None

    def offer(self, agent: StoredAgent) -> None:
        """It is this contact's turn."""
        self._agent = agent.as_flows_see_it()
        if self._asking is not None and not self._asking.done():
            self._asking.set_result(self._agent)

    async def agent(self) -> Agent:
        """See `Place.agent`."""
        if self._agent is not None:  # whose turn came while nobody was listening
            return self._agent
        self._asking = asyncio.get_running_loop().create_future()
        self._room.changed()
        try:
            return await self._asking
        finally:
            self._asking = None

    async def connected(self) -> None:
        """See `Place.connected`."""
        agent = self._agent
        if agent is not None:
            await asyncio.to_thread(self._connected, agent.agent_id)

    async def missed(self, reason: str) -> None:
        """See `Place.missed`."""
        agent, self._agent = self._agent, None
        if agent is not None:
            _log.info("an agent missed a call", agent=agent.user_name, reason=reason)
        await asyncio.to_thread(self._missed)
        self._room.changed()

    async def leave(self) -> None:
        """See `Place.leave`. Leaving again changes nothing."""
        await asyncio.to_thread(self._leave)
        self._agent = None
        self._room.let_go(self._place.place_id)

    def _connected(self, agent_id: str) -> None:
        at = now()
        with self._room.database.write() as connection:
            if connect_place(connection, self.place_id, at) is not None:
                note_contact(
                    connection,
                    self._room.announcer,
                    self._place.contact_id,
                    ContactEvent.CONNECTED_TO_AGENT,
                    agent_id=agent_id,
                    agent_connected_at=at,
                    dequeued_at=at,
                )

    def _missed(self) -> None:
        with self._room.database.write() as connection:
            miss_place(connection, self.place_id, now())

    def _leave(self) -> None:
        at = now()
        with self._room.database.write() as connection:
            left = leave_place(connection, self.place_id, at, self._room.after_contact_seconds)
            if left is not None and left.connected_at is None:
                note_contact(
                    connection, self._room.announcer, left.contact_id, None, dequeued_at=at
                )


def note_contact(
    connection: Connection,
    announcer: Announcer,
    contact_id: str,
    event: ContactEvent | None,
    **values: str | datetime | None,
) -> None:
    """Write down what happened to a contact, and tell of it; a call that is tried out is not on
    record."""
    try:
        contact = records.change_contact(connection, contact_id, **values)
    except NotFound:
        return
    if event is not None:
        announcer.tell(connection, event, contact)
