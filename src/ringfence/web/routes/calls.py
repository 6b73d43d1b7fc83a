"""Test calls on the lines of this server."""

from __future__ import annotations

import asyncio
import re

import msgspec

from ringfence.access import Scope
from ringfence.cards.phones import read_language
from ringfence.cases.trial_calls import TestCall, place_test_call
from ringfence.contacts.flows import flow_in_language
from ringfence.contacts.published_flows import flow_to_run
from ringfence.errors import InvalidInput
from ringfence.flows import Flow
from ringfence.web.api import Call, Operations
from ringfence.web.services import Services

operations = Operations("calls")

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


class TestCallBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to ring, and which flow to run: that in the language, where there is one.

    `attributes` are spoken in place of the examples.
    """

    to_number: str
    flow: str = "verify-card-payment"
    line: str = "browser"
    attributes: dict[str, str] = {}
    language: str = "en-US"
    ring_timeout_seconds: float = 30.0

    def __post_init__(self) -> None:
        if not _E164.fullmatch(self.to_number):
            raise InvalidInput(
                "not a phone number", field="to_number", expected="E.164 such as +14155550123"
            )
        read_language(self.language)
        if not 1 <= self.ring_timeout_seconds <= 120:
            raise InvalidInput("out of range", field="ring_timeout_seconds", expected="1 to 120")


@operations.add(
    "POST", "/v1/test-calls", scope=Scope.CASES_WRITE, body=TestCallBody, reply=TestCall
)
async def post_test_call(services: Services, call: Call) -> TestCall:
    """Place a call that acts on nothing; answers when it is over, with all that was said."""
    body: TestCallBody = call.body
    line = services.lines.get(body.line)
    if line is None:
        raise InvalidInput(
            f"there is no line {body.line!r} here",
            field="line",
            expected="one of " + ", ".join(services.lines),
        )

    def read() -> Flow:
        with services.database.read() as connection:
            return flow_to_run(connection, flow_in_language(connection, body.flow, body.language))

    flow = await asyncio.to_thread(read)
    async with services.centre.calls.dispatcher.turn(line.name):
        return await place_test_call(
            line,
            flow,
            body.to_number,
            from_number=services.settings.caller_number,
            caller_name=services.settings.bank_name,
            attributes={"Bank": services.settings.bank_name, **body.attributes},
            language=body.language,
            ring_timeout_seconds=body.ring_timeout_seconds,
        )
