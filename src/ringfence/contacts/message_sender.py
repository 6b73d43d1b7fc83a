"""Handing messages over: one thread of a server, beside everything else.

A call never waits for it. An outage of a provider is nothing but a longer outbox.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

import structlog

from ringfence.contacts.messages import (
    MessageState,
    StoredMessage,
    next_due,
    not_sent,
    sent,
    take_messages,
)
from ringfence.contacts.providing import NotSent, Provider
from ringfence.flows import Channel
from ringfence.storage import Database, now

_AT_ONCE = 2  # all of which are handed over before they would be due again
_LOOK_SECONDS = 5.0
_CLOSE_SECONDS = 5.0
_log = structlog.get_logger(__name__)


class MessageSender:
    """Sends what is put down for the channels of `providers`, until it is closed."""

    def __init__(self, database: Database, providers: Mapping[Channel, Provider]):
        self._database = database
        self._providers = dict(providers)
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="message-sender", daemon=True)

    def takes(self, channel: Channel) -> bool:
        """Whether there is somebody to take messages of that channel."""
        return channel in self._providers

    def start(self) -> None:
        """Begin to send; returns at once."""
        if self._providers:
            self._thread.start()

    def wake(self) -> None:
        """A message was put down: look at once."""
        self._wake.set()

    def close(self) -> None:
        """Stop; what is not sent yet stays in the outbox. Blocks for a few seconds at most."""
        self._closing.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(_CLOSE_SECONDS)

    def send_due(self) -> int:
        """Hand over what is due; how many messages that were, taken or not."""
        with self._database.read() as connection:
            due_at = next_due(connection, self._providers)
        if due_at is None or due_at > now():
            return 0
        with self._database.write() as connection:
            taken = take_messages(connection, self._providers, now(), _AT_ONCE)
        for message in taken:
            self._send(message)
        return len(taken)

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.clear()
            try:
                busy = self.send_due() > 0
            except Exception:
                # Nothing may end this thread.
                _log.exception("could not send messages")
                busy = False
            if not busy:
                self._wake.wait(_LOOK_SECONDS)

    def _send(self, message: StoredMessage) -> None:
        provider = self._providers[message.channel]
        try:
            detail = provider.send(message)
        except NotSent as failure:
            with self._database.write() as connection:
                state = not_sent(
                    connection,
                    message,
                    now(),
                    f"{provider.name}: {failure}",
                    refused=failure.refused,
                    wait_seconds=failure.wait_seconds,
                )
            _log.warning(
                "a message was not taken",
                provider=provider.name,
                message_id=message.message_id,
                reason=str(failure),
                given_up=state is MessageState.FAILED,
            )
            return
        with self._database.write() as connection:
            sent(connection, message.message_id, now(), detail)
