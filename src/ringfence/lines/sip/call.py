"""A call on a SIP line: rung on the trunks in turn, and listened to."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from ringfence.errors import Unavailable
from ringfence.flows.participant import AnsweredBy, Participant
from ringfence.lines.holding import Unanswered
from ringfence.lines.journal import Journal
from ringfence.lines.line import CallEnd, CallEventKind, CallRequest, CallResult, Conversation
from ringfence.lines.listening.words import WordRecogniser
from ringfence.lines.sip.dialling import dial_of
from ringfence.lines.sip.handset import SipHandset
from ringfence.lines.sip.leg import Leg
from ringfence.lines.sip.messages import NO_ROOM, Accept, Ended
from ringfence.lines.sip.names import Names
from ringfence.lines.sip.pool import Pool, Slot
from ringfence.lines.sip.results import Outcome, outcome_of
from ringfence.lines.sip.settings import SipSettings, TrunkSettings
from ringfence.lines.sip.spoken import SpokenKeys
from ringfence.lines.sip.trunks import Trunks
from ringfence.lines.speech.synthesizer import Synthesizer
from ringfence.lines.talking import PutThrough

# In these another trunk may do better, as long as no telephone has rung.
_TRY_ANOTHER = frozenset({CallEnd.LINE_DOWN, CallEnd.UNAUTHORIZED})
_SILENT_SECONDS = 4.0  # without a word of a trunk, when there is another one
_LISTEN_SECONDS = 40.0  # at most, for who picked up: a machine is heard out to its beep
_ACCEPT_SECONDS = 10.0
_TALK_SECONDS = 4.0  # at most, of a greeting
_DIED = "the telephone process died"


@dataclass(frozen=True, slots=True)
class Means:
    """What the calls of a line work with."""

    settings: SipSettings
    pool: Pool
    trunks: Trunks
    names: Names
    synthesizer: Synthesizer
    put_through: PutThrough
    words: WordRecogniser | None = None


class _NoRoom(Exception):
    """No process holds a further call."""


class SipCall:
    """A call from its ringing to its end: a `FarEnd`, placed or come in."""

    def __init__(
        self,
        means: Means,
        request: CallRequest,
        leg: Leg | None = None,
        *,
        beside: Slot | None = None,
    ) -> None:
        """`leg` is that of a call that came in, which `ring` answers. One that is placed goes
        `beside` another if that one's child has room, so that both hear each other there."""
        self._means = means
        self._beside = beside
        self._request = request
        self._incoming = leg is not None
        self.leg = leg
        self._handset: SipHandset | None = None
        self._journal: Journal | None = None

    async def ring(self, journal: Journal) -> SipHandset | Unanswered:
        """See `FarEnd.ring`."""
        self._journal = journal
        if self.leg is not None:
            return await self._accepted(self.leg, journal)
        trunks = self._means.trunks.order(self._request.to_number)
        if not trunks:
            return Unanswered(CallEnd.LINE_DOWN, self._why_no_trunk())

        try:
            reached = await self._reach(trunks, journal)
        except _NoRoom:
            problem = self._means.pool.problem or "all channels of this line are taken"
            return Unanswered(CallEnd.LINE_DOWN, problem)
        if isinstance(reached, Outcome):
            return Unanswered(reached.end, reached.detail)
        self.leg = reached
        return self._answered(reached, journal)

    async def _accepted(self, leg: Leg, journal: Journal) -> SipHandset | Unanswered:
        leg.tell(Accept(leg.name))
        await leg.changes.until(lambda: leg.answered is not None or leg.over, _ACCEPT_SECONDS)
        if leg.answered is None:
            return Unanswered(CallEnd.FAILED, "the caller was gone before the answer")
        return self._answered(leg, journal)

    @property
    def left(self) -> str | None:
        """See `FarEnd.left`."""
        return None if self._handset is None else self._handset.left_how

    def release(self, end: CallEnd | None) -> None:
        """See `FarEnd.release`."""
        if self._handset is not None:
            self._handset.finish()
        if self.leg is not None:
            self.leg.hang_up()

    def politely(self, conversation: Conversation) -> Conversation:
        """`conversation`, begun when who picked up is known, or has ended their greeting."""

        async def listen_first(participant: Participant) -> None:
            await self._listen()
            await conversation(participant)

        return listen_first

    async def finished(self, result: CallResult) -> CallResult:
        """The result with what the child tells last: the recording."""
        leg = self.leg
        if leg is None or leg.slot is None:
            return result
        await leg.until_over()
        if result.end is CallEnd.HUNG_UP and leg.gone:
            result = replace(result, end=CallEnd.FAILED, detail=_DIED)
        return replace(result, recording=leg.recording)

    async def _listen(self) -> None:
        leg, handset = self.leg, self._handset
        assert leg is not None
        assert handset is not None
        if self._request.detect_machine:
            await leg.changes.until(
                lambda: leg.answered_by is not None or leg.over, _LISTEN_SECONDS
            )
            handset.picked_up_by(leg.answered_by or AnsweredBy.UNKNOWN)
        elif self._means.settings.courtesy_seconds > 0 and not self._incoming:
            longest = self._means.settings.courtesy_seconds + _TALK_SECONDS
            await leg.changes.until(lambda: leg.greeted or leg.over, longest)
        handset.check()

    def _answered(self, leg: Leg, journal: Journal) -> SipHandset:
        assert leg.slot is not None
        self._handset = leg.handset = SipHandset(
            leg.slot,
            leg.tell,
            journal,
            self._means.synthesizer,
            AnsweredBy.UNKNOWN,
            self._means.put_through,
            wideband=self._means.settings.wideband,
        )
        recogniser = self._means.words
        if recogniser is not None and self._request.language.lower().startswith("en"):
            handset = leg.handset
            handset.spoken = SpokenKeys(handset.rate, recogniser.word, handset.changes.notify)
        if leg.over:
            leg.handset.left("hung up")
        return self._handset

    async def _reach(self, trunks: Sequence[TrunkSettings], journal: Journal) -> Leg | Outcome:
        """The first leg that is answered, of those on these trunks in turn; or why none is.

        Whatever ends the waiting hangs up. Raises `_NoRoom`.
        """
        outcome = Outcome(CallEnd.LINE_DOWN, "")
        for place, trunk in enumerate(trunks):
            try:
                routes = await self._means.names.routes(trunk)
            except Unavailable as error:
                outcome = Outcome(CallEnd.LINE_DOWN, str(error))
                routes = []
            for number, route in enumerate(routes, start=1):
                last = place + 1 == len(trunks) and number == len(routes)
                leg = await self._dialled(trunk, route, journal, None if last else _SILENT_SECONDS)
                if leg.answered is not None:
                    return leg
                if leg.silent:
                    leg.hang_up()
                outcome = _outcome(leg)
                if outcome.end not in _TRY_ANOTHER or leg.rang:
                    return outcome
                self._means.names.failed(route)
                if outcome.end is not CallEnd.LINE_DOWN:
                    break
            self._means.trunks.failed(trunk.name)
        return outcome

    async def _dialled(
        self, trunk: TrunkSettings, route: str, journal: Journal, patience: float | None
    ) -> Leg:
        """A leg on this trunk, once it is answered, over, or `silent` for longer than that."""
        while True:
            leg = Leg(self._name(), self._means.pool, partial(self._ended_on, trunk))
            slot = leg.slot = await self._room(leg)
            if slot is None:
                raise _NoRoom
            self._means.trunks.began(trunk.name)
            leg.tell(dial_of(leg.name, self._request, trunk, self._means.settings, route))
            try:
                await leg.ringing(lambda: journal.note(CallEventKind.RINGING), patience)
            except BaseException:
                leg.hang_up()
                raise
            if leg.ended is None or leg.ended.reason != NO_ROOM:
                return leg
            self._means.pool.full(slot.child)

    async def _room(self, leg: Leg) -> Slot | None:
        pool = self._means.pool
        slot = pool.take_beside(self._beside, leg.name, leg) if self._beside is not None else None
        return slot or await pool.take(leg.name, leg)

    def _ended_on(self, trunk: TrunkSettings) -> None:
        self._means.trunks.ended(trunk.name)

    def _why_no_trunk(self) -> str:
        if self._means.trunks.serves(self._request.to_number):
            return "every trunk that may call this number has as many calls as it takes"
        return "no trunk of this line may call this number"

    def _name(self) -> str:
        return f"{self._request.call_id[:80]}-{secrets.token_hex(4)}"


def _outcome(leg: Leg) -> Outcome:
    if leg.gone:
        return Outcome(CallEnd.FAILED, _DIED)
    ended = leg.ended or Ended(call=leg.name, status=0)
    return outcome_of(ended, rang=leg.rang)
