"""Holding a call from dialling to its end: the same for every line that carries the media."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ringfence.flows.participant import AnsweredBy, HungUp, Participant
from ringfence.lines.journal import Journal
from ringfence.lines.line import (
    CallEnd,
    CallEventKind,
    CallRequest,
    CallResult,
    Conversation,
    Report,
)


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Why nobody picked up."""

    end: CallEnd
    detail: str = ""


class FarEnd(Protocol):
    """What a line rings, for one call."""

    async def ring(self, journal: Journal) -> Participant | Unanswered:
        """Ring; note RINGING once it does; return who answered, or why nobody did."""
        ...

    @property
    def left(self) -> str | None:
        """How the far end went away after its answer, in words; None while it is there."""
        ...

    def release(self, end: CallEnd | None) -> None:
        """Put everything on hook. `end` is None when the call was cancelled."""
        ...


class Refusal:
    """A far end that cannot be rung at all."""

    left = None

    def __init__(self, end: CallEnd, detail: str = "") -> None:
        self._unanswered = Unanswered(end, detail)

    async def ring(self, journal: Journal) -> Unanswered:
        """Say why, without a ring."""
        return self._unanswered

    def release(self, end: CallEnd | None) -> None:
        """Nothing is off hook."""


async def hold(
    request: CallRequest, far_end: FarEnd, conversation: Conversation, report: Report
) -> CallResult:
    """The whole call, as `Line.call` promises it."""
    async with Journal(report) as journal:
        journal.note(CallEventKind.DIALLED, request.to_number)
        answered_at = None
        answered_by: AnsweredBy | None = None
        try:
            answer = await far_end.ring(journal)
            if isinstance(answer, Unanswered):
                end, detail = answer.end, answer.detail
            else:
                answered_at = journal.note(CallEventKind.ANSWERED)
                answered_by = answer.answered_by
                await journal.settled()
                end, detail = await _converse(conversation, answer, far_end)
        except Exception as error:
            end, detail = CallEnd.FAILED, f"{type(error).__name__}: {error}"
        except BaseException:
            far_end.release(None)
            raise
        far_end.release(end)
        ended_at = journal.note(CallEventKind.ENDED, end)
        try:
            await journal.settled()
        except Exception as error:
            detail = detail or f"not all of the call could be reported: {error}"
        return CallResult(end, answered_at, ended_at, detail, answered_by)


async def _converse(
    conversation: Conversation, participant: Participant, far_end: FarEnd
) -> tuple[CallEnd, str]:
    try:
        await conversation(participant)
    except HungUp:
        if far_end.left is None:
            return CallEnd.COMPLETED, ""
    if far_end.left is not None:
        return CallEnd.HUNG_UP, far_end.left
    return CallEnd.COMPLETED, ""
