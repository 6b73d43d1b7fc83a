"""What a provider of messages is, and how it fails."""

from __future__ import annotations

from typing import Protocol

from ringfence.contacts.messages import StoredMessage


class NotSent(Exception):
    """The provider does not have the message. `refused`: nor will it ever take it."""

    def __init__(self, reason: str, *, refused: bool = False, wait_seconds: float = 0.0):
        super().__init__(reason)
        self.refused = refused
        self.wait_seconds = wait_seconds


class Provider(Protocol):
    """Who takes the messages of a channel."""

    @property
    def name(self) -> str:
        """What people call it, without what is secret in its URL."""

    def send(self, message: StoredMessage) -> str:
        """Hand a message over, and return what it is called there. Raises `NotSent`."""
