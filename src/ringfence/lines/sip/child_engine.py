"""PJSIP as a child process sets it up: without threads of Python, without a sound device."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from typing import Any

import pjsua2

from ringfence.lines.live_sound import LARGEST_FRAME, LIVE_RATE
from ringfence.lines.sip.child_callbacks import guarded
from ringfence.lines.sip.child_feed import Feed
from ringfence.lines.sip.child_playing import MOST_PLAYERS
from ringfence.lines.sip.child_sound import (
    FRAME_SECONDS,
    Ear,
    MemoryFile,
    Stock,
    buffers_are_readable,
    comfort_noise,
    read_buffer,
    wav_header,
)
from ringfence.lines.sip.messages import Ready, Setup, TrunkSetup

MOST_TRUNKS = 8  # PJSUA_MAX_ACC, which PJSIP holds by an assertion that ends the process
_LOUDEST_LOG = 3  # from 4 on PJSIP writes whole messages, and the keys that are pressed
_LIVE_FRAMES = LARGEST_FRAME // int(LIVE_RATE * FRAME_SECONDS * 2)  # that are sent on together
_MOST_EVENTS = 64  # before the line is heard again
_CODECS = {
    "PCMA": "PCMA/8000/1",
    "PCMU": "PCMU/8000/1",
    "G722": "G722/16000/1",
    "opus": "opus/48000/2",
}
# Whatever becomes of the engine: without a reference, Python would destroy PJSIP under its objects.
_ENDPOINTS: list[Any] = []


class CannotWork(Exception):
    """The child cannot be what it is told to be. Its message is for an operator."""


class _Log(pjsua2.LogWriter):  # type: ignore[misc]
    @guarded(None)
    def write(self, entry: Any) -> None:
        """Write one line, unless it tells which key was pressed."""
        if "DTMF" not in entry.msg:
            sys.stderr.write(entry.msg.rstrip("\n") + "\n")


class Engine:
    """PJSIP, from its start to its end. There is one in a process."""

    def __init__(self, setup: Setup) -> None:
        """Raises `CannotWork`."""
        if len(setup.trunks) > MOST_TRUNKS:
            raise CannotWork(f"{len(setup.trunks)} trunks; PJSIP holds at most {MOST_TRUNKS}")
        self.rate = setup.rate
        self.rtp_port = setup.rtp_port or 10_000 + os.getpid() * 64 % 50_000
        self.read = read_buffer if buffers_are_readable() else bytes
        self.port = 0
        self._codecs: tuple[str, ...] = ()
        self._log = _Log()
        self._transports: dict[tuple[str, bool], int] = {}
        self._endpoint = pjsua2.Endpoint()
        _ENDPOINTS.append(self._endpoint)
        try:
            self._endpoint.libCreate()
            self._endpoint.libInit(self._settings(setup))
            self._endpoint.libStart()
            self._endpoint.audDevManager().setNullDev()
        except pjsua2.Error as error:
            raise CannotWork(f"PJSIP does not start: {error.reason}") from None
        _check_addresses(setup)
        wanted = {(trunk.transport, trunk.ipv6) for trunk in setup.trunks}
        for kind, ipv6 in sorted(wanted or {("udp", False)}):
            self._transports[kind, ipv6] = self._open(kind, ipv6, setup)
        self.port = self._port()
        self._held = {codec.codecId for codec in self._endpoint.codecEnum2()}
        for codec in self._held:
            self._endpoint.codecSetPriority(codec, 0)
        for trunk in setup.trunks:
            if not any(self._codec(name) for name in trunk.codecs):
                raise CannotWork(
                    f"trunk {trunk.name}: this PJSIP has none of {', '.join(trunk.codecs)}"
                )
        self.prefer(setup.trunks[0].codecs if setup.trunks else tuple(_CODECS))
        self.ears = Stock(lambda: Ear(setup.rate, self.read))
        self.live_ears = Stock(lambda: Ear(LIVE_RATE, self.read, _LIVE_FRAMES))
        self.feeds = Stock(Feed)
        self.tones: Stock[Any] = Stock(self._tones)
        self.noise: Any = comfort_noise(setup.rate)
        self.most_calls = self._most_calls()

    def ready(self) -> Ready:
        """What this build of PJSIP can do."""
        return Ready(
            version=self._endpoint.libVersion().full,
            most_calls=self.most_calls,
            codecs=tuple(name for name in _CODECS if self._codec(name)),
            tls=_openssl(),
            port=self.port,
        )

    def pump(self) -> None:
        """Let PJSIP do what is to be done now: it takes one packet at a time."""
        for _ in range(_MOST_EVENTS):
            if self._endpoint.libHandleEvents(0) <= 0:
                return

    def prefer(self, codecs: tuple[str, ...]) -> None:
        """Offer these codecs, in this order, and no others from now on."""
        if codecs == self._codecs:
            return
        for name in self._codecs:
            if self._codec(name):
                self._endpoint.codecSetPriority(_CODECS[name], 0)
        for rank, name in enumerate(codecs):
            if self._codec(name):
                self._endpoint.codecSetPriority(_CODECS[name], 250 - rank)
        self._codecs = codecs

    def transport(self, trunk: TrunkSetup) -> int:
        """PJSIP's number of the transport of `trunk`."""
        return self._transports[trunk.transport, trunk.ipv6]

    @property
    def calls_held(self) -> int:
        """How many calls PJSIP holds, also those that are over and whose BYE is not answered."""
        return _pjsip("pjsua_call_get_count", 0)

    def _tones(self) -> Any:
        tones = pjsua2.ToneGenerator()
        tones.createToneGenerator(self.rate, 1)
        return tones

    def _codec(self, name: str) -> bool:
        return _CODECS.get(name) in self._held

    def _settings(self, setup: Setup) -> Any:
        settings = pjsua2.EpConfig()
        agent = settings.uaConfig
        agent.userAgent = "ringfence"
        agent.threadCnt = 0
        agent.mainThreadOnly = True
        agent.maxCalls = max(setup.calls, _pjsip("pjsua_call_get_max_count", 4))
        for server in setup.nameservers:
            agent.nameserver.append(server)
        for server in setup.stun_servers:
            agent.stunServer.append(server)
        log = settings.logConfig
        log.level = min(setup.log_level, _LOUDEST_LOG)
        log.consoleLevel = log.level
        log.msgLogging = 0
        log.writer = self._log
        media = settings.medConfig
        media.clockRate = media.sndClockRate = setup.rate
        media.audioFramePtime = 20
        media.noVad = True
        media.ecTailLen = 0
        media.jbMax = setup.jitter_ms
        media.sndAutoCloseTime = -1
        return settings

    def _open(self, kind: str, ipv6: bool, setup: Setup) -> int:
        config = pjsua2.TransportConfig()
        config.boundAddress = of_family(setup.bind_host, ipv6)
        config.publicAddress = of_family(setup.public_host, ipv6)
        config.port = setup.port + (1 if kind == "tls" and setup.port else 0)
        if kind == "tls":
            _check_files(setup)
            tls = config.tlsConfig
            tls.CaListFile = setup.tls_ca_file
            tls.certFile = setup.tls_certificate_file
            tls.privKeyFile = setup.tls_key_file
            tls.verifyServer = setup.tls_verify
        number = getattr(pjsua2, f"PJSIP_TRANSPORT_{kind.upper()}{'6' if ipv6 else ''}")
        try:
            return int(self._endpoint.transportCreate(number, config))
        except pjsua2.Error as error:
            where = f"{config.boundAddress or '*'}:{config.port or 'any port'}"
            raise CannotWork(f"cannot use {kind} at {where}: {error.reason}") from None

    def _port(self) -> int:
        order = ("udp", "tcp", "tls")
        first = min(self._transports, key=lambda each: (order.index(each[0]), each[1]))
        info = self._endpoint.transportGetInfo(self._transports[first])
        return int(info.localName.rpartition(":")[2])

    def _most_calls(self) -> int:
        """How many calls this build holds, with the players that they need.

        PJSIP ends the process on one more, and does not say how many players it has: they are
        counted out.
        """
        calls = _pjsip("pjsua_call_get_max_count", 4)
        players: list[Any] = []
        file = MemoryFile()
        os.write(file.descriptor, wav_header(self.rate, self.rate) + bytes(2 * self.rate))
        try:
            while len(players) < MOST_PLAYERS * calls:
                player = pjsua2.AudioMediaPlayer()
                player.createPlayer(file.path, pjsua2.PJMEDIA_FILE_NO_LOOP)
                players.append(player)
        except pjsua2.Error:
            pass
        finally:
            file.close()
        ports = int(self._endpoint.mediaMaxPorts()) // (MOST_PLAYERS + 4)
        return max(1, min(calls, len(players) // MOST_PLAYERS, ports))


def _check_addresses(setup: Setup) -> None:
    """PJSIP that is built without IPv6 ends the process on such an address."""
    able = pjsua2.AccountConfig().sipConfig.ipv6Use != pjsua2.PJSUA_IPV6_DISABLED
    for trunk in setup.trunks:
        if trunk.ipv6 and not able:
            raise CannotWork(
                f"trunk {trunk.name} has an IPv6 address, and this PJSIP was built without IPv6: "
                "build one with PJ_HAS_IPV6"
            )
        if setup.bind_host and not of_family(setup.bind_host, trunk.ipv6):
            expected = "an IPv6" if trunk.ipv6 else "an IPv4"
            raise CannotWork(
                f"bind_host {setup.bind_host}: {expected} address expected for trunk {trunk.name}"
            )


def of_family(address: str, ipv6: bool) -> str:
    """`address`, if it is an IPv6 one as wanted, or none; otherwise empty, for any address."""
    return address if (":" in address) is ipv6 else ""


def _check_files(setup: Setup) -> None:
    """PJSIP reads them with its first connection, and fails with words that name no file."""
    for name in ("tls_ca_file", "tls_certificate_file", "tls_key_file"):
        path = getattr(setup, name)
        if not path:
            continue
        try:
            with Path(path).open("rb"):
                pass
        except OSError as error:
            raise CannotWork(f"{name} {path} cannot be read: {error.strerror}") from None


def _library() -> ctypes.CDLL:
    module = sys.modules.get("pjsua2._pjsua2") or sys.modules["_pjsua2"]
    return ctypes.CDLL(module.__file__)


def _pjsip(function: str, otherwise: int) -> int:
    """What a function of PJSIP gives that the Python module lacks."""
    try:
        return int(getattr(_library(), function)()) or otherwise
    except (AttributeError, KeyError, OSError):
        return otherwise


def _openssl() -> str:
    """The OpenSSL that this PJSIP is built with; empty when it has no TLS."""
    try:
        library = _library()
    except (KeyError, OSError):
        return ""
    for function in ("OpenSSL_version", "SSLeay_version"):
        try:
            version = getattr(library, function)
        except AttributeError:
            continue
        version.restype = ctypes.c_char_p
        return bytes(version(0)).decode("ascii", "replace")
    return ""
