"""Twilio's REST API (2010-04-01), as much of it as calls need.

Source: "Call resource" and "Twilio API requests" of Twilio's documentation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import httpx2

_CLOCKS_APART = timedelta(seconds=5)  # between Twilio's and ours, when calls are looked up


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who asks: an account with its token, or with an API key (`SK...`) and its secret."""

    account_sid: str
    user: str
    password: str


class Refused(Exception):
    """Twilio answered that it will not. `retry_seconds` is how long to wait, where it says so."""

    def __init__(self, status: int, code: int, message: str, retry_seconds: float | None):
        super().__init__(f"{status}, error {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.retry_seconds = retry_seconds


class Unreachable(Exception):
    """No request got through: nothing has been done."""


class Uncertain(Exception):
    """A request was sent and not answered: it may have been done."""


@dataclass(frozen=True, slots=True)
class FoundCall:
    """A call in Twilio's list."""

    sid: str
    status: str


class TwilioApi:
    """A client for one account."""

    def __init__(self, base_url: str, credentials: Credentials, *, timeout_seconds: float) -> None:
        self._calls = (
            f"{base_url.rstrip('/')}/2010-04-01/Accounts/"
            f"{quote(credentials.account_sid, safe='')}/Calls"
        )
        self._client = httpx2.AsyncClient(
            auth=(credentials.user, credentials.password), timeout=timeout_seconds
        )

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()

    async def place(self, form: Sequence[tuple[str, str]]) -> str:
        """Place a call; its SID. Raises `Refused`, `Unreachable`, `Uncertain`."""
        placed = await self._ask("POST", f"{self._calls}.json", form=form)
        sid = placed.get("sid")
        if not isinstance(sid, str) or not sid:
            raise Uncertain("the answer names no call")
        return sid

    async def look(self, sid: str) -> dict[str, str]:
        """What there is of a call now, in the words of a status call-back. Raises as `place`."""
        found = await self._ask("GET", f"{self._calls}/{quote(sid, safe='')}.json")
        form = {"CallSid": sid, "CallStatus": str(found.get("status") or "")}
        if found.get("answered_by"):
            form["AnsweredBy"] = str(found["answered_by"])
        return form

    async def find(self, to_number: str, from_number: str, since: datetime) -> list[FoundCall]:
        """The calls that were placed between two numbers since a time. Raises as `place`."""
        earliest = since - _CLOCKS_APART
        # Not by StartTime: a call that is still queued has none.
        query = {"To": to_number, "From": from_number, "PageSize": "50"}
        page = await self._ask("GET", f"{self._calls}.json", query=query)
        return [
            FoundCall(str(call["sid"]), str(call.get("status") or ""))
            for call in page.get("calls") or []
            if _at(call.get("date_created")) >= earliest
        ]

    async def end(self, sid: str) -> None:
        """End a call, whether it rings or is in progress. Raises as `place`."""
        await self._update(sid, {"Status": "completed"})

    async def redirect(self, sid: str, url: str) -> None:
        """Have Twilio ask `url` for a document now. Raises as `place`."""
        await self._update(sid, {"Url": url, "Method": "POST"})

    async def _update(self, sid: str, form: Mapping[str, str]) -> None:
        await self._ask("POST", f"{self._calls}/{quote(sid, safe='')}.json", form=[*form.items()])

    async def _ask(
        self,
        method: str,
        url: str,
        *,
        form: Sequence[tuple[str, str]] = (),
        query: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        fields: dict[str, list[str]] = {}
        for name, value in form:
            fields.setdefault(name, []).append(value)
        try:
            reply = await self._client.request(
                method, url, data=fields or None, params=dict(query) if query else None
            )
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise Unreachable(f"{type(error).__name__}: {error}") from error
        except httpx2.HTTPError as error:
            raise Uncertain(type(error).__name__) from error
        try:
            told = reply.json()
        except ValueError:
            told = None
        if not isinstance(told, dict):
            told = {}
        if reply.is_success:
            return told
        if reply.status_code >= 500:
            raise Uncertain(f"Twilio answered {reply.status_code}")
        code = told.get("code")
        raise Refused(
            reply.status_code,
            code if isinstance(code, int) else 0,
            str(told.get("message") or "")[:300],
            _seconds(reply.headers.get("retry-after")),
        )


def _at(written: object) -> datetime:
    """A time as Twilio writes it (RFC 2822); one that cannot be read is long ago."""
    try:
        at = parsedate_to_datetime(str(written))
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _seconds(written: str | None) -> float | None:
    try:
        return max(0.0, float(written)) if written else None
    except ValueError:
        return None
