"""Holding a call from dialling to its end: the same for every line that carries the media."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from ringfence.flows.participant import HungUp, Participant
from ringfence.lines.incoming import Reception
from ringfence.lines.journal import Journal, utc_now
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
    return await _held(far_end, conversation, report, request.to_number)


async def attend(
    reception: Reception,
    far_end: FarEnd,
    ended: Callable[[CallResult], Awaitable[CallResult]],
) -> CallResult:
    """The whole of a call that came in; `ended` may add to its result.

    `Reception.over` is awaited whatever happens, also when this is cancelled, which hangs up.
    """
    try:
        result = await ended(await _held(far_end, reception.conversation, reception.report, None))
    except asyncio.CancelledError:
        result = CallResult(CallEnd.FAILED, None, utc_now(), "the line was closed")
        await asyncio.shield(asyncio.ensure_future(_over(reception, result)))
        raise
    await reception.over(result)
    return result


async def _over(reception: Reception, result: CallResult) -> None:
    await reception.over(result)


async def _held(
    far_end: FarEnd, conversation: Conversation, report: Report, dialled: str | None
) -> CallResult:
    async with Journal(report) as journal:
        if dialled is not None:
            journal.note(CallEventKind.DIALLED, dialled)
        answered_at = None
        participant: Participant | None = None
        try:
            answer = await far_end.ring(journal)
            if isinstance(answer, Unanswered):
                end, detail = answer.end, answer.detail
            else:
                answered_at = journal.note(CallEventKind.ANSWERED)
                participant = answer
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
        # Last, for a line may listen for who picked up after the answer.
        answered_by = None if participant is None else participant.answered_by
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
