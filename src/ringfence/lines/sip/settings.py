"""What an operator sets of a SIP line: its trunks, its numbers, its addresses and limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal

import msgspec

from ringfence.errors import InvalidInput
from ringfence.lines.opening import E164, read_table, secret, within

Codec = Literal["PCMA", "PCMU", "G722", "opus"]

_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
_HOST = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?"
)
_PREFIX = re.compile(r"\+[1-9][0-9]{0,14}")
_FORMAT = re.compile(r"[A-Za-z0-9+*#_.-]*(?:\{(?:e164|digits|national)\})[A-Za-z0-9+*#_.-]*")
_USER = re.compile(r"[A-Za-z0-9+*#_.!~'()&=$,;?/-]{1,128}")
MOST_TRUNKS = 8  # that a child process holds


class TrunkSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One trunk. The first that serves a number, is up and has room gets the call.

    `host` is where calls go, `host[:port]`; without a port it is looked up by DNS SRV where
    `nameservers` of the line are set. `dial` and `caller` say how numbers are written: `{e164}`
    (+4930...), `{digits}` (4930...), `{national}` (030...), with anything before or after it.
    `serves` are the beginnings of the numbers that it may call; empty for all.
    """

    name: str
    host: str
    transport: Literal["udp", "tcp", "tls"] = "udp"
    username: str = ""
    password: str = ""
    realm: str = "*"
    register: bool = False
    registrar: str = ""
    register_seconds: int = 300
    domain: str = ""
    outbound_proxy: str = ""
    dial: str = "{e164}"
    caller: str = "{e164}"
    assert_identity: bool = True
    withhold_number: bool = False
    trust_identity: bool = False
    serves: tuple[str, ...] = ()
    codecs: tuple[Codec, ...] = ("PCMA", "PCMU", "G722")
    dtmf: Literal["rfc4733", "info", "inband"] = "rfc4733"
    inband_digits: bool = False
    srtp: Literal["off", "optional", "mandatory"] = "off"
    session_timer: Literal["off", "supported", "required"] = "supported"
    session_timer_seconds: int = 1800
    keep_alive_seconds: float = 30.0
    follow_redirects: bool = False
    calls_at_once: int | None = None

    @property
    def secret_password(self) -> str:
        """The password, wherever it is kept. Raises `InvalidInput`."""
        return secret(self.password, f"trunks.{self.name}.password")

    def serves_number(self, number: str) -> bool:
        """Whether it may call `number` (E.164)."""
        return not self.serves or number.startswith(self.serves)


class SipSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A SIP line. Times in seconds.

    `numbers` are those that the line owns: it calls from them, and calls to them come in when
    `takes_calls`. `calls_at_once` counts all calls of the line. `rtp_ports` is the range that a
    firewall lets through. `courtesy_seconds` is how long it waits for a greeting before it speaks;
    0 speaks at once. With `words`, cardholders who hear English may say yes, no, fraud or repeat in
    place of a key; each is asked about and counts when it is said again.
    """

    trunks: tuple[TrunkSettings, ...]
    numbers: tuple[str, ...] = ()
    takes_calls: bool = False
    calls_at_once: int = 20
    calls_per_second: float = 5.0
    bind_host: str = ""
    port: int = 0
    public_host: str = ""
    rtp_ports: tuple[int, int] | None = None
    wideband: bool = False
    nameservers: tuple[str, ...] = ()
    stun_servers: tuple[str, ...] = ()
    tls_ca_file: str = ""
    tls_certificate_file: str = ""
    tls_key_file: str = ""
    tls_verify: bool = True
    accept_old_tls: bool = False
    jitter_ms: int = 200
    nothing_heard_seconds: float = 30.0
    courtesy_seconds: float = 1.2
    words: bool = False
    spare_calls: int | None = None
    log_level: int = 2


_LINE_RANGES: tuple[tuple[str, float, float], ...] = (
    ("calls_at_once", 1, 10_000),
    ("calls_per_second", 0.01, 1000),
    ("port", 0, 65_534),
    ("jitter_ms", 20, 2000),
    ("nothing_heard_seconds", 5, 3600),
    ("courtesy_seconds", 0, 5),
    ("log_level", 0, 3),
)
_TRUNK_RANGES: tuple[tuple[str, float, float], ...] = (
    ("register_seconds", 30, 86_400),
    ("session_timer_seconds", 90, 86_400),
    ("keep_alive_seconds", 0, 3600),
)


def read_settings(name: str, table: Mapping[str, Any]) -> SipSettings:
    """The settings of the line `name`, checked. Raises `InvalidInput` naming the field."""
    settings = read_table(name, table, SipSettings)
    try:
        _check(settings)
        for place, trunk in enumerate(settings.trunks):
            try:
                _check_trunk(trunk)
            except InvalidInput as error:
                raise within(f"trunks.{place}", error) from None
    except InvalidInput as error:
        raise within(f"lines.{name}", error) from None
    return settings


def host_and_port(host: str) -> tuple[str, int | None]:
    """The name or address, without brackets, and the port of `host[:port]`."""
    if host.startswith("["):
        name, _, rest = host[1:].partition("]")
        port = rest.removeprefix(":")
    else:
        name, _, port = host.partition(":")
    return name, int(port) if port else None


def _check(settings: SipSettings) -> None:
    names = [trunk.name for trunk in settings.trunks]
    if not 1 <= len(names) <= MOST_TRUNKS or len(set(names)) != len(names):
        raise InvalidInput(
            "none, too many, or two of one name",
            field="trunks",
            expected=f"1 to {MOST_TRUNKS} trunks with names of their own",
        )
    _check_ranges(settings, _LINE_RANGES)
    for number in settings.numbers:
        if not E164.fullmatch(number):
            raise InvalidInput("not E.164", field="numbers", expected="such as +4930901820")
    for field in ("bind_host", "public_host"):
        _check_address(field, getattr(settings, field))
    for server in settings.nameservers:
        _check_address("nameservers", server)
    for server in settings.stun_servers:
        if not _is_host(server):
            raise InvalidInput("not a host", field="stun_servers", expected="a name, or host:port")
    if settings.spare_calls is not None and settings.spare_calls < 0:
        raise InvalidInput("out of range", field="spare_calls", expected="0 or more")
    if settings.rtp_ports is not None:
        low, high = settings.rtp_ports
        if not (1024 <= low < high <= 65_535 and high - low >= 2 * settings.calls_at_once):
            raise InvalidInput(
                "too few, or no range",
                field="rtp_ports",
                expected=f"[low, high] with {2 * settings.calls_at_once} ports or more",
            )
    for field in ("tls_ca_file", "tls_certificate_file", "tls_key_file"):
        path = getattr(settings, field)
        if path and not Path(path).is_file():
            raise InvalidInput(f"there is no file {path}", field=field)


def _check_trunk(trunk: TrunkSettings) -> None:
    if not _NAME.fullmatch(trunk.name):
        raise InvalidInput("not a name", field="name", expected="1 to 32 of A-Z a-z 0-9 _ -")
    if not _is_host(trunk.host):
        raise InvalidInput("not a host", field="host", expected="sip.carrier.example or host:5060")
    for field in ("registrar", "domain", "outbound_proxy"):
        value = getattr(trunk, field)
        if value and not _is_host(value):
            raise InvalidInput("not a host", field=field, expected="a name, or host:port")
    if trunk.username and not _USER.fullmatch(trunk.username):
        raise InvalidInput("not a user name", field="username", expected="without spaces and @")
    if trunk.password and not trunk.username:
        raise InvalidInput("missing", field="username", expected="the user of the password")
    if trunk.register and not trunk.username:
        raise InvalidInput("missing", field="username", expected="whom to register as")
    secret(trunk.password, "password")
    for field in ("dial", "caller"):
        if not _FORMAT.fullmatch(getattr(trunk, field)):
            raise InvalidInput(
                "not a format", field=field, expected="one of {e164}, {digits} or {national} in it"
            )
    for prefix in trunk.serves:
        if not _PREFIX.fullmatch(prefix):
            raise InvalidInput("not a beginning", field="serves", expected="such as +49")
    if not trunk.codecs:
        raise InvalidInput("none", field="codecs", expected="PCMA, PCMU, G722 or opus")
    if trunk.srtp == "mandatory" and trunk.transport != "tls":
        raise InvalidInput(
            "its keys would travel in clear", field="srtp", expected="transport tls beside it"
        )
    if trunk.calls_at_once is not None and trunk.calls_at_once < 1:
        raise InvalidInput("out of range", field="calls_at_once", expected="1 or more")
    _check_ranges(trunk, _TRUNK_RANGES)


def _check_ranges(settings: msgspec.Struct, ranges: tuple[tuple[str, float, float], ...]) -> None:
    for field, low, high in ranges:
        if not low <= getattr(settings, field) <= high:
            raise InvalidInput("out of range", field=field, expected=f"{low:g} to {high:g}")


def _is_host(value: str) -> bool:
    if not _HOST.fullmatch(value):
        return False
    _, port = host_and_port(value)
    return port is None or 1 <= port <= 65_535


def _check_address(field: str, value: str) -> None:
    try:
        if value:
            ip_address(value)
    except ValueError:
        raise InvalidInput("not an address", field=field, expected="such as 192.0.2.10") from None
