"""Words in place of keys: each is asked about, and counts when it is said again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ringfence.flows.participant import Prompt
from ringfence.lines.listening.utterances import Utterances
from ringfence.lines.listening.words import KEYS

_CONFIRM = {
    "yes": "You said yes. To confirm, say yes again, or press 1.",
    "no": "You said no. To confirm, say no again, or press 2.",
    "fraud": "You said fraud. To confirm, say fraud again, or press 2.",
    "repeat": "You said repeat. To confirm, say repeat again, or press 3.",
}


class SpokenKeys:
    """Listens to the far end of one call while a key is waited for."""

    def __init__(
        self,
        rate: int,
        recognise: Callable[[bytes], Awaitable[str]],
        heard: Callable[[], None],
    ) -> None:
        """`heard` is called when a word was recognised; `take` gives it."""
        self.on = False
        self._rate = rate
        self._recognise = recognise
        self._heard = heard
        self._utterances = Utterances(rate)
        self._word = ""
        self._asked = ""
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> bool:
        """Whether a word was recognised and not taken yet."""
        return bool(self._word)

    def listen(self, on: bool) -> None:
        """Listen from now on, or no more. What was asked about is forgotten with the question."""
        self.on = on
        self._word = ""
        self._utterances = Utterances(self._rate)
        if not on:
            self._asked = ""

    def hear(self, pcm: bytes) -> None:
        """What the far end says."""
        if not self.on:
            return
        for utterance in self._utterances.hear(pcm):
            task = asyncio.get_running_loop().create_task(self._understand(utterance))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def take(self) -> str | Prompt:
        """The key that the word stands for, once it was said twice; else what to ask."""
        word, self._word = self._word, ""
        if word == self._asked:
            self._asked = ""
            return KEYS[word]
        self._asked = word
        return Prompt(_CONFIRM[word], ssml=False, language="en-US")

    async def _understand(self, utterance: bytes) -> None:
        word = await self._recognise(utterance)
        if word and self.on:
            self._word = word
            self._heard()
