"""The settings of a Twilio line, and the line that they describe.

[lines.twilio]
kind = "twilio"
account_sid = "AC..."
auth_token = "env:TWILIO_AUTH_TOKEN"
numbers = ["+4930901820"]
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from ringfence.errors import InvalidInput
from ringfence.lines.line import Limits, Line
from ringfence.lines.opening import E164, Surroundings, read_table, secret
from ringfence.lines.twilio.api import Credentials, TwilioApi
from ringfence.lines.twilio.call import Terms
from ringfence.lines.twilio.line import TwilioLine

_ACCOUNT = re.compile(r"AC[0-9a-f]{32}")
_LABEL = re.compile(r"[a-z0-9-]{1,32}")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_DETECTION = {"detect": "Enable", "message_end": "DetectMessageEnd"}


class TwilioSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table `[lines.NAME]` with `kind = "twilio"`.

    `auth_token` checks what Twilio sends; it also asks Twilio, unless there is an `api_key`
    (`SK...`) with its `api_secret`. These three may be `env:NAME` or `file:/path`. `numbers` are
    what the account may call from, and takes calls at. `calls_per_second` is what Twilio allows
    the account. `machine_detection`: `detect` starts as soon as Twilio knows who answers,
    `message_end` on a machine once its greeting is over. `voice`: `rendered` is our own speech,
    `twilio` that of Twilio. `edge` and `region` are Twilio's, such as `dublin` and `ie1`.
    """

    account_sid: str
    auth_token: str
    numbers: list[str]
    api_key: str = ""
    api_secret: str = ""
    base_url: str = ""
    edge: str = ""
    region: str = ""
    calls_per_second: float = 1.0
    calls_at_once: int | None = None
    machine_detection: Literal["detect", "message_end"] = "detect"
    machine_detection_seconds: int | None = None
    voice: Literal["rendered", "twilio"] = "rendered"
    poll_seconds: float = 5.0
    timeout_seconds: float = 10.0


def open_line(
    name: str, table: Mapping[str, Any], surroundings: Surroundings
) -> AbstractAsyncContextManager[Line]:
    """The line of a table of settings. Raises `InvalidInput` naming the field."""
    place = f"lines.{name}"
    settings = read_table(name, table, TwilioSettings)
    _check(settings, place)
    public_url = _public_url(surroundings.public_url, place)
    auth_token = secret(settings.auth_token, f"{place}.auth_token")
    user, password = settings.account_sid, auth_token
    if settings.api_key:
        user = secret(settings.api_key, f"{place}.api_key")
        password = secret(settings.api_secret, f"{place}.api_secret")
    if not auth_token or not password:
        raise InvalidInput("is empty", field=f"{place}.auth_token", expected="the account's token")
    credentials = Credentials(settings.account_sid, user, password)
    terms = Terms(
        surroundings.synthesizer,
        rendered=settings.voice == "rendered",
        machine_detection=_DETECTION[settings.machine_detection],
        machine_seconds=settings.machine_detection_seconds,
        poll_seconds=settings.poll_seconds,
    )

    @asynccontextmanager
    async def opened() -> AsyncIterator[Line]:
        api = TwilioApi(_base_url(settings), credentials, timeout_seconds=settings.timeout_seconds)
        line = TwilioLine(
            name,
            api,
            terms,
            auth_token=auth_token,
            public_url=public_url,
            numbers=frozenset(settings.numbers),
            limits=Limits(settings.calls_at_once, settings.calls_per_second),
        )
        try:
            yield line
        finally:
            await line.close()

    return opened()


def _check(settings: TwilioSettings, place: str) -> None:
    def wrong(field: str, problem: str, expected: str) -> InvalidInput:
        return InvalidInput(problem, field=f"{place}.{field}", expected=expected)

    if not _ACCOUNT.fullmatch(settings.account_sid):
        raise wrong("account_sid", "is no account", "AC and 32 hexadecimal digits")
    if not settings.numbers:
        raise wrong("numbers", "is empty", "the numbers of the account, such as +4930901820")
    for index, number in enumerate(settings.numbers):
        if not E164.fullmatch(number):
            raise wrong(f"numbers[{index}]", "is not E.164", "such as +4930901820")
    if bool(settings.api_key) != bool(settings.api_secret):
        missing = "api_secret" if settings.api_key else "api_key"
        raise wrong(missing, "is missing", "both api_key and api_secret, or neither")
    if settings.base_url and urlsplit(settings.base_url).scheme not in ("http", "https"):
        raise wrong("base_url", "is no address", "such as https://api.twilio.com")
    for field in ("edge", "region"):
        if (value := getattr(settings, field)) and not _LABEL.fullmatch(value):
            raise wrong(field, f"{value!r} is none", "such as dublin for edge, ie1 for region")
    if settings.calls_at_once is not None and settings.calls_at_once < 1:
        raise wrong("calls_at_once", "out of range", "at least 1")
    for field, least, most in (
        ("calls_per_second", 0.01, 1000.0),
        ("poll_seconds", 0.1, 60.0),
        ("timeout_seconds", 1.0, 60.0),
    ):
        if not least <= getattr(settings, field) <= most:
            raise wrong(field, "out of range", f"{least:g} to {most:g}")
    seconds = settings.machine_detection_seconds
    if seconds is not None and not 3 <= seconds <= 59:
        raise wrong("machine_detection_seconds", "out of range", "3 to 59")


def _public_url(url: str | None, place: str) -> str:
    if not url:
        raise InvalidInput(
            f"is missing, and {place} needs it: Twilio calls this server back",
            field="public_url",
            expected="where this server is reached from outside, such as https://calls.example.org",
        )
    parts = urlsplit(url)
    if not parts.hostname or parts.scheme not in ("http", "https"):
        raise InvalidInput("is no address", field="public_url", expected="https://HOST")
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise InvalidInput(
            f"is not encrypted, and {place} sends what is said over it",
            field="public_url",
            expected="https://HOST",
        )
    return url


def _base_url(settings: TwilioSettings) -> str:
    if settings.base_url:
        return settings.base_url
    region = settings.region or ("us1" if settings.edge else "")
    return "https://" + ".".join(p for p in ("api", settings.edge, region, "twilio.com") if p)
