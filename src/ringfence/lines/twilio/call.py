"""The far end of a call at Twilio: one that we place, or one that comes in.

A call is asked for once. Where the answer to that is lost, whatever Twilio calls us back about at
the call's own address says that it was placed; failing that its list of calls does. What cannot be
found is given up as a call that is hung up, should anybody ever answer it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from ringfence.flows.participant import AnsweredBy
from ringfence.lines.holding import Unanswered
from ringfence.lines.journal import Journal
from ringfence.lines.line import CallEnd, CallEventKind, CallRequest
from ringfence.lines.speech.synthesizer import Synthesizer
from ringfence.lines.twilio.api import Refused, TwilioApi, Uncertain, Unreachable
from ringfence.lines.twilio.handset import TwilioHandset
from ringfence.lines.twilio.leg import Leg
from ringfence.lines.twilio.results import (
    COMPLETED,
    RANKS,
    RINGING,
    answered_by,
    refused,
    unanswered,
)

_TRIES = 4  # to place a call, of which Twilio says that it has too many
_LONGEST_WAIT_SECONDS = 10.0
_SLOWEST_SECONDS = 90.0  # beyond the time to ring: Twilio's own queue, and a machine's greeting
_LOST_SECONDS = 60.0
_NO_SUCH_CALL = 20404
_EVENTS = ("initiated", "ringing", "answered", "completed")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Terms:
    """How the calls of a line are held. `machine_detection` is what Twilio is asked for, `Enable`
    or `DetectMessageEnd`; its time limit is Twilio's own without `machine_seconds`."""

    synthesizer: Synthesizer
    rendered: bool = True
    machine_detection: str = "Enable"
    machine_seconds: int | None = None
    poll_seconds: float = 5.0


class CallAtTwilio:
    """What both have in common: a leg that is watched, and let go."""

    def __init__(self, leg: Leg, api: TwilioApi, terms: Terms, let_go: Callable[[Leg], None]):
        self._leg = leg
        self._api = api
        self._terms = terms
        self._let_go = let_go
        self._handset: TwilioHandset | None = None
        self._watching: asyncio.Task[None] | None = None

    @property
    def left(self) -> str | None:
        """See `FarEnd.left`."""
        return None if self._handset is None else self._handset.left_how

    def release(self, end: CallEnd | None) -> None:
        """See `FarEnd.release`."""
        if self._watching is not None:
            self._watching.cancel()
        if self._handset is not None:
            self._handset.finish()
        self._let_go(self._leg)

    def _watch(self) -> None:
        self._watching = asyncio.create_task(self._poll())

    def _answered(self, journal: Journal, who: AnsweredBy) -> TwilioHandset:
        self._handset = TwilioHandset(
            journal,
            self._terms.synthesizer,
            who,
            self._leg,
            self._api,
            rendered=self._terms.rendered,
            on_hang_up=lambda: self._let_go(self._leg),
        )
        return self._handset

    async def _poll(self) -> None:
        """Ask what becomes of the call whenever Twilio has not told for a while."""
        leg, loop = self._leg, asyncio.get_running_loop()
        good_at = loop.time()
        while not leg.over:
            await asyncio.sleep(self._terms.poll_seconds)
            if loop.time() - leg.heard_at < self._terms.poll_seconds:
                good_at = loop.time()
                continue
            try:
                leg.note(await self._api.look(leg.sid))
                good_at = loop.time()
            except (Refused, Unreachable, Uncertain) as error:
                gone = isinstance(error, Refused) and error.code == _NO_SUCH_CALL
                if gone or loop.time() - good_at > _LOST_SECONDS:
                    _log.warning("a call at Twilio was lost sight of", error=str(error))
                    leg.lose()


class IncomingAtTwilio(CallAtTwilio):
    """A call that came in: a `FarEnd` that is there already."""

    async def ring(self, journal: Journal) -> TwilioHandset:
        """See `FarEnd.ring`."""
        self._watch()
        return self._answered(journal, AnsweredBy.HUMAN)


