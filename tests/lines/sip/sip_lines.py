"""SIP lines over real processes of PJSIP, and who places calls on them, for the tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from ringfence.flows import Participant, Prompt
from ringfence.lines import CallEvent, CallRequest, CallResult, Conversation
from ringfence.lines.sip.line import SipLine
from ringfence.lines.sip.settings import read_settings
from ringfence.lines.speech import Synthesizer
from ringfence.lines.switch import Switch

THEIRS, OURS = "+4930901820", "+15550100000"
SHORT = Prompt("Good day.", ssml=False)
LONG = Prompt(
    "This is a rather long sentence that nobody wants to hear to its end. " * 3, ssml=False
)


class Caller:
    """Places calls on a line, and keeps what they reported."""

    def __init__(self, line: SipLine) -> None:
        self.line = line
        self.events: list[CallEvent] = []
        self._number = 0

    def told(self) -> list[str]:
        return [str(event.kind) for event in self.events]

    async def call(self, conversation: Conversation | None = None, **facts: Any) -> CallResult:
        self._number += 1
        request = CallRequest(f"call-{self._number}", THEIRS, OURS, **facts)

        async def report(event: CallEvent) -> None:
            self.events.append(event)

        return await self.line.call(request, conversation or says(SHORT), report)

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not true():  # noqa: ASYNC110 - the line tells nobody else
                await asyncio.sleep(0.02)


def says(*prompts: Prompt) -> Conversation:
    async def conversation(participant: Participant) -> None:
        for prompt in prompts:
            await participant.say(prompt, interruptible=True)

    return conversation


@asynccontextmanager
async def open_line(
    *ports: int, trunk: Any = None, switch: Switch | None = None, **line: Any
) -> AsyncIterator[Caller]:
    """A line whose trunks are the far ends on these ports, in this order."""
    facts = {"keep_alive_seconds": 0, **(trunk or {})}
    trunks = [{"name": f"t{port}", "host": f"127.0.0.1:{port}", **facts} for port in ports]
    table = {"trunks": trunks, "bind_host": "127.0.0.1", "courtesy_seconds": 0, "spare_calls": 4}
    opened = SipLine("trunk", read_settings("trunk", {**table, **line}), Synthesizer(), switch)
    await opened.start()
    try:
        yield Caller(opened)
    finally:
        await opened.stop()


def during(work: Any, seconds: float = 60.0) -> None:
    async def limited() -> None:
        async with asyncio.timeout(seconds):
            await work

    asyncio.run(limited())
