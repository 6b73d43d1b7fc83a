"""A line of tests: who answers, and who can be put through, is said beforehand."""

from __future__ import annotations

from dataclasses import dataclass, field

from ringfence.flows import AnsweredBy, Destination, NotConnected, Prompt, Recording, Reply
from ringfence.lines import CallEnd, CallRequest, CallResult, Conversation, Limits, Report
from ringfence.storage import now


@dataclass
class FarEnd:
    """Who was called, and who they are put through to."""

    line: ScriptedLine

    answered_by = AnsweredBy.HUMAN

    async def say(self, prompt: Prompt, *, interruptible: bool) -> None:
        self.line.story.append(prompt.text)

    async def play(self, recording: Recording, *, interruptible: bool) -> None:
        self.line.story.append(recording.name)

    async def digit(self, timeout_seconds: float) -> str | None:
        return None

    async def reply(self, timeout_seconds: float) -> Reply | None:
        return None

    def clear_digits(self) -> None:
        pass

    async def pause(self, seconds: float) -> None:
        pass

    async def connect(self, destination: Destination) -> None:
        self.line.story.append(f"rings {destination.number}")
        if destination.number not in self.line.at_home:
            raise NotConnected("no answer", timed_out=True)
        if destination.answered is not None:
            destination.answered()
        self.line.story.append(f"talks to {destination.number}")

    async def record(self, on: bool) -> bool:
        return False

    async def hang_up(self) -> None:
        pass


@dataclass
class ScriptedLine:
    """A line on which the numbers in `at_home` answer."""

    at_home: set[str] = field(default_factory=set)
    name: str = "line"
    numbers: frozenset[str] | None = None
    limits = Limits()
    story: list[str] = field(default_factory=list)

    async def call(
        self, request: CallRequest, conversation: Conversation, report: Report
    ) -> CallResult:
        self.story.append(f"calls {request.to_number}")
        if request.to_number not in self.at_home:
            return CallResult(CallEnd.NO_ANSWER, None, now(), "nobody answers")
        at = now()
        await conversation(FarEnd(self))
        return CallResult(CallEnd.COMPLETED, at, now())
