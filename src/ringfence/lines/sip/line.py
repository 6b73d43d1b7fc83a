"""The SIP line: calls over telephone trunks, in both directions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial

import msgspec
import structlog

from ringfence.errors import Unavailable
from ringfence.lines.dialled import Dialled
from ringfence.lines.holding import Refusal, attend, hold
from ringfence.lines.incoming import Declined, IncomingCall, Receive
from ringfence.lines.line import (
    CallEnd,
    CallRequest,
    CallResult,
    Conversation,
    Limits,
    Report,
)
from ringfence.lines.listening.words import WordRecogniser
from ringfence.lines.proving import Step
from ringfence.lines.sip.call import Means, SipCall
from ringfence.lines.sip.dialling import country_of, number_of_uri, trunk_setup
from ringfence.lines.sip.handset import SipHandset
from ringfence.lines.sip.leg import Leg
from ringfence.lines.sip.messages import (
    Alive,
    Decline,
    Offered,
    Ready,
    Registered,
    Setup,
)
from ringfence.lines.sip.names import Names
from ringfence.lines.sip.pool import Child, Pool
from ringfence.lines.sip.proving import prove
from ringfence.lines.sip.settings import SipSettings
from ringfence.lines.sip.trunks import Trunks, TrunkState
from ringfence.lines.speech.synthesizer import TELEPHONE_RATE, WIDEBAND_RATE, Synthesizer
from ringfence.lines.switch import Switch
from ringfence.lines.talking import TalkingHandset

_STATUSES = {CallEnd.BUSY: 486, CallEnd.REJECTED: 603, CallEnd.UNREACHABLE: 404}
_SPARE_SECONDS = 2.0  # of calls at the line's rate, that are placed without waiting for a process
_log = structlog.get_logger(__name__)


class SipState(msgspec.Struct, frozen=True, kw_only=True):
    """A SIP line as an operator sees it. `processes` are (process id, calls, most calls)."""

    version: str
    tls: str
    calls: int
    processes: list[tuple[int, int, int]]
    trunks: list[TrunkState]
    problem: str


class SipLine:
    """A `Line` over a pool of PJSIP processes. Started and stopped on one event loop."""

    drains = True  # its talks go on while a server stops

    def __init__(
        self,
        name: str,
        settings: SipSettings,
        synthesizer: Synthesizer,
        switch: Switch | None = None,
    ) -> None:
        """Callers are put through by `switch`; without one, over this line alone.

        Raises `InvalidInput` for secrets that cannot be read.
        """
        self.name = name
        self.settings = settings
        self.numbers: frozenset[str] | None = frozenset(settings.numbers) or None
        self.limits = Limits(settings.calls_at_once, settings.calls_per_second)
        self._synthesizer = synthesizer
        self.rate = WIDEBAND_RATE if settings.wideband else TELEPHONE_RATE
        self._trunks = Trunks(settings.trunks, time.monotonic)
        self._names = Names(settings, time.monotonic)
        self._receive: Receive | None = None
        self._dialled = Dialled()
        self._coming: set[asyncio.Task[None]] = set()
        spare = settings.spare_calls
        if spare is None:
            spare = max(4, round(settings.calls_per_second * _SPARE_SECONDS))
        self._pool = Pool(
            _setup(settings, self.rate),
            calls_at_once=settings.calls_at_once,
            spare_calls=spare,
            offered=self._offered,
            told=self._told,
            check=self._check,
        )
        self._words = WordRecogniser() if settings.words else None
        self._switch = switch or Switch()
        put_through = partial(self._switch.put_through, self)
        self.means = Means(
            settings, self._pool, self._trunks, self._names, synthesizer, put_through, self._words
        )

    async def start(self) -> None:
        """Start the processes. Raises `Unavailable` when they cannot work."""
        await self._pool.start()
        self._switch.lines.append(self)

    async def stop(self) -> None:
        """Hang up, unregister, and end the processes."""
        if self in self._switch.lines:
            self._switch.lines.remove(self)
        for task in list(self._coming):
            task.cancel()
        await asyncio.gather(*self._coming, return_exceptions=True)
        await self._pool.stop()
        if self._words is not None:
            self._words.close()

    async def call(
        self, request: CallRequest, conversation: Conversation, report: Report
    ) -> CallResult:
        """See `Line.call`. A `call_id` that was dialled before fails at once."""
        if not self._dialled.add(request.call_id):
            refusal = Refusal(CallEnd.FAILED, f"{request.call_id} was dialled before")
            return await hold(request, refusal, conversation, report)
        call = SipCall(self.means, request)
        async with self._synthesizer.preparing(request.foretell, self.rate):
            result = await hold(request, call, call.politely(conversation), report)
        return await call.finished(result)

    def reaches(self, number: str) -> bool:
        """See `Way.reaches`."""
        return self._trunks.serves(number)

    def telephone(self, request: CallRequest, near: TalkingHandset) -> SipCall:
        """See `Way.telephone`. The other telephone sees a number that this line owns."""
        ours = self.settings.numbers
        if ours and request.from_number not in ours:
            request = replace(request, from_number=ours[0])
        beside = near.slot if isinstance(near, SipHandset) else None
        return SipCall(self.means, request, beside=beside)

    def receive(self, receive: Receive) -> None:
        """See `TakesCalls.receive`."""
        self._receive = receive

    def prove(self, request: CallRequest) -> AsyncIterator[Step]:
        """See `Provable.prove`."""
        return prove(self, request)

    def state(self) -> SipState:
        """How the line stands."""
        ready = self._pool.ready
        return SipState(
            version=ready.version if ready else "",
            tls=ready.tls if ready else "",
            calls=self._pool.calls,
            processes=self._pool.processes,
            trunks=self._trunks.states(),
            problem=self._pool.problem,
        )

    def _told(self, message: Registered | Alive | None) -> None:
        match message:
            case Registered():
                self._trunks.registered(message)
            case Alive():
                self._trunks.alive(message)
            case None:
                self._trunks.forget()

    def _check(self, ready: Ready) -> None:
        encrypted = [trunk.name for trunk in self.settings.trunks if trunk.transport == "tls"]
        if not encrypted or self.settings.accept_old_tls:
            return
        if not ready.tls:
            raise Unavailable("this build of PJSIP has no TLS", field=f"lines.{self.name}.trunks")
        if is_past_its_end(ready.tls):
            raise Unavailable(
                f"trunk {encrypted[0]} is to be called over TLS, and this build of PJSIP brings "
                f"{ready.tls}, which gets no security fixes any more",
                field=f"lines.{self.name}.accept_old_tls",
                expected="a build of pjsua2 with OpenSSL 3, or true for who takes the risk",
            )

    def _offered(self, child: Child, offered: Offered) -> None:
        leg = Leg(offered.call, self._pool)
        leg.slot = self._pool.hold(child, offered.call, leg)
        task = asyncio.get_running_loop().create_task(self._attend(leg, offered))
        self._coming.add(task)
        task.add_done_callback(self._coming.discard)

    async def _attend(self, leg: Leg, offered: Offered) -> None:
        call = self._incoming(offered)
        try:
            answer = (
                Declined(CallEnd.UNREACHABLE)
                if self._receive is None
                else await self._receive(call)
            )
        except Exception as error:
            _log.error("a call that came in could not be taken", line=self.name, exc_info=error)
            leg.tell(Decline(leg.name, 500))
            return
        if isinstance(answer, Declined):
            leg.tell(Decline(leg.name, _STATUSES.get(answer.end, 480)))
            return
        request = CallRequest(
            call_id=answer.call_id,
            to_number=call.from_number,
            from_number=call.to_number,
            language=answer.language,
        )
        far_end = SipCall(self.means, request, leg)
        async with self._synthesizer.preparing(answer.foretell, self.rate):
            await attend(answer, far_end, far_end.finished)

    def _incoming(self, offered: Offered) -> IncomingCall:
        ours = self.numbers or frozenset()
        country = country_of(ours)
        trunk = next((t for t in self.settings.trunks if t.name == offered.trunk), None)
        trusted = trunk is not None and trunk.trust_identity
        asserted = number_of_uri(offered.asserted_identity, frozenset(), country)
        shown = number_of_uri(offered.from_uri, frozenset(), country)
        return IncomingCall(
            line=self.name,
            line_call_id=offered.sip_call_id,
            from_number=(asserted or shown) if trusted else shown,
            to_number=number_of_uri(offered.to_uri, ours, country),
            verified=trusted and offered.identity_verified,
        )


def is_past_its_end(tls: str) -> bool:
    """Whether an OpenSSL (such as `OpenSSL 1.0.2k-fips`) gets no fixes any more: all before 3."""
    words = tls.split()
    version = words[1] if len(words) > 1 and words[0] == "OpenSSL" else ""
    return bool(version) and int(version.partition(".")[0] or 0) < 3


def _setup(settings: SipSettings, rate: int) -> Setup:
    low, high = settings.rtp_ports or (0, 0)
    return Setup(
        trunks=tuple(trunk_setup(trunk) for trunk in settings.trunks),
        calls=settings.calls_at_once,
        bind_host=settings.bind_host,
        port=settings.port,
        public_host=settings.public_host,
        rtp_port=low,
        rtp_port_range=high - low,
        rate=rate,
        nameservers=settings.nameservers,
        stun_servers=settings.stun_servers,
        tls_ca_file=settings.tls_ca_file,
        tls_certificate_file=settings.tls_certificate_file,
        tls_key_file=settings.tls_key_file,
        tls_verify=settings.tls_verify,
        takes_calls=settings.takes_calls,
        jitter_ms=settings.jitter_ms,
        nothing_heard_seconds=settings.nothing_heard_seconds,
        log_level=settings.log_level,
    )
