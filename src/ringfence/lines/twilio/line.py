"""The line: which calls there are at Twilio, and which of them a request is about."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Coroutine, Mapping
from contextlib import nullcontext
from typing import Any

import structlog

from ringfence.lines.callbacks import CallbackReply, CallbackRequest
from ringfence.lines.dialled import Dialled
from ringfence.lines.holding import Refusal, hold
from ringfence.lines.incoming import Declined, IncomingCall, Receive, Reception
from ringfence.lines.journal import utc_now
from ringfence.lines.line import (
    CallEnd,
    CallEvent,
    CallEventKind,
    CallRequest,
    CallResult,
    Conversation,
    Limits,
    Report,
)
from ringfence.lines.speech.synthesizer import TELEPHONE_RATE
from ringfence.lines.twilio import twiml
from ringfence.lines.twilio.api import TwilioApi
from ringfence.lines.twilio.call import IncomingAtTwilio, OutgoingAtTwilio, Terms, end
from ringfence.lines.twilio.leg import Leg
from ringfence.lines.twilio.requests import done, read_form, refusal, sound_reply, twiml_reply

_LINGER_SECONDS = 60.0  # in which a call that is over still answers what comes late
_CLOSING_SECONDS = 5.0
_CALL = re.compile(r"calls/(?P<token>[\w-]{1,64})/(?P<what>.+)")
_TURN = re.compile(r"turn/(?P<number>\d{1,5})(?:/(?P<again>\d{1,5}))?")
_SOUND = re.compile(r"sound/(?P<name>[\w-]{1,64})\.wav")
_PUT_THROUGH = "put-through"
_E164 = re.compile(r"\+[1-9]\d{6,14}")
# What Twilio writes for a number that is withheld: words on a telephone's keys.
_WITHHELD = frozenset({"+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253"})
_SIGNED = "TN-Validation-Passed-A"

_log = structlog.get_logger(__name__)


class TwilioLine:
    """A `Line` over one Twilio account, which `TakesCalls` and `TakesCallbacks`."""

    def __init__(
        self,
        name: str,
        api: TwilioApi,
        terms: Terms,
        *,
        auth_token: str,
        public_url: str,
        numbers: frozenset[str],
        limits: Limits,
    ) -> None:
        self.name = name
        self.numbers: frozenset[str] | None = numbers
        self.limits = limits
        self._api = api
        self._terms = terms
        self._auth_token = auth_token
        self._public_url = public_url.rstrip("/")
        self._receive: Receive | None = None
        self._legs: dict[str, Leg] = {}
        self._incoming: dict[str, Leg] = {}
        self._dialled = Dialled()
        self._calls: set[asyncio.Task[None]] = set()
        self._ending: set[asyncio.Task[None]] = set()

    async def call(
        self, request: CallRequest, conversation: Conversation, report: Report
    ) -> CallResult:
        """See `Line.call`. A `call_id` that was dialled before fails at once."""
        if not self._dialled.add(request.call_id):
            again = Refusal(CallEnd.FAILED, f"{request.call_id} was dialled before")
            return await hold(request, again, conversation, report)
        leg = self._new_leg()
        far_end = OutgoingAtTwilio(
            request,
            leg,
            self._api,
            self._terms,
            self._let_go,
            taken=lambda: frozenset(other.sid for other in self._legs.values() if other.sid),
        )
        preparing = (
            self._terms.synthesizer.preparing(request.foretell, TELEPHONE_RATE)
            if self._terms.rendered
            else nullcontext()
        )
        async with preparing:
            return await hold(request, far_end, conversation, report)

    def receive(self, receive: Receive) -> None:
        """See `TakesCalls.receive`."""
        self._receive = receive

    async def called_back(self, request: CallbackRequest) -> CallbackReply:
        """See `TakesCallbacks.called_back`. Everything but sounds must be signed by Twilio."""
        about = _CALL.fullmatch(request.path)
        if about is not None and (sound := _SOUND.fullmatch(about["what"])):
            leg = self._legs.get(about["token"])
            wav = None if leg is None else leg.sound(sound["name"])
            return refusal(404, "there is no such sound") if wav is None else sound_reply(wav)
        form = read_form(request, self._auth_token, self._public_url)
        if isinstance(form, CallbackReply):
            return form
        sid = form.get("CallSid", "")
        if request.method != "POST" or not sid:
            return refusal(400, "expected a POST with the CallSid of a call")
        if request.path == "incoming":
            return await self._came_in(sid, form)
        if request.path == "status":
            return self._ended(sid, form)
        if about is None:
            return refusal(404, "there is nothing here")
        return await self._asked(about["token"], about["what"], sid, form)

    async def close(self) -> None:
        """Hang up every call that came in, see the others hung up, and let go of Twilio. What
        Twilio does not take in a few seconds is given up."""
        for task in self._calls:
            task.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)
        if self._ending:
            _, late = await asyncio.wait(self._ending, timeout=_CLOSING_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._api.close()

    async def _asked(
        self, token: str, what: str, sid: str, form: Mapping[str, str]
    ) -> CallbackReply:
        leg, turn = self._legs.get(token), _TURN.fullmatch(what)
        if what == _PUT_THROUGH:
            # Told of the other telephone, whose call is one of its own.
            sid = form.get("ParentCallSid", "")
        if leg is None and turn:
            # From before a restart: whoever is on the telephone is told something.
            _log.warning("Twilio asks about a call that is not known any more", call=sid)
            return twiml_reply(twiml.apology())
        if leg is None or not leg.adopt(sid):
            return refusal(404, "there is no such call")
        if turn:
            document = await leg.turn(int(turn["number"]), turn["again"] or "", form)
            if document is None:
                return refusal(404, "that turn has not come yet")
            return twiml_reply(document)
        if what == "status":
            leg.note(form)
            return done()
        if what == _PUT_THROUGH:
            leg.answered_elsewhere()
            return done()
        return refusal(404, "there is nothing here")

    async def _came_in(self, sid: str, form: Mapping[str, str]) -> CallbackReply:
        leg = self._incoming.get(sid)
        if leg is None:
            if self._receive is None:
                return twiml_reply(twiml.document(twiml.reject(busy=False)))
            leg = self._incoming[sid] = self._new_leg(sid)
            self._spawn(self._calls, self._take(leg, self._receive, form))
        leg.adopt(sid)
        document = await leg.turn(0, "", form)
        assert document is not None
        return twiml_reply(document)

    def _ended(self, sid: str, form: Mapping[str, str]) -> CallbackReply:
        """The status call-back of a number, which tells of calls that came in."""
        leg = self._incoming.get(sid)
        if leg is None:
            return refusal(404, "there is no such call")
        leg.adopt(sid)
        leg.note(form)
        return done()

    async def _take(self, leg: Leg, receive: Receive, form: Mapping[str, str]) -> None:
        caller, number = form.get("From", ""), form.get("To", "")
        known = _E164.fullmatch(caller) is not None and caller not in _WITHHELD
        call = IncomingCall(
            line=self.name,
            line_call_id=leg.sid,
            from_number=caller if known else "",
            to_number=number,
            verified=known and form.get("StirVerstat") == _SIGNED,
        )
        try:
            answer = await receive(call)
        except Exception as error:
            _log.error("a call that came in could not be taken", exc_info=error)
            answer = Declined(CallEnd.BUSY)
        await leg.changes.until(lambda: leg.asking)
        if isinstance(answer, Declined):
            leg.serve(twiml.reject(busy=answer.end is CallEnd.BUSY))
            self._let_go(leg)
            return
        await self._hold(leg, answer, call)

    async def _hold(self, leg: Leg, reception: Reception, call: IncomingCall) -> None:
        async def report(event: CallEvent) -> None:
            if event.kind is not CallEventKind.DIALLED:  # not by us
                await reception.report(event)

        request = CallRequest(
            reception.call_id, call.to_number, call.from_number, language=reception.language
        )
        far_end = IncomingAtTwilio(leg, self._api, self._terms, self._let_go)
        try:
            result = await hold(request, far_end, reception.conversation, report)
        except asyncio.CancelledError:
            stopped = CallResult(CallEnd.FAILED, None, utc_now(), "the line was closed")
            await asyncio.shield(asyncio.ensure_future(reception.over(stopped)))
            raise
        await reception.over(result)

    def _new_leg(self, sid: str = "") -> Leg:
        token = secrets.token_urlsafe(16)
        leg = Leg(f"{self._public_url}/lines/{self.name}/calls/{token}", sid)
        self._legs[token] = leg
        return leg

    def _let_go(self, leg: Leg) -> None:
        """Hang up, and forget the call once nothing more can come of it. Harmless again."""
        if leg.closed:
            return
        waits = leg.close()
        if not waits and not leg.over and (leg.sid or leg.placing is not None):
            self._spawn(self._ending, end(leg, self._api))
        asyncio.get_running_loop().call_later(_LINGER_SECONDS, self._forget, leg)

    def _forget(self, leg: Leg) -> None:
        self._legs = {token: other for token, other in self._legs.items() if other is not leg}
        self._incoming = {sid: other for sid, other in self._incoming.items() if other is not leg}

    @staticmethod
    def _spawn(tasks: set[asyncio.Task[None]], work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)
