"""A trunk in a child process: its account with PJSIP, its registration, and whether it answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pjsua2

from ringfence.lines.sip.child_callbacks import guarded
from ringfence.lines.sip.child_engine import CannotWork, Engine, of_family
from ringfence.lines.sip.messages import Alive, FromChild, Registered, Setup, TrunkSetup

_RETRY_SECONDS = 30  # of a registration that failed; the first after 5
_UNREGISTER_MILLISECONDS = 1000

_TIMERS = {
    "off": pjsua2.PJSUA_SIP_TIMER_INACTIVE,
    "supported": pjsua2.PJSUA_SIP_TIMER_OPTIONAL,
    "required": pjsua2.PJSUA_SIP_TIMER_REQUIRED,
}
_SRTP = {
    "off": pjsua2.PJMEDIA_SRTP_DISABLED,
    "optional": pjsua2.PJMEDIA_SRTP_OPTIONAL,
    "mandatory": pjsua2.PJMEDIA_SRTP_MANDATORY,
}


class Trunk(pjsua2.Account):  # type: ignore[misc]
    """One trunk. It tells how its registration stands, and what its far end says to OPTIONS."""

    def __init__(
        self,
        trunk: TrunkSetup,
        setup: Setup,
        engine: Engine,
        send: Callable[[FromChild], None],
        offered: Callable[[Trunk, Any], None],
    ) -> None:
        """`offered` is called with PJSIP's words of a call that comes in. Raises `CannotWork`."""
        super().__init__()
        self.setup = trunk
        self._send = send
        self._offered = offered
        self._asking = False
        self._leaving = False
        self.registered = False
        self._account = _account(trunk, setup, engine)
        self._route = ""
        self.registers = bool(self._account.regConfig.registrarUri)
        try:
            self.create(self._account)
        except pjsua2.Error as error:
            raise CannotWork(f"trunk {trunk.name}: {error.reason}") from None

    def ask(self) -> None:
        """Send an OPTIONS, unless one is under way; `Alive` tells of its answer."""
        if self._asking:
            return
        request = pjsua2.SendRequestParam()
        request.method = "OPTIONS"
        request.txOption.targetUri = self.setup.uri
        self._asking = True
        try:
            self.sendRequest(request)
        except pjsua2.Error as error:
            self._asking = False
            self._send(Alive(trunk=self.setup.name, status=503, reason=error.reason))

    def go_by(self, route: str) -> None:
        """Requests go there from now on; empty for the proxies of the trunk. Registers anew there.

        Raises `pjsua2.Error`.
        """
        if route == self._route:
            return
        self._route = route
        proxies = self._account.sipConfig.proxies
        proxies.clear()
        for proxy in (route,) if route else self.setup.outbound_proxies:
            proxies.append(proxy)
        self.modify(self._account)

    def unregister(self) -> None:
        """Take no more calls from the registrar."""
        if self.registered and not self._leaving:
            self._leaving = True
            self.setRegistration(False)

    @guarded(None)
    def onSendRequest(self, prm: Any) -> None:  # noqa: N802
        """PJSIP has the answer to an OPTIONS, or none."""
        self._asking = False
        transaction = prm.e.body.tsxState.tsx
        self._send(
            Alive(
                trunk=self.setup.name,
                status=transaction.statusCode,
                reason=transaction.statusText,
            )
        )

    @guarded(None)
    def onRegState(self, prm: Any) -> None:  # noqa: N802
        """PJSIP registered, refreshed, lost its registration, or was refused."""
        self.registered = active = prm.code // 100 == 2 and prm.expiration > 0
        self._send(
            Registered(
                trunk=self.setup.name,
                active=active,
                status=prm.code,
                reason=prm.reason,
                expires_seconds=prm.expiration if active else 0,
            )
        )

    @guarded(None)
    def onIncomingCall(self, prm: Any) -> None:  # noqa: N802
        """Somebody calls."""
        self._offered(self, prm)


def _account(trunk: TrunkSetup, setup: Setup, engine: Engine) -> Any:
    account = pjsua2.AccountConfig()
    account.idUri = trunk.id_uri
    registration = account.regConfig
    registration.registrarUri = trunk.registrar if setup.registers else ""
    registration.registerOnAdd = bool(registration.registrarUri)
    registration.timeoutSec = trunk.register_seconds
    registration.firstRetryIntervalSec = 5
    registration.retryIntervalSec = _RETRY_SECONDS
    registration.unregWaitMsec = _UNREGISTER_MILLISECONDS
    sip = account.sipConfig
    sip.transportId = engine.transport(trunk)
    family = pjsua2.PJSUA_IPV6_ENABLED_USE_IPV6_ONLY if trunk.ipv6 else pjsua2.PJSUA_IPV6_DISABLED
    sip.ipv6Use = account.mediaConfig.ipv6Use = family
    for proxy in trunk.outbound_proxies:
        sip.proxies.append(proxy)
    if trunk.username:
        sip.authCreds.append(
            pjsua2.AuthCredInfo("digest", trunk.realm, trunk.username, 0, trunk.password)
        )
    call = account.callConfig
    call.prackUse = pjsua2.PJSUA_100REL_OPTIONAL
    call.timerUse = _TIMERS[trunk.session_timer]
    call.timerSessExpiresSec = trunk.session_timer_seconds
    call.timerMinSESec = trunk.min_session_timer_seconds
    media = account.mediaConfig
    media.transportConfig.boundAddress = of_family(setup.bind_host, trunk.ipv6)
    media.transportConfig.publicAddress = of_family(setup.public_host, trunk.ipv6)
    media.transportConfig.port = engine.rtp_port
    media.transportConfig.portRange = setup.rtp_port_range
    media.lockCodecEnabled = False  # no second INVITE to settle what the first has offered
    media.srtpUse = _SRTP[trunk.srtp]
    media.srtpSecureSignaling = 1 if trunk.transport == "tls" else 0
    return account
