"""Calls that come in: what a line says of one, and what it is told to do with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from ringfence.lines.foretelling import Foretell, foretold
from ringfence.lines.line import CallEnd, CallResult, Conversation, Report


@dataclass(frozen=True, slots=True)
class IncomingCall:
    """Somebody calls one of our numbers.

    `line_call_id` is what the line calls it: the same one is never received twice. `from_number`
    is E.164, or empty when it is withheld or no telephone number. It proves nothing: whoever calls
    can say any number, unless `verified`, which a network that signs its calls has said.
    """

    line: str
    line_call_id: str
    from_number: str
    to_number: str  # E.164
    verified: bool = False


@dataclass(frozen=True, slots=True)
class Reception:
    """How a call that comes in is held. `over` is awaited with its result, whatever happened."""

    call_id: str
    conversation: Conversation
    report: Report
    over: Callable[[CallResult], Awaitable[None]]
    language: str = "en-US"
    foretell: Foretell = field(default_factory=foretold)


@dataclass(frozen=True, slots=True)
class Declined:
    """The call is not taken: `end` is BUSY, REJECTED or UNREACHABLE (no such number here)."""

    end: CallEnd


Receive: TypeAlias = Callable[[IncomingCall], Awaitable[Reception | Declined]]


class TakesCalls(Protocol):
    """A line that calls can come in on."""

    def receive(self, receive: Receive) -> None:
        """Ask `receive` about every call that comes in from now on. Before it, all are declined."""
        ...
