"""The switch between the lines of a server: puts a caller through to any telephone of theirs."""

from __future__ import annotations

import asyncio
import secrets
from typing import Protocol

from ringfence.flows.participant import Destination, NotConnected
from ringfence.lines.holding import Unanswered
from ringfence.lines.journal import Journal
from ringfence.lines.line import CallEnd, CallEvent, CallEventKind, CallRequest
from ringfence.lines.replies import KEYS
from ringfence.lines.talking import TalkingHandset

TONE_SECONDS = 0.25  # from one of the destination's keys to the next
COMMA_SECONDS = 1.0
_UNANSWERED = {
    CallEnd.NO_ANSWER: "nobody answered in time",
    CallEnd.REJECTED: "the call was declined",
}


class Telephone(Protocol):
    """A `FarEnd` that a caller is put through to."""

    async def ring(self, journal: Journal) -> TalkingHandset | Unanswered:
        """See `FarEnd.ring`."""
        ...

    def release(self, end: CallEnd | None) -> None:
        """See `FarEnd.release`."""
        ...


class Way(Protocol):
    """A line as the switch uses it."""

    def reaches(self, number: str) -> bool:
        """Whether a telephone of that number can be tried here."""
        ...

    def telephone(self, request: CallRequest, near: TalkingHandset) -> Telephone:
        """What rings for `near`."""
        ...


class Switch:
    """The ways to other telephones: `phones`, which are here, go before `lines` to the outside."""

    def __init__(self) -> None:
        self.phones: Way | None = None
        self.lines: list[Way] = []

    async def put_through(self, own: Way, near: TalkingHandset, destination: Destination) -> None:
        """See `Participant.connect`. `own` is the line of the near telephone.

        Returns once the far telephone is gone, or the near one is: its handset tells which.
        """
        way = self._way(own, destination.number)
        request = CallRequest(
            call_id=f"through-{secrets.token_hex(16)}",
            to_number=destination.number,
            from_number=destination.caller_number,
            caller_name=destination.caller_name,
            ring_timeout_seconds=destination.ring_seconds,
            language="",
        )
        telephone = way.telephone(request, near)
        far: TalkingHandset | None = None
        try:
            near.waits_for(destination.number)
            async with Journal(_nobody) as journal:
                far = await _answered(near, telephone, journal, destination.number)
                _join(near, far, destination)
                near.journal.note(CallEventKind.PUT_THROUGH, destination.number)
                await _send_keys(near, far, destination.digits)
                await _until_gone(near, far)
        finally:
            near.parts(far is not None)
            telephone.release(_end(far))
        near.check()
        near.journal.note(CallEventKind.TAKEN_BACK)
        await near.journal.settled()

    def _way(self, own: Way, number: str) -> Way:
        for way in (self.phones, own, *self.lines):
            if way is not None and way.reaches(number):
                return way
        raise NotConnected(f"no phone is open for {number}, and no trunk may call it")


async def _answered(
    near: TalkingHandset, telephone: Telephone, journal: Journal, number: str
) -> TalkingHandset:
    """The far telephone once somebody picks up. Raises `NotConnected`, and `HungUp`."""
    ringing = asyncio.ensure_future(telephone.ring(journal))
    leaving = asyncio.ensure_future(_gone(near))
    try:
        await asyncio.wait({ringing, leaving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (ringing, leaving):
            task.cancel()
        await asyncio.gather(ringing, leaving, return_exceptions=True)
    near.check()
    answer = ringing.result()
    if isinstance(answer, Unanswered):
        why = _UNANSWERED.get(answer.end) or answer.detail or answer.end.replace("_", " ")
        raise NotConnected(f"{number}: {why}", timed_out=answer.end is CallEnd.NO_ANSWER)
    return answer


def _join(near: TalkingHandset, far: TalkingHandset, destination: Destination) -> None:
    far.joins(near, destination.caller_number, destination.caller_name)
    near.joins(far, destination.number, "")
    if destination.answered is not None:
        destination.answered()


async def _send_keys(near: TalkingHandset, far: TalkingHandset, digits: str) -> None:
    for key in digits:
        if key in KEYS:
            far.other_pressed(key)
        await _until_gone(near, far, TONE_SECONDS if key in KEYS else COMMA_SECONDS)


async def _until_gone(
    near: TalkingHandset, far: TalkingHandset, seconds: float | None = None
) -> None:
    """Wait until either is gone, or so long."""
    leaving = [asyncio.ensure_future(_gone(side)) for side in (near, far)]
    try:
        await asyncio.wait(leaving, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in leaving:
            task.cancel()


async def _gone(handset: TalkingHandset) -> None:
    await handset.changes.until(lambda: handset.over)


def _end(far: TalkingHandset | None) -> CallEnd:
    if far is None:
        return CallEnd.NO_ANSWER
    return CallEnd.HUNG_UP if far.over else CallEnd.COMPLETED


async def _nobody(event: CallEvent) -> None:
    """What happens at the far telephone is on no record of its own."""
