"""What a line is: something that can place a call and let a conversation happen on it.

A line that carries the media itself (browser, terminal, SIP, Twilio) dials, waits for the answer
and then runs the `conversation` with the far end as its `Participant`. A line whose far side runs
the conversation (a real Amazon Connect instance) places the call with the request's flow and
attributes, and only reports what happened. Both look the same to `cases`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeAlias

from ringfence.flows.participant import AnsweredBy, Participant
from ringfence.lines.foretelling import Foretell, foretold


class CallEnd(StrEnum):
    """How a call ended."""

    COMPLETED = "completed"  # we hung up when the conversation was over
    HUNG_UP = "hung_up"  # the far end hung up after answering
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    UNREACHABLE = "unreachable"  # nobody is at that number (no phone, not registered, not in use)
    NUMBER_CHANGED = "number_changed"  # the number is in use no more; `detail` may say the new one
    REDIRECTED = "redirected"  # the network names another number, which we do not call
    UNAUTHORIZED = "unauthorized"  # the network does not take our credentials or our number
    LINE_DOWN = "line_down"  # no trunk of the line can be reached, or none takes more calls
    FAILED = "failed"  # the line itself failed; `detail` says how

    @property
    def answered(self) -> bool:
        """Whether somebody picked up."""
        return self in (CallEnd.COMPLETED, CallEnd.HUNG_UP)


@dataclass(frozen=True, slots=True)
class CallRequest:
    """One call to place. `call_id` identifies the attempt; a line dials it at most once.

    `foretell` finds out what the conversation will most likely say first, in order, and then its
    other words with gaps (`fixed_words.GAP`): a line that speaks has its synthesizer prepare them
    before anybody answers. It never raises.
    """

    call_id: str
    to_number: str  # E.164
    from_number: str  # E.164
    caller_name: str = ""
    ring_timeout_seconds: float = 30.0
    language: str = "en-US"
    flow_name: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    detect_machine: bool = False  # the line is to listen whether a machine picks up, if it can
    foretell: Foretell = field(default_factory=foretold)


class CallEventKind(StrEnum):
    """What happened on a call."""

    DIALLED = "dialled"
    RINGING = "ringing"
    ANSWERED = "answered"
    SAID = "said"  # `text` is the caption
    DIGIT = "digit"  # `text` is the key
    WORDS = "words"  # the far end said something; what, only the conversation learns
    PUT_THROUGH = "put_through"  # both telephones hear each other; `text` is the other's number
    TAKEN_BACK = "taken_back"  # the other telephone is gone, and the conversation goes on
    ENDED = "ended"  # `text` is a `CallEnd`


@dataclass(frozen=True, slots=True)
class CallEvent:
    """Something that happened on a call, at an aware UTC time."""

    kind: CallEventKind
    at: datetime
    text: str = ""


@dataclass(frozen=True, slots=True)
class CallResult:
    """The end of a call. `detail` explains a failure in words for an operator.

    `answered_by` is who picked up, as far as the line can tell; None when nobody did, or when the
    line leaves the conversation to its far side and is not told. `attributes` are those of the
    contact at its end, where the far side ran the conversation. `recording` is a WAV file of what
    was recorded (`Participant.record`).
    """

    end: CallEnd
    answered_at: datetime | None
    ended_at: datetime
    detail: str = ""
    answered_by: AnsweredBy | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    recording: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Limits:
    """How many calls a line takes; None where it does not say."""

    calls_at_once: int | None = None
    calls_per_second: float | None = None


Conversation: TypeAlias = Callable[[Participant], Awaitable[None]]
Report: TypeAlias = Callable[[CallEvent], Awaitable[None]]


class Line(Protocol):
    """Something that can place a call."""

    @property
    def name(self) -> str:
        """The name a contact plan uses for this line."""

    @property
    def numbers(self) -> frozenset[str] | None:
        """The numbers (E.164) that this line owns: it calls from them, and nobody else has them.

        None when any number may be the caller's, as where no telephone network checks it.
        """

    @property
    def limits(self) -> Limits:
        """How many calls may be in progress, and begin in a second. Callers keep within it."""

    async def call(
        self, request: CallRequest, conversation: Conversation, report: Report
    ) -> CallResult:
        """Place one call and return when it is over.

        Runs `conversation` once, after the answer, and hangs up when it returns. Awaits `report`
        for each event in order. Never raises for what happens on the telephone: busy, no answer,
        a failing trunk and the like are in the result. Cancelling it hangs up.
        """
        ...
