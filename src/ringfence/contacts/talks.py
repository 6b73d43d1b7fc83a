"""The conversations of contacts: held as their flows say, and written down as they go.

Whether a call was placed or came in makes no difference here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeAlias

import structlog
from sqlalchemy import Connection

from ringfence.contacts import records
from ringfence.contacts.announced import Announced, announcement
from ringfence.contacts.announcements import Announcer, ContactEvent
from ringfence.contacts.call_recordings import CallRecordings
from ringfence.contacts.call_terms import ANSWERED_BY, disconnect_reason, flow_contact
from ringfence.contacts.flow_logs import FlowLog
from ringfence.contacts.records import StoredContact
from ringfence.errors import Unavailable
from ringfence.flows import (
    AnsweredBy,
    ContactState,
    EndReason,
    Flow,
    FlowEvent,
    Functions,
    Instance,
    Participant,
    Prompt,
    run,
)
from ringfence.flows.first_words import first_prompts
from ringfence.flows.fixed_words import fixed_prompts
from ringfence.lines import CallEvent, CallResult
from ringfence.storage import Database, now

_MACHINES = (AnsweredBy.MACHINE_BEEP, AnsweredBy.MACHINE_SILENT)
_DRAIN_LOOK_SECONDS = 0.1
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


@dataclass(frozen=True, slots=True)
class Watchers:
    """Who watches a call, and what only this call's functions can do.

    `on_machine` is run in place of its flow when an answering machine has picked up.
    """

    observe: Observe | None = None
    report: Report | None = None
    built_ins: Mapping[str, BuiltIn] = field(default_factory=dict)
    on_machine: Flow | None = None


@dataclass(frozen=True, slots=True)
class RecordingTerms:
    """Whether calls may be recorded: no without `recordings`, and whether all of them are.

    `announcements` are what an operator has said in their place, by language.
    """

    recordings: CallRecordings | None = None
    all_calls: bool = False
    announcements: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Talk:
    """A call that is in progress. `reason` is why its flow ended, once it has.

    `goes_on` is whether it can without this server's web part, as a call over a trunk can.
    """

    task: asyncio.Task[Any] | None = None
    goes_on: bool = False
    state: ContactState | None = None
    stop_reason: str = ""
    reason: list[EndReason] = field(default_factory=list)


class Talks:
    """The calls that are in progress in this process, by contact. Used on one event loop."""

    def __init__(
        self,
        database: Database,
        surroundings: Surroundings,
        invoker: Invoker,
        announcer: Announcer,
        flow_log: FlowLog,
        *,
        built_ins: Mapping[str, BuiltIn],
        recording: RecordingTerms,
        sensitive: frozenset[str] = frozenset(),
    ):
        self._recording = recording
        self.database = database
        self.surroundings = surroundings
        self._invoker = invoker
        self._announcer = announcer
        self._flow_log = flow_log
        self._built_ins = built_ins
        self._sensitive = sensitive
        self.running: dict[str, Talk] = {}

    async def drain(self, seconds: float) -> None:
        """Let talks that can go on come to their end, for so long at most. What still rings does
        not count: nobody has answered."""
        try:
            async with asyncio.timeout(seconds):
                while any(  # noqa: ASYNC110 - talks end in many ways, and this is the last of it
                    talk.goes_on and talk.state for talk in self.running.values()
                ):
                    await asyncio.sleep(_DRAIN_LOOK_SECONDS)
        except TimeoutError:
            return

    def open(self, connection: Connection, contact: StoredContact) -> StoredContact:
        """Put a contact on record, in the caller's transaction; the contact, or the one of its
        client token."""
        kept = records.open_contact(connection, contact)
        if kept.contact_id == contact.contact_id:
            self._announcer.tell(connection, ContactEvent.INITIATED, kept)
        return kept

    async def first_words(
        self, contact: StoredContact, on_machine: Flow | None = None
    ) -> tuple[Prompt, ...]:
        """What the conversation of a call that is to be placed will most likely say first, to a
        person and to a machine, and behind it, with gaps, whatever else it may say."""
        try:
            return await self._foretold(contact, on_machine)
        except Exception as error:  # which the call will meet too, or is not to be lost for
            _log.warning("the first words cannot be known", error=str(error))
            return ()

    async def hold(
        self,
        contact: StoredContact,
        participant: Participant,
        talk: Talk,
        watchers: Watchers,
    ) -> None:
        """The conversation of a call that is answered."""
        begins_with = await self.surroundings.flow_of(contact)
        if watchers.on_machine is not None and participant.answered_by in _MACHINES:
            begins_with = watchers.on_machine
        talk.state = state = await self._connected(contact, participant)
        terms = self._recording
        told = announcement(contact.language, terms.announcements)
        participant = Announced(participant, told, may_record=terms.recordings is not None)
        if terms.all_calls:
            await participant.record(True)

        async def observe(event: FlowEvent) -> None:
            self._flow_log.add(contact.instance_id, event)
            if watchers.observe is not None:
                await watchers.observe(event)

        talk.reason.append(
            await run(
                begins_with,
                state,
                participant,
                _FunctionsOf(self._invoker, {**self._built_ins, **watchers.built_ins}),
                observe,
                instance=self.surroundings.instance(contact.instance_id),
                clock=now,
            )
        )

    async def over(self, contact_id: str, talk: Talk, result: CallResult) -> None:
        """Write down that a call is over. Harmless when that has been done."""
        reason = talk.stop_reason or disconnect_reason(result, talk.reason)
        if result.recording is not None and self._recording.recordings is not None:
            await asyncio.to_thread(self._keep, contact_id, result.recording)
        await asyncio.to_thread(self.close, contact_id, result.ended_at, reason, result.detail)

    def close(
        self, contact_id: str, at: datetime, reason: str, detail: str
    ) -> StoredContact | None:
        """Close a contact; None when it is closed already. Raises `NotFound`."""
        with self.database.write() as connection:
            closed = records.disconnected(connection, contact_id, at, reason, detail)
            if closed is not None:
                self._announcer.tell(connection, ContactEvent.DISCONNECTED, closed)
            else:
                records.get_contact(connection, contact_id)  # tells whether there is one
            return closed

    async def update_attributes(
        self, contact_id: str, attributes: Mapping[str, str]
    ) -> Mapping[str, str]:
        """Set attributes, also of a call that is in progress, whose flow sees them at once.

        Raises `NotFound`, `InvalidInput`.
        """

        def write() -> Mapping[str, str]:
            with self.database.write() as connection:
                together = records.update_attributes(connection, contact_id, attributes)
                contact = records.get_contact(connection, contact_id)
                self._announcer.tell(connection, ContactEvent.CONTACT_DATA_UPDATED, contact)
                return together

        for talk in self.running.values():
            state = talk.state
            if state is not None and contact_id in (
                state.contact.contact_id,
                state.contact.initial_contact_id,
            ):
                state.attributes.update(attributes)
        return await asyncio.to_thread(write)

    async def _foretold(
        self, contact: StoredContact, on_machine: Flow | None
    ) -> tuple[Prompt, ...]:
        begins_with = await self.surroundings.flow_of(contact)
        instance = self.surroundings.instance(contact.instance_id)
        state = self._state_of(contact)
        prompts: tuple[Prompt, ...] = ()
        held = [(AnsweredBy.HUMAN, begins_with)]
        if contact.request.detect_machine or on_machine is not None:
            held.append((AnsweredBy.MACHINE_BEEP, on_machine or begins_with))
        for answered_by, each in held:
            if contact.request.detect_machine:
                state.answering_machine = ANSWERED_BY[answered_by]
            prompts += await first_prompts(
                each, state, instance, answered_by=answered_by, clock=now
            )
        terms = self._recording
        told = terms.recordings is not None and terms.all_calls
        announced = (announcement(contact.language, terms.announcements),) * told
        fixed = fixed_prompts(begins_with, contact.language)
        return tuple(dict.fromkeys(announced + prompts + fixed))

    def _keep(self, contact_id: str, wav: bytes) -> None:
        assert self._recording.recordings is not None
        with self.database.read() as connection:
            instance_id = records.get_contact(connection, contact_id).instance_id
        try:
            self._recording.recordings.keep(contact_id, instance_id, wav)
        except Unavailable as error:  # the call itself is not to fail for it
            _log.error("a recording is lost", contact_id=contact_id, error=str(error))

    async def _connected(self, contact: StoredContact, participant: Participant) -> ContactState:
        answered_by = None
        if contact.request.detect_machine:
            answered_by = ANSWERED_BY[participant.answered_by]

        def write() -> StoredContact:
            with self.database.write() as connection:
                kept = records.connected(connection, contact.contact_id, now(), answered_by)
                self._announcer.tell(connection, ContactEvent.CONNECTED_TO_SYSTEM, kept)
                return kept

        state = self._state_of(await asyncio.to_thread(write))
        state.answering_machine = answered_by or ""
        return state

    def _state_of(self, contact: StoredContact) -> ContactState:
        arn = self.surroundings.instance_arn(contact.instance_id)
        return ContactState.of(flow_contact(contact, arn, self._sensitive))


@dataclass(frozen=True, slots=True)
class _FunctionsOf(Functions):
    invoker: Invoker
    built_ins: Mapping[str, BuiltIn]

    async def invoke(
        self, arn: str, event: Mapping[str, Any], timeout_seconds: float
    ) -> Mapping[str, Any]:
        """See `Functions.invoke`."""
        return await self.invoker.invoke(arn, event, timeout_seconds, built_ins=self.built_ins)
