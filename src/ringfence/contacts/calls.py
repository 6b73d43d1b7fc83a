"""Placing the calls of contacts: dialled at most once, held as their flow says, and written down.

A contact is on record before it is dialled. What a crash cut off is closed at the next start; what
had been accepted and not dialled yet is dialled then. Whose call it is (a case's attempt, an API
client's) makes no difference here but for who watches it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeAlias

import structlog
from sqlalchemy import Connection

from ringfence.contacts import records
from ringfence.contacts.announcements import Announcer, ContactEvent
from ringfence.contacts.call_terms import (
    ANSWERED_BY,
    call_request,
    disconnect_reason,
    flow_contact,
)
from ringfence.contacts.flow_logs import FlowLog
from ringfence.contacts.records import StoredContact
from ringfence.errors import Unavailable
from ringfence.flows import (
    ContactState,
    EndReason,
    Flow,
    FlowEvent,
    Functions,
    Instance,
    Participant,
    run,
)
from ringfence.lines import CallEnd, CallEvent, CallResult, Line
from ringfence.storage import Database, now

STALE = timedelta(minutes=10)  # after which a call that was accepted before a crash is not placed
INTERRUPTED = "TELECOM_PROBLEM"
STOPPED = "OTHER"  # what Amazon Connect says of contacts that StopContact ended
EXPIRED = "EXPIRED"

_log = structlog.get_logger(__name__)

Observe: TypeAlias = Callable[[FlowEvent], Awaitable[None]]
Report: TypeAlias = Callable[[CallEvent], Awaitable[None]]
BuiltIn: TypeAlias = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]


class Invoker(Protocol):
    """What runs functions that are not built in."""

    async def invoke(
        self,
        name: str,
        event: Mapping[str, Any],
        timeout_seconds: float,
        *,
        built_ins: Mapping[str, BuiltIn] = {},
    ) -> Mapping[str, Any]:
        """The answer. Raises `FunctionFailed`."""
        ...


class Surroundings(Protocol):
    """What finds the flows and the instance of a contact."""

    def instance(self, instance_id: str) -> Instance:
        """What the flows of an instance find around them."""
        ...

    async def flow_of(self, contact: StoredContact) -> Flow:
        """The flow that a contact begins with. Raises `NotFound`."""
        ...

    def instance_arn(self, instance_id: str) -> str:
        """The ARN of an instance."""
        ...


class TooManyCalls(Unavailable):
    """As many calls are in progress as there may be."""


@dataclass(slots=True)
class _Running:
    task: asyncio.Task[CallResult]
    state: ContactState | None = None
    stop_reason: str = ""


@dataclass(frozen=True, slots=True)
class _FunctionsOf(Functions):
    invoker: Invoker
    built_ins: Mapping[str, BuiltIn]

    async def invoke(
        self, arn: str, event: Mapping[str, Any], timeout_seconds: float
    ) -> Mapping[str, Any]:
        """See `Functions.invoke`."""
        return await self.invoker.invoke(arn, event, timeout_seconds, built_ins=self.built_ins)


@dataclass(frozen=True, slots=True)
class Watchers:
    """Who watches a call, and what only this call's functions can do."""

    observe: Observe | None = None
    report: Report | None = None
    built_ins: Mapping[str, BuiltIn] = field(default_factory=dict)