class OutgoingAtTwilio(CallAtTwilio):
    """A call that we place: a `FarEnd`."""

    def __init__(
        self,
        request: CallRequest,
        leg: Leg,
        api: TwilioApi,
        terms: Terms,
        let_go: Callable[[Leg], None],
        *,
        taken: Callable[[], frozenset[str]],
    ):
        """`taken` are the calls at Twilio that are known to be others."""
        super().__init__(leg, api, terms, let_go)
        self._request = request
        self._taken = taken

    async def ring(self, journal: Journal) -> TwilioHandset | Unanswered:
        """See `FarEnd.ring`."""
        leg = self._leg
        # Not to be cut off, or a call might be placed that nobody can hang up.
        leg.placing = asyncio.create_task(self._place())
        refusal = await asyncio.shield(leg.placing)
        if refusal is not None:
            return refusal
        self._watch()
        most = self._request.ring_timeout_seconds + _SLOWEST_SECONDS
        deadline = asyncio.get_running_loop().time() + most
        rings = False
        while not (leg.asking or leg.over):
            if not rings and RANKS.get(leg.status, 0) >= RANKS[RINGING]:
                rings = True
                journal.note(CallEventKind.RINGING)
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                return Unanswered(
                    CallEnd.FAILED, f"Twilio said nothing of the call for {most:.0f} s"
                )
            status = leg.status
            await leg.changes.until(self._moved(status), left)
        if leg.asking:
            if not rings:
                journal.note(CallEventKind.RINGING)
            return self._answered(journal, answered_by(leg.first))
        if leg.ended is None:
            return Unanswered(CallEnd.LINE_DOWN, "Twilio cannot be asked what became of the call")
        if leg.ended.get("CallStatus") != COMPLETED:
            return unanswered(leg.ended)
        if leg.called_back:
            return Unanswered(CallEnd.HUNG_UP, "hung up before anything could be said")
        return Unanswered(
            CallEnd.FAILED, "it was answered, but Twilio could not reach us: is public_url right?"
        )

    def _moved(self, status: str) -> Callable[[], bool]:
        leg = self._leg
        return lambda: leg.asking or leg.over or leg.status != status

    async def _place(self) -> Unanswered | None:
        leg = self._leg
        since = datetime.now(UTC)
        for attempt in range(1, _TRIES + 1):
            try:
                leg.sid = await self._api.place(self._form())
                return None
            except Refused as error:
                wait = 2.0 ** (attempt - 1) if error.retry_seconds is None else error.retry_seconds
                too_many = error.status == 429 or error.code == 20429
                if too_many and attempt < _TRIES and wait <= _LONGEST_WAIT_SECONDS:
                    await leg.changes.until(lambda: leg.closed, wait)
                    if not leg.closed:
                        continue
                return refused(error.status, error.code, error.message)
            except Unreachable as error:
                return Unanswered(CallEnd.LINE_DOWN, f"Twilio cannot be reached: {error}")
            except Uncertain as error:
                return await self._find(since, str(error))
        raise AssertionError  # the last try returns

    async def _find(self, since: datetime, why: str) -> Unanswered | None:
        """Whether a call that was asked for since a time was placed."""
        leg = self._leg
        if await leg.changes.until(lambda: bool(leg.sid), 2 * self._terms.poll_seconds):
            return None
        try:
            found = await self._api.find(self._request.to_number, self._request.from_number, since)
        except (Refused, Unreachable, Uncertain) as error:
            return Unanswered(
                CallEnd.FAILED, f"it is not known whether the call was placed: {why}; {error}"
            )
        if leg.sid:
            return None
        ours = [call for call in found if call.sid not in self._taken()]
        if not ours:
            return Unanswered(CallEnd.LINE_DOWN, f"Twilio did not place the call: {why}")
        if len(ours) > 1:
            return Unanswered(CallEnd.FAILED, "it is not known which of several calls is this one")
        leg.sid = ours[0].sid
        return None

    def _form(self) -> list[tuple[str, str]]:
        request = self._request
        seconds = max(5, min(600, round(request.ring_timeout_seconds)))
        form = [
            ("To", request.to_number),
            ("From", request.from_number),
            ("Url", self._leg.next_turn),
            ("Method", "POST"),
            ("StatusCallback", self._leg.status_address),
            ("StatusCallbackMethod", "POST"),
            *(("StatusCallbackEvent", event) for event in _EVENTS),
            ("Timeout", str(seconds)),
        ]
        if request.detect_machine:
            form.append(("MachineDetection", self._terms.machine_detection))
            if self._terms.machine_seconds is not None:
                form.append(("MachineDetectionTimeout", str(self._terms.machine_seconds)))
        return form


async def end(leg: Leg, api: TwilioApi) -> None:
    """Hang up at Twilio, as soon as it is known what is to be hung up."""
    if leg.placing is not None:
        with suppress(Exception):
            await asyncio.shield(leg.placing)
    for attempt in range(_TRIES):
        if not leg.sid or leg.over:
            return
        try:
            await api.end(leg.sid)
            return
        except Refused as error:
            if error.status != 429:
                return  # it is over
        except (Unreachable, Uncertain) as error:
            _log.warning("a call at Twilio could not be hung up", error=str(error))
        await asyncio.sleep(2.0**attempt / 2)
