"""What a call says first is rendered while it rings."""

from __future__ import annotations

import asyncio
import threading

from telephones import BANK, NUMBER, exchange, spoken, telephone

from ringfence.flows.participant import Participant
from ringfence.lines import CallEnd, CallRequest
from ringfence.lines.foretelling import foretold
from ringfence.lines.speech import Synthesizer
from ringfence.lines.speech.engines import EngineChoice, EngineFailed, Sound, Speaker
from ringfence.lines.speech.espeak import EspeakEngine
from ringfence.lines.speech.script import Utterance


class Lasting(EspeakEngine):
    """Speaks until it has said the last of what was wanted beforehand, and no more."""

    def __init__(self, last: str) -> None:
        self.done = threading.Event()
        self._last = last

    def say(self, utterance: Utterance, speaker: Speaker) -> Sound:
        if self.done.is_set():
            raise EngineFailed("it has spoken enough")
        sound = super().say(utterance, speaker)
        if utterance.markup == self._last:
            self.done.set()
        return sound


async def test_a_browser_call_has_its_words_ready_when_it_is_answered() -> None:
    engine = Lasting("You pressed 1.")
    prompts = (spoken("Hello from the bank. Press 1."), spoken("You pressed 1."))
    heard: list[str] = []

    async def conversation(participant: Participant) -> None:
        for prompt in prompts:
            await participant.say(prompt, interruptible=False)
            heard.append(prompt.text)

    synthesizer = Synthesizer(EngineChoice(engine))
    async with exchange(synthesizer=synthesizer) as there, telephone(there) as phone:
        request = CallRequest("call-1", NUMBER, BANK, foretell=foretold(*prompts))
        call = asyncio.create_task(there.line.call(request, conversation, there.report))
        await phone.rings()
        assert await asyncio.to_thread(engine.done.wait, 10)
        await phone.answers()
        result = await call
    assert (result.end, result.detail) == (CallEnd.COMPLETED, "")
    assert heard == [prompt.text for prompt in prompts]
