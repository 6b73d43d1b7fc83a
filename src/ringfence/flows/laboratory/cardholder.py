"""The far end of a call that is tried out: it listens, and does what the script says."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping

from ringfence.flows.laboratory.scenario import Telephone
from ringfence.flows.laboratory.script import (
    HangUp,
    Press,
    Say,
    ScriptStep,
    Silence,
    WaitFor,
    WaitSeconds,
)
from ringfence.flows.laboratory.sounds import seconds_of, words_of
from ringfence.flows.laboratory.tracing import Step, Trace
from ringfence.flows.participant import (
    AnsweredBy,
    Destination,
    HungUp,
    NotConnected,
    Prompt,
    PromptFailed,
    Recording,
    Reply,
)

THINKS_SECONDS = 0.8  # from a question's end to the answer: below the shortest time limit
BETWEEN_KEYS_SECONDS = 0.4


class Cardholder:
    """A participant that follows a script.

    An answer is for the next block that asks; a block that asks for several keys gets all keys of
    one step. After the last step there is silence.
    """

    def __init__(
        self,
        script: Iterable[ScriptStep],
        trace: Trace,
        *,
        answered_by: AnsweredBy = AnsweredBy.HUMAN,
        telephones: Mapping[str, Telephone] | None = None,
        unspeakable: Iterable[str] = (),
    ):
        self.script = tuple(script)
        self.trace = trace
        self.said: list[str] = []
        self.put_through: list[Destination] = []
        self.gone = False
        self.steps_done = 0
        self._answered_by = answered_by
        self._telephones = dict(telephones or {})
        self._unspeakable = tuple(_plain(text) for text in unspeakable)
        self._replies: deque[Reply] = deque()
        self._asking: Step | None = None  # the block that waits for an answer
        self._answered: Step | None = None  # the last one that was answered, or left alone
        self._waiters: set[asyncio.Future[None]] = set()

    @property
    def answered_by(self) -> AnsweredBy:
        """See `Participant.answered_by`."""
        return self._answered_by

    def add_telephone(self, number: str, telephone: Telephone) -> None:
        """From now on that is who answers there."""
        self._telephones[number] = telephone

    async def follow_script(self) -> None:
        """Do what the script says, beside the flow."""
        heard = 0
        for step in self.script:
            match step:
                case WaitSeconds(seconds):
                    await asyncio.sleep(seconds)
                case WaitFor(text):
                    heard = await self._hear(_plain(text), heard)
                case Silence():
                    await self._be_asked()
                case HangUp():
                    self.gone = True
                    self.trace.note("hangs up", "")
                    self._wake()
                case Press(keys, now):
                    await self._answer([Reply(key=key) for key in keys], now=now)
                case Say(words, now):
                    await self._answer([Reply(words=words)], now=now)
            self.steps_done += 1

    async def say(self, prompt: Prompt, *, interruptible: bool) -> None:
        """See `Participant.say`."""
        text = words_of(prompt.text) if prompt.ssml else prompt.text
        await self._listen(text, seconds_of(prompt), interruptible, "said")

    async def play(self, recording: Recording, *, interruptible: bool) -> None:
        """See `Participant.play`."""
        await self._listen(recording.name, seconds_of(recording), interruptible, "played")

    async def digit(self, timeout_seconds: float) -> str | None:
        """See `Participant.digit`."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_seconds
        while reply := await self.reply(deadline - loop.time()):
            if reply.key:
                return reply.key
        return None

    async def reply(self, timeout_seconds: float) -> Reply | None:
        """See `Participant.reply`."""
        self._check()
        if not self._replies:
            self._asking = self.trace.current
            self._wake()
            try:
                await self._until(lambda: bool(self._replies), timeout_seconds)
            finally:
                self._asking = None
        if not self._replies:
            return None
        reply = self._replies.popleft()
        self.trace.note("key" if reply.key else "words", reply.key or reply.words)
        return reply

    def clear_digits(self) -> None:
        """See `Participant.clear_digits`."""
        self._check()
        self._replies.clear()

    async def pause(self, seconds: float) -> None:
        """See `Participant.pause`."""
        await self._until(lambda: False, seconds)

    async def connect(self, destination: Destination) -> None:
        """See `Participant.connect`. A number that nothing is said about is nobody's."""
        self._check()
        self.put_through.append(destination)
        self.trace.note("put through", destination.number)
        telephone = self._telephones.get(destination.number)
        if telephone is None:
            raise NotConnected("no telephone of this number is in the scenario")
        if telephone.busy:
            await self.pause(1.0)
            raise NotConnected("busy")
        if not telephone.answers or telephone.rings > destination.ring_seconds:
            await self.pause(destination.ring_seconds)
            raise NotConnected("no answer", timed_out=True)
        await self.pause(telephone.rings)
        if destination.answered is not None:
            destination.answered()
        await self.pause(telephone.talks)

    async def record(self, on: bool) -> bool:
        """See `Participant.record`: nothing is recorded here."""
        return False

    async def hang_up(self) -> None:
        """See `Participant.hang_up`."""
        self.gone = True

    async def _listen(self, text: str, seconds: float, interruptible: bool, how: str) -> None:
        self._check()
        plain = _plain(text)
        if any(each in plain for each in self._unspeakable):
            self.trace.note("fails", text)
            raise PromptFailed("the scenario has it that this cannot be spoken")
        self.said.append(text)
        self.trace.note(how, text)
        self._wake()
        stop = (lambda: bool(self._replies)) if interruptible else (lambda: False)
        if await self._until(stop, seconds):
            self.trace.note("interrupted", "")

    async def _answer(self, replies: list[Reply], *, now: bool) -> None:
        if not now:
            await self._be_asked()
            await asyncio.sleep(THINKS_SECONDS)
        for position, reply in enumerate(replies):
            if position:
                await asyncio.sleep(BETWEEN_KEYS_SECONDS)
            self._replies.append(reply)
            self._wake()

    async def _be_asked(self) -> None:
        """Wait for a block that asks, other than the one that has its answer."""
        await self._until(
            lambda: self._asking is not None and self._asking is not self._answered, None
        )
        self._answered = self._asking

    async def _hear(self, text: str, heard: int) -> int:
        while True:
            for position in range(heard, len(self.said)):
                if text in _plain(self.said[position]):
                    return position + 1
            heard = len(self.said)
            await self._until(lambda known=heard: len(self.said) > known, None)  # type: ignore[misc]

    def _wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def _until(self, holds: Callable[[], bool], seconds: float | None) -> bool:
        """Whether it has come to hold within the time."""
        loop = asyncio.get_running_loop()
        deadline = None if seconds is None else loop.time() + seconds
        while not holds():
            self._check()
            waiter = loop.create_future()
            self._waiters.add(waiter)
            try:
                async with asyncio.timeout_at(deadline):
                    await waiter
            except TimeoutError:
                return holds()
            finally:
                self._waiters.discard(waiter)
        self._check()
        return True

    def _check(self) -> None:
        if self.gone:
            raise HungUp


def _plain(text: str) -> str:
    return " ".join(text.lower().split())
