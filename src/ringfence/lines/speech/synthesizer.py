"""The synthesizer: a prompt in, speech out, kept for the next time it is said.

What is kept is kept in memory only, as prompts hold names and amounts. It is kept by prompt, and
by what is rendered in one go, most often a sentence: of a prompt with an amount in it, only the
sentence with the amount is rendered anew.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import structlog

from ringfence.errors import Unavailable
from ringfence.flows.fixed_words import GAP
from ringfence.flows.participant import Prompt, PromptFailed
from ringfence.lines.foretelling import Foretell
from ringfence.lines.speech.audio import Audio, Caption, Speech
from ringfence.lines.speech.engines import Engine, EngineChoice, Speaker
from ringfence.lines.speech.espeak import EspeakEngine
from ringfence.lines.speech.kept import Kept
from ringfence.lines.speech.script import Bleep, Sentence, Silence, Utterance, script
from ringfence.lines.speech.voices import voice_for

if TYPE_CHECKING:
    from ringfence.lines.speech.waveform import Wave

TELEPHONE_RATE = 8000  # G.711
WIDEBAND_RATE = 16000
RATES = (TELEPHONE_RATE, WIDEBAND_RATE)

LONGEST_TEXT = 6000  # characters, Amazon Connect's limit for a prompt
# A hundred calls that ring have some 30 s each ready, at 8 kHz or 16 kHz.
_DEFAULT_CACHE_BYTES = 96 * 1024 * 1024
# Of their own: a slow engine holds up nobody else.
_SPEAKING_THREADS, _PREPARING_THREADS, _ASKING_THREADS = 4, 2, 8

_log = structlog.get_logger(__name__)

_Key: TypeAlias = tuple[Prompt, int]
_PartKey: TypeAlias = tuple[str, Speaker, Utterance, int]


class Synthesizer:
    """Speaks prompts with the engines that were chosen. Safe to use from many tasks and threads."""

    def __init__(
        self, choice: EngineChoice | None = None, *, cache_bytes: int = _DEFAULT_CACHE_BYTES
    ) -> None:
        """Without a `choice` eSpeak NG speaks. `cache_bytes` bounds the sound of prompts that is
        kept; of their parts a third of it is."""
        self._choice = choice or EngineChoice(EspeakEngine())
        self._prompts: Kept[_Key, Speech] = Kept(cache_bytes)
        self._parts: Kept[_PartKey, bytes] = Kept(cache_bytes // 3)
        self._rendering: dict[_Key, Future[Speech]] = {}
        self._lock = threading.Lock()
        self._speaking = ThreadPoolExecutor(_SPEAKING_THREADS, "speaking")
        self._preparing = ThreadPoolExecutor(_PREPARING_THREADS, "preparing")
        self._asking = ThreadPoolExecutor(_ASKING_THREADS, "asking")

    async def speak(self, prompt: Prompt, rate: int = WIDEBAND_RATE) -> Speech:
        """`prompt` as sound at `rate` (8000 or 16000 samples a second), with timed captions.

        The sound is level (active speech at -20 dBFS, peaks at most -1 dBFS) and starts and ends
        without a click. A prompt that says nothing gives an empty sound. Rendered in a thread.
        Raises `PromptFailed` on broken SSML, a text beyond 6,000 characters, or engines of which
        none can speak.
        """
        if cached := self._prompts.get((prompt, rate)):
            return cached
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._speaking, self.render, prompt, rate)

    @asynccontextmanager
    async def preparing(self, foretell: Foretell, rate: int = WIDEBAND_RATE) -> AsyncIterator[None]:
        """Render what is foretold, one after the other, meanwhile, so that it can be spoken at
        once.

        Never raises for what cannot be rendered: it will when it is spoken.
        """

        async def prepare() -> None:
            await self.prepare(await foretell(), rate)

        task = asyncio.create_task(prepare())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def prepare(self, prompts: Sequence[Prompt], rate: int = WIDEBAND_RATE) -> None:
        """The same, and return when it is done. What is said before them is not held up by it."""
        loop = asyncio.get_running_loop()
        for prompt in prompts:
            if self._prompts.get((prompt, rate)) is not None:
                continue
            try:
                await loop.run_in_executor(self._preparing, self._prepare, prompt, rate)
            except PromptFailed:
                continue
            except Exception as error:  # nothing that goes wrong here is to cost the call
                _log.error("a prompt could not be prepared", exc_info=error)

    def render(self, prompt: Prompt, rate: int = WIDEBAND_RATE) -> Speech:
        """The same as `speak`, in the calling thread."""
        if rate not in RATES:
            raise ValueError(f"the rate is {rate}, not one of {RATES}")
        key = (prompt, rate)
        with self._lock:
            if cached := self._prompts.get(key):
                return cached
            running = self._rendering.get(key)
            if running is None:
                mine = self._rendering[key] = Future[Speech]()
        if running is not None:
            return running.result()
        try:
            speech, is_as_chosen = self._rendered(prompt, rate)
            if is_as_chosen:
                self._prompts.keep(key, speech, len(speech.audio.pcm))
            mine.set_result(speech)
            return speech
        except BaseException as error:
            mine.set_exception(error)
            raise
        finally:
            with self._lock:
                del self._rendering[key]

    @property
    def held_bytes(self) -> int:
        """How much sound of prompts the cache holds now."""
        return self._prompts.held_bytes

    def warm_up(self) -> None:
        """Let the engines load what takes time."""
        self._choice.warm_up()

    def close(self) -> None:
        """Let go of threads and engines."""
        self._speaking.shutdown(wait=False, cancel_futures=True)
        self._preparing.shutdown(wait=False, cancel_futures=True)
        self._asking.shutdown(wait=False, cancel_futures=True)
        self._choice.close()

    def _prepare(self, prompt: Prompt, rate: int) -> None:
        if GAP not in prompt.text:
            self.render(prompt, rate)
            return
        speaker, sentences = _read(prompt)
        sentences = tuple(each for each in sentences if GAP not in each.caption)
        engine = self._choice.speaking(speaker)[0]
        with suppress(Unavailable):
            fixed = [each for each in _utterances(sentences) if GAP not in each.markup]
            self._all_said(fixed, speaker, engine, rate)

    def _rendered(self, prompt: Prompt, rate: int) -> tuple[Speech, bool]:
        """The speech, and whether the engine that was chosen for it has made it."""
        if len(prompt.text) > LONGEST_TEXT:
            raise PromptFailed(
                f"the prompt has {len(prompt.text)} characters, at most {LONGEST_TEXT} are spoken"
            )
        speaker, sentences = _read(prompt)
        engines = self._choice.speaking(speaker)
        failure: Unavailable | None = None
        for engine in engines:
            # The whole prompt by one engine: nobody changes their voice within it.
            try:
                return self._assembled(sentences, speaker, engine, rate), engine is engines[0]
            except Unavailable as error:
                failure = error
                _log.warning("a speech engine failed", engine=engine.name, error=str(error))
        raise PromptFailed(str(failure)) from failure

    def _assembled(
        self, sentences: tuple[Sentence, ...], speaker: Speaker, engine: Engine, rate: int
    ) -> Speech:
        import numpy as np

        from ringfence.lines.speech import waveform

        said = self._all_said(_utterances(sentences), speaker, engine, rate)
        pieces = []
        captions = []
        samples = 0
        for sentence in sentences:
            captioned = not sentence.caption
            for part in sentence.parts:
                piece = said[part] if isinstance(part, Utterance) else _quiet(part, rate)
                if not captioned and not isinstance(part, Silence):
                    captions.append(Caption(samples / rate, sentence.caption))
                    captioned = True
                pieces.append(piece)
                samples += piece.size
        whole = np.concatenate(pieces) if pieces else np.zeros(0)
        pcm = waveform.to_pcm(waveform.level(whole, rate))
        return Speech(Audio(pcm, rate), tuple(captions))

    def _all_said(
        self, utterances: Sequence[Utterance], speaker: Speaker, engine: Engine, rate: int
    ) -> dict[Utterance, Wave]:
        distinct = tuple(dict.fromkeys(utterances))
        said = partial(self._said, speaker=speaker, engine=engine, rate=rate)
        how = self._asking.map if engine.asks_elsewhere and len(distinct) > 1 else map
        return dict(zip(distinct, how(said, distinct), strict=True))

    def _said(self, utterance: Utterance, speaker: Speaker, engine: Engine, rate: int) -> Wave:
        from ringfence.lines.speech import waveform

        key = (engine.name, speaker, utterance, rate)
        pcm = self._parts.get(key)
        if pcm is None:
            sound = engine.say(utterance, speaker)
            heard = waveform.trim(sound.wave, sound.rate)
            heard = waveform.resample(heard, sound.rate, rate, lowest_hertz=waveform.LOWEST_HERTZ)
            pcm = waveform.to_pcm(waveform.fade(heard, rate))
            self._parts.keep(key, pcm, len(pcm))
        return waveform.from_pcm(pcm)


def _utterances(sentences: tuple[Sentence, ...]) -> list[Utterance]:
    parts = (part for sentence in sentences for part in sentence.parts)
    return [part for part in parts if isinstance(part, Utterance)]


def _quiet(part: Silence | Bleep, rate: int) -> Wave:
    from ringfence.lines.speech import waveform

    if isinstance(part, Silence):
        return waveform.silence(part.seconds, rate)
    return waveform.fade(waveform.tone(part.seconds, rate), rate)


def _read(prompt: Prompt) -> tuple[Speaker, tuple[Sentence, ...]]:
    language = voice_for(prompt.voice, prompt.language).language
    return Speaker(prompt.voice, language), script(prompt, language)