class Calls:
    """The calls of one process, on its lines. Held open on the event loop that has the lines."""

    def __init__(
        self,
        database: Database,
        lines: Mapping[str, Line],
        surroundings: Surroundings,
        invoker: Invoker,
        announcer: Announcer,
        flow_log: FlowLog,
        *,
        built_ins: Mapping[str, BuiltIn],
        most_at_once: int,
        sensitive: frozenset[str] = frozenset(),
    ):
        self._database = database
        self._lines = lines
        self._surroundings = surroundings
        self._invoker = invoker
        self._announcer = announcer
        self._flow_log = flow_log
        self._built_ins = built_ins
        self._most_at_once = most_at_once
        self._sensitive = sensitive
        self._running: dict[str, _Running] = {}
        self._accepting = 0
        self._background: set[asyncio.Task[Any]] = set()

    async def start(self) -> None:
        """Close what a crash cut off, and dial what had been accepted and not dialled."""
        for contact_id in await asyncio.to_thread(self._take_up):
            self._spawn(self.place(contact_id))

    async def stop(self) -> None:
        """Hang up every call and write down that it is over."""
        tasks = [running.task for running in self._running.values()]
        for task in (*tasks, *self._background):
            task.cancel()
        await asyncio.gather(*tasks, *self._background, return_exceptions=True)

    @property
    def in_progress(self) -> int:
        """How many calls there are now."""
        return len(self._running)

    def require_room(self) -> None:
        """Raise `TooManyCalls` when no further call may begin."""
        if len(self._running) + self._accepting >= self._most_at_once:
            raise TooManyCalls(
                f"{self._most_at_once} calls are in progress; no more are placed at once",
                field="calls_at_once",
            )

    def open(self, connection: Connection, contact: StoredContact) -> StoredContact:
        """Put a contact on record, in the caller's transaction; the contact, or the one of its
        client token. It is for the caller to have it placed."""
        kept = records.open_contact(connection, contact)
        if kept.contact_id == contact.contact_id:
            self._announcer.tell(connection, ContactEvent.INITIATED, kept)
        return kept

    async def accept(self, contact: StoredContact) -> StoredContact:
        """Put a contact on record, and dial it soon; the contact, or the one of its client token.

        It is on disk when this returns. Raises `TooManyCalls`, `InvalidInput`.
        """
        try:
            self.require_room()
        except TooManyCalls:
            if (known := await asyncio.to_thread(self._known, contact)) is None:
                raise
            return known
        self._accepting += 1
        try:
            kept = await asyncio.to_thread(self._open, contact)
            if kept.contact_id == contact.contact_id:
                self._spawn(self.place(kept.contact_id))
                await asyncio.sleep(0)  # from here on it counts among those that are running
        finally:
            self._accepting -= 1
        return kept

    async def place(
        self, contact_id: str, *, flow: Flow | None = None, watchers: Watchers | None = None
    ) -> CallResult:
        """Dial a contact that is on record, and return when its call is over.

        Never raises for what happens on the telephone; cancelling it hangs up. `flow` is what is
        run in place of the contact's own.
        """
        task = asyncio.current_task()
        assert task is not None
        running = _Running(task)
        self._running[contact_id] = running
        try:
            return await self._place(contact_id, running, flow, watchers or Watchers())
        except asyncio.CancelledError:
            reason = running.stop_reason or STOPPED
            closing = asyncio.to_thread(self._close, contact_id, now(), reason, "it was stopped")
            await asyncio.shield(asyncio.ensure_future(closing))
            raise
        finally:
            del self._running[contact_id]

    async def hang_up(self, contact_id: str, reason: str = STOPPED) -> bool:
        """End a contact; False when it is over already. Raises `NotFound`."""
        running = self._running.get(contact_id)
        if running is not None:
            running.stop_reason = reason
            running.task.cancel()
            await asyncio.wait([running.task])
            return True
        return await asyncio.to_thread(self._close, contact_id, now(), reason, "") is not None

    async def update_attributes(
        self, contact_id: str, attributes: Mapping[str, str]
    ) -> Mapping[str, str]:
        """Set attributes, also of a call that is in progress, whose flow sees them at once.

        Raises `NotFound`, `InvalidInput`.
        """

        def write() -> Mapping[str, str]:
            with self._database.write() as connection:
                together = records.update_attributes(connection, contact_id, attributes)
                contact = records.get_contact(connection, contact_id)
                self._announcer.tell(connection, ContactEvent.CONTACT_DATA_UPDATED, contact)
                return together

        for running in self._running.values():
            state = running.state
            if state is not None and contact_id in (
                state.contact.contact_id,
                state.contact.initial_contact_id,
            ):
                state.attributes.update(attributes)
        return await asyncio.to_thread(write)

    async def _place(
        self, contact_id: str, running: _Running, flow: Flow | None, watchers: Watchers
    ) -> CallResult:
        contact = await asyncio.to_thread(self._dial, contact_id)
        if contact is None:
            at = now()
            return CallResult(CallEnd.FAILED, None, at, f"{contact_id} was dialled before")
        line = self._lines.get(contact.line)
        reason: list[EndReason] = []
        if line is None:
            detail = f"there is no line {contact.line!r} here"
            result = CallResult(CallEnd.FAILED, None, now(), detail)
        else:

            async def conversation(participant: Participant) -> None:
                begins_with = flow or await self._surroundings.flow_of(contact)
                running.state = state = await self._connected(contact, participant)
                reason.append(
                    await self._converse(begins_with, state, contact, participant, watchers)
                )

            try:
                result = await line.call(
                    call_request(contact), conversation, watchers.report or _unwatched
                )
            except (
                Exception
            ) as error:  # a line must not raise; a contact must outlive one that does
                _log.error("a line failed", line=contact.line, exc_info=error)
                detail = f"{type(error).__name__}: {error}"
                result = CallResult(CallEnd.FAILED, None, now(), detail)
        await asyncio.to_thread(
            self._close,
            contact_id,
            result.ended_at,
            disconnect_reason(result, reason),
            result.detail,
        )
        return result

    async def _connected(self, contact: StoredContact, participant: Participant) -> ContactState:
        answered_by = None
        if contact.request.detect_machine:
            answered_by = ANSWERED_BY[participant.answered_by]

        def write() -> StoredContact:
            with self._database.write() as connection:
                kept = records.connected(connection, contact.contact_id, now(), answered_by)
                self._announcer.tell(connection, ContactEvent.CONNECTED_TO_SYSTEM, kept)
                return kept

        kept = await asyncio.to_thread(write)
        state = ContactState.of(
            flow_contact(kept, self._surroundings.instance_arn(kept.instance_id), self._sensitive)
        )
        state.answering_machine = answered_by or ""
        return state

    async def _converse(
        self,
        flow: Flow,
        state: ContactState,
        contact: StoredContact,
        participant: Participant,
        watchers: Watchers,
    ) -> EndReason:
        async def observe(event: FlowEvent) -> None:
            self._flow_log.add(contact.instance_id, event)
            if watchers.observe is not None:
                await watchers.observe(event)

        return await run(
            flow,
            state,
            participant,
            _FunctionsOf(self._invoker, {**self._built_ins, **watchers.built_ins}),
            observe,
            instance=self._surroundings.instance(contact.instance_id),
            clock=now,
        )

    def _known(self, contact: StoredContact) -> StoredContact | None:
        with self._database.read() as connection:
            return records.contact_of_token(connection, contact)

    def _open(self, contact: StoredContact) -> StoredContact:
        with self._database.write() as connection:
            return self.open(connection, contact)

    def _dial(self, contact_id: str) -> StoredContact | None:
        with self._database.write() as connection:
            if not records.dialled(connection, contact_id, now()):
                return None
            return records.get_contact(connection, contact_id)

    def _close(
        self, contact_id: str, at: datetime, reason: str, detail: str
    ) -> StoredContact | None:
        with self._database.write() as connection:
            closed = records.disconnected(connection, contact_id, at, reason, detail)
            if closed is not None:
                self._announcer.tell(connection, ContactEvent.DISCONNECTED, closed)
            else:
                records.get_contact(connection, contact_id)  # tells whether there is one
            return closed

    def _take_up(self) -> list[str]:
        at = now()
        with self._database.read() as connection:
            unfinished = records.unfinished_contacts(connection)
        to_dial = []
        for contact in unfinished:
            if contact.dialled_at is not None or contact.request.attempt:
                detail = "cut off by a restart of the server"
                self._close(contact.contact_id, at, INTERRUPTED, detail)
            elif at - contact.initiated_at > STALE:
                detail = "the server was down while it was to be dialled"
                self._close(contact.contact_id, at, EXPIRED, detail)
            else:
                to_dial.append(contact.contact_id)
        return to_dial

    def _spawn(self, work: Coroutine[Any, Any, CallResult]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a contact's call failed", exc_info=error)


async def _unwatched(event: CallEvent) -> None:
    """Nobody watches."""
