"""Placing the calls of contacts: dialled at most once, held as their flow says, and written down.

A contact is on record before it is dialled. What a crash cut off is closed at the next start; what
had been accepted and not dialled yet is dialled then. Whose call it is makes no difference here but
for who watches it, and for its turn: an API client's waits for a slot here, a case's attempt has
got its slot before it is on record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Connection

from ringfence.contacts import records
from ringfence.contacts.call_terms import call_request
from ringfence.contacts.dispatching import Dispatcher, Slot
from ringfence.contacts.records import StoredContact
from ringfence.contacts.talks import Talk, Talks, Watchers
from ringfence.errors import Unavailable
from ringfence.flows import Participant
from ringfence.lines import CallEnd, CallEvent, CallResult, Line
from ringfence.storage import now

STALE = timedelta(minutes=10)  # after which a call that was accepted and could not be placed is not
INTERRUPTED = "TELECOM_PROBLEM"
STOPPED = "OTHER"  # what Amazon Connect says of contacts that StopContact ended
EXPIRED = "EXPIRED"

_log = structlog.get_logger(__name__)


class TooManyCalls(Unavailable):
    """As many calls are in progress, or accepted and waiting, as there may be."""


class Calls:
    """The calls of one process, on its lines. Held open on the event loop that has the lines."""

    def __init__(self, talks: Talks, lines: Mapping[str, Line], dispatcher: Dispatcher):
        self.talks = talks
        self.dispatcher = dispatcher
        self._database = talks.database
        self._lines = lines
        self._accepted: set[str] = set()  # and without a slot yet
        self._waiting: dict[str, Slot] = {}
        self._background: set[asyncio.Task[Any]] = set()

    async def start(self) -> None:
        """Close what a crash cut off, and dial what had been accepted and not dialled."""
        for contact in await asyncio.to_thread(self._take_up):
            self._accepted.add(contact.contact_id)
            self._spawn(self._place_in_turn(contact))

    async def stop(self) -> None:
        """Hang up every call and write down that it is over; what waits is dialled after the next
        start."""
        tasks = [talk.task for talk in self.talks.running.values() if talk.task is not None]
        for task in (*tasks, *self._background):
            task.cancel()
        await asyncio.gather(*tasks, *self._background, return_exceptions=True)

    def open(self, connection: Connection, contact: StoredContact) -> StoredContact:
        """Put a contact on record, in the caller's transaction; the contact, or the one of its
        client token. It is for the caller to have it placed."""
        return self.talks.open(connection, contact)

    async def accept(self, contact: StoredContact) -> StoredContact:
        """Put a contact on record, and dial it when it is its turn; the contact, or the one of its
        client token.

        It is on disk when this returns. Raises `TooManyCalls`, `InvalidInput`.
        """
        most = self.dispatcher.calls_at_once
        if self.dispatcher.taken + len(self._accepted) >= most:
            if (known := await asyncio.to_thread(self._known, contact)) is None:
                raise TooManyCalls(
                    f"{most} calls are in progress or wait; no more are accepted",
                    field="calls_at_once",
                )
            return known
        self._accepted.add(contact.contact_id)
        try:
            kept = await asyncio.to_thread(self._open, contact)
        except BaseException:
            self._accepted.discard(contact.contact_id)
            raise
        if kept.contact_id == contact.contact_id:
            self._spawn(self._place_in_turn(kept))
        else:
            self._accepted.discard(contact.contact_id)
        return kept

    async def place(
        self,
        contact_id: str,
        *,
        dialled: StoredContact | None = None,
        watchers: Watchers | None = None,
    ) -> CallResult:
        """Dial a contact that is on record, and return when its call is over.

        Never raises for what happens on the telephone; cancelling it hangs up. `dialled` is the
        contact where its record says already that it is dialled now.
        """
        talk = Talk(asyncio.current_task())
        self.talks.running[contact_id] = talk
        try:
            return await self._place(contact_id, talk, dialled, watchers or Watchers())
        except asyncio.CancelledError:
            reason = talk.stop_reason or STOPPED
            closing = asyncio.to_thread(
                self.talks.close, contact_id, now(), reason, "it was stopped"
            )
            await asyncio.shield(asyncio.ensure_future(closing))
            raise
        finally:
            del self.talks.running[contact_id]

    async def hang_up(self, contact_id: str, reason: str = STOPPED) -> bool:
        """End a contact, or let it wait no longer; False when it is over. Raises `NotFound`."""
        talk = self.talks.running.get(contact_id)
        if talk is not None and talk.task is not None:
            talk.stop_reason = reason
            talk.task.cancel()
            await asyncio.wait([talk.task])
            return True
        if contact_id in self._waiting:
            self._waiting[contact_id].withdraw()
        return await asyncio.to_thread(self.talks.close, contact_id, now(), reason, "") is not None

    async def update_attributes(
        self, contact_id: str, attributes: Mapping[str, str]
    ) -> Mapping[str, str]:
        """See `Talks.update_attributes`."""
        return await self.talks.update_attributes(contact_id, attributes)

    async def _place_in_turn(self, contact: StoredContact) -> None:
        """Dial an accepted contact when its line takes it; it expires when that takes too long."""
        contact_id = contact.contact_id
        patience = contact.initiated_at + STALE - now()
        with self.dispatcher.slot(contact.line) as slot:
            self._waiting[contact_id] = slot
            try:
                async with asyncio.timeout(patience.total_seconds()):
                    granted = await slot.granted()
            except TimeoutError:
                detail = f"line {contact.line} did not take it in time"
                await asyncio.to_thread(self.talks.close, contact_id, now(), EXPIRED, detail)
                return
            finally:
                del self._waiting[contact_id]
                self._accepted.discard(contact_id)
            if granted:
                slot.dialled = True
                await self.place(contact_id)

    async def _place(
        self, contact_id: str, talk: Talk, dialled: StoredContact | None, watchers: Watchers
    ) -> CallResult:
        contact = dialled or await asyncio.to_thread(self._dial, contact_id)
        if contact is None:
            at = now()
            return CallResult(CallEnd.FAILED, None, at, f"{contact_id} was dialled before")
        line = self._lines.get(contact.line)
        if line is None:
            detail = f"there is no line {contact.line!r} here"
            result = CallResult(CallEnd.FAILED, None, now(), detail)
        else:
            talk.goes_on = getattr(line, "drains", False)

            async def conversation(participant: Participant) -> None:
                await self.talks.hold(contact, participant, talk, watchers)

            try:
                foretell = partial(self.talks.first_words, contact, watchers.on_machine)
                result = await line.call(
                    call_request(contact, foretell), conversation, watchers.report or _unwatched
                )
            except (
                Exception
            ) as error:  # a line must not raise; a contact must outlive one that does
                _log.error("a line failed", line=contact.line, exc_info=error)
                detail = f"{type(error).__name__}: {error}"
                result = CallResult(CallEnd.FAILED, None, now(), detail)
        await self.talks.over(contact_id, talk, result)
        return result

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

    def _take_up(self) -> list[StoredContact]:
        at = now()
        with self._database.read() as connection:
            unfinished = records.unfinished_contacts(connection)
        to_dial = []
        for contact in unfinished:
            if contact.dialled_at is not None or contact.request.attempt:
                detail = "cut off by a restart of the server"
                self.talks.close(contact.contact_id, at, INTERRUPTED, detail)
            elif at - contact.initiated_at > STALE:
                detail = "the server was down while it was to be dialled"
                self.talks.close(contact.contact_id, at, EXPIRED, detail)
            else:
                to_dial.append(contact)
        return to_dial

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a contact's call failed", exc_info=error)


async def _unwatched(event: CallEvent) -> None:
    """Nobody watches."""
