"""Calls that come in: to a claimed number, held as the flow says that the number leads to.

A contact is on record before its call is answered. What a crash cuts off is closed at the next
start, as a call that was placed is (`ringfence.contacts.calls`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Protocol

import structlog
from sqlalchemy import Connection

from ringfence.contacts.dispatching import Dispatcher, Slot
from ringfence.contacts.flows import FlowKind, flow_in_language, get_flow
from ringfence.contacts.phone_numbers import find_number
from ringfence.contacts.records import CallWishes, StoredContact, new_contact_id
from ringfence.contacts.talks import Talk, Talks, Watchers
from ringfence.flows import InitiationMethod, Participant
from ringfence.lines import (
    CallEnd,
    CallEvent,
    CallResult,
    Declined,
    IncomingCall,
    Line,
    Reception,
)
from ringfence.storage import now

_log = structlog.get_logger(__name__)


class Watching(Protocol):
    """Who knows what people call about."""

    def language_of(self, connection: Connection, caller: str) -> str | None:
        """The language of whoever calls from a number (E.164, or empty), where it is known."""
        ...

    def watch(self, contact: StoredContact, call: IncomingCall) -> Watchers:
        """Who watches a call, and what only its functions can do."""
        ...


class Receiving:
    """Takes the calls that come in on the lines of this process.

    `watching` is set by whoever knows what people call about.
    """

    def __init__(
        self,
        talks: Talks,
        dispatcher: Dispatcher,
        *,
        language: str = "en-US",
        bank_name: str = "",
    ):
        self.watching: Watching | None = None
        self._draining: set[str] = set()
        self._talks = talks
        self._database = talks.database
        self._dispatcher = dispatcher
        self._language = language
        self._attributes = {"Bank": bank_name} if bank_name else {}

    def start(self, lines: Mapping[str, Line]) -> None:
        """Take the calls of every line that they can come in on."""
        self._draining = {name for name, line in lines.items() if getattr(line, "drains", False)}
        for line in lines.values():
            receive = getattr(line, "receive", None)
            if receive is not None:
                receive(self.receive)

    async def receive(self, call: IncomingCall) -> Reception | Declined:
        """How to hold a call. Declined as busy when there are too many, and as unreachable where
        nobody has claimed the number, or it leads nowhere."""
        slot = self._dispatcher.enter(call.line)
        if slot is None:
            return Declined(CallEnd.BUSY)
        answer = None
        try:
            answer = await self._receive(call, slot)
            return answer
        finally:
            if not isinstance(answer, Reception):
                self._dispatcher.leave(slot)

    async def _receive(self, call: IncomingCall, slot: Slot) -> Reception | Declined:
        contact = await asyncio.to_thread(self._open, call)
        if contact is None:
            return Declined(CallEnd.UNREACHABLE)
        foretell = partial(self._talks.first_words, contact)
        talk = Talk(goes_on=call.line in self._draining)
        self._talks.running[contact.contact_id] = talk
        watchers = Watchers() if self.watching is None else self.watching.watch(contact, call)

        async def conversation(participant: Participant) -> None:
            talk.task = asyncio.current_task()
            try:
                await self._talks.hold(contact, participant, talk, watchers)
            except asyncio.CancelledError:
                if not talk.stop_reason:
                    raise
                await participant.hang_up()  # somebody stopped the contact, not the line

        async def report(event: CallEvent) -> None:
            if watchers.report is not None:
                await watchers.report(event)

        async def over(result: CallResult) -> None:
            if self._talks.running.pop(contact.contact_id, None) is not None:
                self._dispatcher.leave(slot)
            await self._talks.over(contact.contact_id, talk, result)

        return Reception(contact.contact_id, conversation, report, over, contact.language, foretell)

    def _open(self, call: IncomingCall) -> StoredContact | None:
        at = now()
        with self._database.write() as connection:
            number = find_number(connection, call.to_number)
            if number is None or number.flow_id is None:
                _log.warning(
                    "a call to a number that leads nowhere was declined",
                    line=call.line,
                    number=call.to_number,
                    claimed=number is not None,
                )
                return None
            language = self._language
            if self.watching is not None:
                language = self.watching.language_of(connection, call.from_number) or language
            flow = get_flow(connection, number.flow_id)
            if flow.kind is FlowKind.FLOW:
                flow = flow_in_language(
                    connection, flow.name, language, instance_id=flow.instance_id
                )
            contact_id = new_contact_id()
            return self._talks.open(
                connection,
                StoredContact(
                    contact_id=contact_id,
                    instance_id=number.instance_id,
                    initial_contact_id=contact_id,
                    initiation_method=InitiationMethod.INBOUND,
                    flow_id=flow.flow_id,
                    line=call.line,
                    customer_number=call.from_number,
                    system_number=call.to_number,
                    language=language,
                    attributes=self._attributes,
                    request=CallWishes(),
                    initiated_at=at,
                    dialled_at=at,
                    updated_at=at,
                ),
            )
