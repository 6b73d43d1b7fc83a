"""What a target is, and how it says that it did not take a message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ringfence.streams.messages import Message


class Target(Protocol):
    """Somewhere to publish to. Used by one task at a time, on one event loop."""

    @property
    def name(self) -> str:
        """What people call it: its URL without what is secret in it."""

    async def send(self, messages: Sequence[Message]) -> int:
        """Send messages, at least one, in their order; returns how many of them the target has for
        certain. Fewer than all is no failure: the rest is given again. A message may be given
        again although the target has it, and then has the same id.

        Connects first if need be, and again after a failure. Raises `NotTaken`.
        """

    async def close(self) -> None:
        """Disconnect; nothing is sent afterwards."""


class NotTaken(Exception):
    """The target does not have the message after the first `taken` ones.

    `reason` is for people and has no secrets. `refused` says that it is about this one message and
    trying again may not help; `wait_seconds` is what the target asked for.
    """

    def __init__(
        self,
        reason: str,
        *,
        taken: int = 0,
        refused: bool = False,
        wait_seconds: float | None = None,
    ):
        super().__init__(reason)
        self.reason = reason
        self.taken = taken
        self.refused = refused
        self.wait_seconds = wait_seconds
