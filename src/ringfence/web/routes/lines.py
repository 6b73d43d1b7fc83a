"""The telephone lines of this server: how they stand, and proving one by a call."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec

from ringfence.access import Scope
from ringfence.cards.phones import read_language, read_phone_number
from ringfence.errors import InvalidInput, NotFound
from ringfence.lines import CallRequest
from ringfence.lines.proving import Step, prove
from ringfence.web.api import Call, Operations
from ringfence.web.services import Services

operations = Operations("lines")


class LineView(msgspec.Struct, frozen=True, kw_only=True):
    """A line. `numbers` is None where it may call from any; `state` is what its kind tells."""

    name: str
    numbers: tuple[str, ...] | None
    takes_calls: bool
    calls_at_once: int | None
    calls_per_second: float | None
    state: Any = None


class ProofBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to call for a test, from which number; the server's caller number unless told."""

    to_number: str
    from_number: str | None = None
    language: str = "en-US"
    ring_timeout_seconds: float = 30.0

    def __post_init__(self) -> None:
        read_phone_number(self.to_number, field="to_number")
        read_language(self.language)
        if self.from_number is not None:
            read_phone_number(self.from_number, field="from_number")
        if not 1 <= self.ring_timeout_seconds <= 120:
            raise InvalidInput("out of range", field="ring_timeout_seconds", expected="1 to 120")


@operations.add("GET", "/v1/lines", scope=Scope.CASES_READ, reply=list[LineView])
async def get_lines(services: Services, call: Call) -> list[LineView]:
    """The lines that calls can be placed on, and how they stand."""
    return [view_of(services, name) for name in services.lines]


@operations.add(
    "POST", "/v1/lines/{line}/proofs", scope=Scope.CASES_WRITE, body=ProofBody, reply=list[Step]
)
async def post_proof(services: Services, call: Call) -> list[Step]:
    """Look at a line step by step and place a test call; answers when that is over."""
    body: ProofBody = call.body
    line = services.lines.get(call.path["line"])
    if line is None:
        raise NotFound(
            f"there is no line {call.path['line']!r}",
            field="line",
            expected="one of " + ", ".join(services.lines),
        )
    request = proof_request(services, body)
    async with services.centre.calls.dispatcher.turn(line.name):
        return [step async for step in prove(line, request)]


def proof_request(services: Services, body: ProofBody) -> CallRequest:
    """The call that proves a line. Raises `InvalidInput`."""
    number = body.from_number or services.settings.caller_number
    return CallRequest(
        call_id=f"proof-{secrets.token_hex(8)}",
        to_number=read_phone_number(body.to_number, field="to_number").e164,
        from_number=read_phone_number(number, field="from_number").e164,
        caller_name=services.settings.bank_name,
        ring_timeout_seconds=body.ring_timeout_seconds,
        language=body.language,
    )


def view_of(services: Services, name: str) -> LineView:
    """How a line stands."""
    line = services.lines[name]
    state = getattr(line, "state", None)
    return LineView(
        name=name,
        numbers=None if line.numbers is None else tuple(sorted(line.numbers)),
        takes_calls=hasattr(line, "receive"),
        calls_at_once=line.limits.calls_at_once,
        calls_per_second=line.limits.calls_per_second,
        state=state() if callable(state) else None,
    )
