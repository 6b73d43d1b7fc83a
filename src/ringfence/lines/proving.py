"""Proving a line: what was looked at, one step after another, in words for an operator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol, runtime_checkable

import msgspec

from ringfence.flows.participant import Participant, Prompt
from ringfence.lines.line import CallEnd, CallEvent, CallRequest, CallResult, Line

TEST_PROMPT = Prompt(
    "This is a test call of your fraud alert line. Please press any key, so that we know that keys "
    "arrive.",
    ssml=False,
)
_THANKS = Prompt("Thank you. Everything works. Goodbye.", ssml=False)
_KEY_SECONDS = 10.0


class Step(msgspec.Struct, frozen=True):
    """One thing that was looked at. `ok` is None where it could not be told."""

    name: str
    ok: bool | None
    text: str


@runtime_checkable
class Provable(Protocol):
    """A line that knows more to look at than a call."""

    def prove(self, request: CallRequest) -> AsyncIterator[Step]:
        """Look at everything that the call needs, and place it."""
        ...


async def prove(line: Line, request: CallRequest) -> AsyncIterator[Step]:
    """Look at a line step by step, and call `request.to_number` on it, which says a test.

    Goes on after a step that is not ok where the next may still tell something.
    """
    if isinstance(line, Provable):
        async for step in line.prove(request):
            yield step
        return
    trial = TestTalk()
    result = await line.call(request, trial.talk, trial.report)
    for step in trial.steps(result):
        yield step


class TestTalk:
    """The conversation of a test call, and what it showed."""

    __test__ = False  # no test of pytest's

    def __init__(self) -> None:
        self.key: str | None = None
        self.rang = False

    async def talk(self, participant: Participant) -> None:
        """Say the test, wait for a key, and thank."""
        await participant.say(TEST_PROMPT, interruptible=True)
        self.key = await participant.digit(_KEY_SECONDS)
        if self.key is not None:
            await participant.say(_THANKS, interruptible=False)

    async def report(self, event: CallEvent) -> None:
        """See `Report`."""
        self.rang = self.rang or event.kind == "ringing"

    def steps(self, result: CallResult) -> list[Step]:
        """What a call that is over shows."""
        if not result.end.answered:
            return [Step("call", False, _UNANSWERED[result.end] + _because(result.detail))]
        steps = [Step("call", True, "it rang and was answered")]
        if self.key is not None:
            steps.append(Step("keys", True, f"the key {self.key} arrived"))
        elif result.end is CallEnd.HUNG_UP:
            steps.append(Step("keys", None, "the far end hung up before it pressed a key"))
        else:
            text = "no key arrived: none was pressed, or the trunk sends keys another way (dtmf)"
            steps.append(Step("keys", None, text))
        return steps


_UNANSWERED = {
    CallEnd.BUSY: "the telephone is busy",
    CallEnd.NO_ANSWER: "it rang, and nobody answered",
    CallEnd.REJECTED: "the call was declined",
    CallEnd.UNREACHABLE: "nobody can be reached at this number",
    CallEnd.NUMBER_CHANGED: "the number is in use no more",
    CallEnd.REDIRECTED: "the network redirects the call",
    CallEnd.UNAUTHORIZED: "the network does not let us call",
    CallEnd.LINE_DOWN: "the line takes no call",
    CallEnd.FAILED: "the call failed",
}


def _because(detail: str) -> str:
    return f": {detail}" if detail else ""
