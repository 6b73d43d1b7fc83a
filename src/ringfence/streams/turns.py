"""A publisher's turns: what is next to send, and what came of it, as the database is told.

Of several servers on one database one has the lease and sends; the others find nothing to do.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Protocol

import msgspec
import structlog
from sqlalchemy import Connection

from ringfence.errors import RingfenceError
from ringfence.storage import Database, now
from ringfence.streams.lease import Lease
from ringfence.streams.messages import Message
from ringfence.streams.outbox import Outbox
from ringfence.streams.targets import NotTaken

_log = structlog.get_logger(__name__)

TURN_SECONDS = 20.0
"""How long sending may take; the lease lasts longer, with room to note what came of it."""
MOST_AT_ONCE = 200
_LEASE_SECONDS = 30.0
_TRIES_OF_REFUSED = 5
_SWEEP_SECONDS = 600.0


class Composer(Protocol):
    """Makes the messages that are sent of what is kept of them."""

    def message(self, connection: Connection, message_id: str, content: Any) -> Message:
        """The message. Raises `msgspec.ValidationError` for a content that is none."""
        ...


class Turns:
    """The turns of one publisher. Messages older than `keep` are given up."""

    def __init__(self, database: Database, outbox: Outbox, composer: Composer, keep: timedelta):
        self._database = database
        self._outbox = outbox
        self._composer = composer
        self._keep = keep
        self._lease = Lease(outbox.noun, _LEASE_SECONDS)
        self._held_until = 0.0
        self._swept_at: float | None = None
        self._refused_id, self._refusals = "", 0

    def begin(self) -> None:
        """Let what was set aside before be tried again."""
        with self._database.write() as connection:
            again = self._outbox.take_up_again(connection)
        if again:
            _log.info(f"{self._outbox.noun} that were refused are tried again", count=again)

    def next(self) -> list[Message]:
        """The messages to send now; none when nothing waits, or it is another's turn."""
        with self._database.read() as connection:
            if not self._outbox.anything_waits(connection):
                return []
        if time.monotonic() > self._held_until - TURN_SECONDS:
            with self._database.write() as connection:
                if not self._renew(connection):
                    return []
                self._sweep(connection)
        messages, unreadable = [], []
        with self._database.read() as connection:
            for kept in self._outbox.oldest(connection, MOST_AT_ONCE):
                try:
                    messages.append(
                        self._composer.message(connection, kept.message_id, kept.content)
                    )
                except msgspec.ValidationError as error:
                    unreadable.append((kept.message_id, str(error)))
        if unreadable:
            self._leave_out(unreadable)
        return messages

    def settle(self, messages: Sequence[Message], taken: int, failure: NotTaken | None) -> None:
        """Note that the first `taken` messages were published, and why the one after was not.

        A message that is refused again and again is set aside, so that it holds up no others.
        """
        refused = None
        if failure is not None and failure.refused:
            refused = self._refused_for_good(messages[taken])
        if not taken and refused is None:
            return
        with self._database.write() as connection:
            if not self._renew(connection):
                # Stopped for longer than the lease: whoever has it now sends them again.
                return
            self._outbox.remove(connection, [message.message_id for message in messages[:taken]])
            if refused is not None and failure is not None:
                self._outbox.set_aside(connection, refused.message_id, failure.reason)
        if refused is not None and failure is not None:
            _log.error(
                "a message is refused, and set aside until the next start",
                about=self._outbox.noun,
                message_id=refused.message_id,
                event_type=refused.event_type,
                event_id=refused.event_id,
                reason=failure.reason,
            )

    def let_go(self) -> None:
        """Let another publisher have its turn."""
        if not self._held_until:
            return
        self._held_until = 0.0
        try:
            with self._database.write() as connection:
                self._lease.release(connection)
        except RingfenceError as error:
            _log.warning("could not let another server publish", reason=str(error))

    def _leave_out(self, unreadable: Sequence[tuple[str, str]]) -> None:
        with self._database.write() as connection:
            for message_id, reason in unreadable:
                self._outbox.set_aside(connection, message_id, reason)
        _log.error(
            f"{self._outbox.noun} that another release put down cannot be read, and are set aside",
            count=len(unreadable),
            reason=unreadable[0][1],
        )

    def _renew(self, connection: Connection) -> bool:
        began = time.monotonic()
        held = self._lease.hold(connection)
        self._held_until = began + _LEASE_SECONDS if held else 0.0
        return held

    def _refused_for_good(self, message: Message) -> Message | None:
        if message.message_id != self._refused_id:
            self._refused_id, self._refusals = message.message_id, 0
        self._refusals += 1
        return message if self._refusals >= _TRIES_OF_REFUSED else None

    def _sweep(self, connection: Connection) -> None:
        at = time.monotonic()
        if self._swept_at is not None and at - self._swept_at < _SWEEP_SECONDS:
            return
        self._swept_at = at
        dropped = self._outbox.drop(connection, now() - self._keep)
        if dropped:
            _log.error(
                f"{self._outbox.noun} were given up: nobody took them in time",
                count=dropped,
                days=self._keep / timedelta(days=1),
            )
