"""Proving a SIP line: names, registration, answers, and a call with its sound and keys."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from ringfence.errors import Unavailable
from ringfence.lines.foretelling import foretold
from ringfence.lines.holding import hold
from ringfence.lines.line import CallRequest
from ringfence.lines.proving import TEST_PROMPT, Step, TestTalk
from ringfence.lines.sip.call import SipCall
from ringfence.lines.sip.leg import Leg
from ringfence.lines.sip.names import is_looked_up
from ringfence.lines.sip.settings import TrunkSettings, host_and_port
from ringfence.lines.sip.trunks import TrunkState

if TYPE_CHECKING:
    from ringfence.lines.sip.line import SipLine

_KNOWN_SECONDS = 10.0  # for a registration or an OPTIONS to be answered
_BAD_LOSS = 0.03
_BAD_JITTER_MS = 60.0


async def prove(line: SipLine, request: CallRequest) -> AsyncIterator[Step]:
    """See `ringfence.lines.proving.prove`."""
    state = line.state()
    yield Step(
        "PJSIP", True, f"{state.version}, {len(state.processes)} processes, {_tls(state.tls)}"
    )
    for trunk in line.settings.trunks:
        yield await _named(line, trunk)
        found = await _known(line, trunk)
        if trunk.register:
            yield _registration(found)
        if trunk.keep_alive_seconds:
            yield _answers(found)
    call, talk = SipCall(line.means, request), TestTalk()
    async with line.means.synthesizer.preparing(foretold(TEST_PROMPT), line.rate):
        result = await call.finished(await hold(request, call, talk.talk, talk.report))
    for step in talk.steps(result):
        yield step
    if result.end.answered and call.leg is not None:
        for step in sound_steps(call.leg):
            yield step


def sound_steps(leg: Leg) -> list[Step]:
    """What the sound of a call that is over shows."""
    steps = []
    if leg.answered is not None:
        secure = "encrypted" if leg.answered.secure else "not encrypted"
        steps.append(Step("codec", True, f"{leg.answered.codec}, {secure}"))
    ended = leg.ended
    if ended is None:
        return steps
    if ended.received_packets == 0:
        text = (
            "no sound came from the far end: a firewall or NAT does not let RTP through; set "
            "public_host and rtp_ports, and open these ports for UDP"
        )
        return [*steps, Step("sound", False, text)]
    lost = ended.lost_packets / (ended.lost_packets + ended.received_packets)
    text = (
        f"{ended.received_packets} packets came, {lost:.1%} were lost, "
        f"jitter {ended.jitter_ms:.0f} ms"
    )
    good = lost <= _BAD_LOSS and ended.jitter_ms <= _BAD_JITTER_MS
    advice = "" if good else "; the network to the trunk is not good enough for calls"
    return [*steps, Step("sound", good, text + advice)]


async def _named(line: SipLine, trunk: TrunkSettings) -> Step:
    name = f"trunk {trunk.name}"
    host, port = host_and_port(trunk.host)
    if is_looked_up(trunk):
        try:
            places = ", ".join(await line.means.names.places(trunk))
        except Unavailable as error:
            return Step(name, False, str(error))
        return Step(name, True, f"{trunk.host} is {places}, over {trunk.transport.upper()}")
    if line.settings.nameservers:
        return Step(name, None, f"{trunk.host}, looked up by the nameservers of the line")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host, port or 5060, type=socket.SOCK_DGRAM
        )
    except OSError as error:
        return Step(name, False, f"the name {host} cannot be looked up: {error.strerror or error}")
    addresses = ", ".join(sorted({str(entry[4][0]) for entry in found}))
    return Step(name, True, f"{trunk.host} is {addresses}, over {trunk.transport.upper()}")


async def _known(line: SipLine, trunk: TrunkSettings) -> TrunkState:
    loop = asyncio.get_running_loop()
    until = loop.time() + _KNOWN_SECONDS
    while True:
        state = next(each for each in line.state().trunks if each.name == trunk.name)
        expected = trunk.register or trunk.keep_alive_seconds > 0
        if state.up is not None or not expected or loop.time() > until:
            return state
        await asyncio.sleep(0.1)


def _registration(state: TrunkState) -> Step:
    if state.registered:
        return Step("registration", True, "registered")
    if state.registered is None:
        return Step("registration", False, "the registrar does not answer: look at host and port")
    hint = " (user name or password)" if "401" in state.detail or "403" in state.detail else ""
    return Step("registration", False, f"{state.detail}{hint}")


def _answers(state: TrunkState) -> Step:
    if state.up:
        return Step("answers", True, f"the trunk answers since {state.since:%H:%M:%S} UTC")
    if state.up is None:
        return Step("answers", None, "the trunk has not answered an OPTIONS yet")
    return Step("answers", False, state.detail)


def _tls(tls: str) -> str:
    return f"TLS by {tls}" if tls else "without TLS"
