"""The synthesizer: a prompt in, speech out, kept for the next time it is said."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict

from ringfence.errors import Unavailable
from ringfence.flows.participant import Prompt, PromptFailed
from ringfence.lines.speech.audio import Audio, Caption, Speech
from ringfence.lines.speech.espeak import espeak
from ringfence.lines.speech.script import Bleep, Sentence, Silence, script
from ringfence.lines.speech.voices import Voice, in_language, voice_for, whispering

TELEPHONE_RATE = 8000  # G.711
WIDEBAND_RATE = 16000
RATES = (TELEPHONE_RATE, WIDEBAND_RATE)

LONGEST_TEXT = 6000  # characters, Amazon Connect's limit for a prompt
_DEFAULT_CACHE_BYTES = 16 * 1024 * 1024


class Synthesizer:
    """Speaks prompts with eSpeak NG. Safe to use from many tasks and threads."""

    def __init__(self, *, cache_bytes: int = _DEFAULT_CACHE_BYTES) -> None:
        """`cache_bytes` bounds the sound that is kept; the least recently used goes first."""
        self._cache_bytes = cache_bytes
        self._cache: OrderedDict[tuple[Prompt, int], Speech] = OrderedDict()
        self._held_bytes = 0
        self._lock = threading.Lock()

    async def speak(self, prompt: Prompt, rate: int = WIDEBAND_RATE) -> Speech:
        """`prompt` as sound at `rate` (8000 or 16000 samples a second), with timed captions.

        The sound is level (active speech at -20 dBFS, peaks at most -1 dBFS) and starts and ends
        without a click. A prompt that says nothing gives an empty sound. Rendered in a thread.
        Raises `PromptFailed` on broken SSML, a text beyond 6,000 characters, or an engine that
        cannot be loaded.
        """
        if cached := self._look_up(prompt, rate):
            return cached
        return await asyncio.to_thread(self.render, prompt, rate)

    def render(self, prompt: Prompt, rate: int = WIDEBAND_RATE) -> Speech:
        """The same as `speak`, in the calling thread."""
        if rate not in RATES:
            raise ValueError(f"the rate is {rate}, not one of {RATES}")
        if cached := self._look_up(prompt, rate):
            return cached
        if len(prompt.text) > LONGEST_TEXT:
            raise PromptFailed(
                f"the prompt has {len(prompt.text)} characters, at most {LONGEST_TEXT} are spoken"
            )
        voice = voice_for(prompt.voice, prompt.language)
        try:
            speech = _render(script(prompt, voice.language), voice, rate)
        except Unavailable as error:
            raise PromptFailed(str(error)) from error
        self._keep(prompt, rate, speech)
        return speech

    @property
    def held_bytes(self) -> int:
        """How much sound the cache holds now."""
        return self._held_bytes

    def _look_up(self, prompt: Prompt, rate: int) -> Speech | None:
        with self._lock:
            speech = self._cache.get((prompt, rate))
            if speech is not None:
                self._cache.move_to_end((prompt, rate))
            return speech

    def _keep(self, prompt: Prompt, rate: int, speech: Speech) -> None:
        size = len(speech.audio.pcm)
        if size > self._cache_bytes:
            return
        with self._lock:
            previous = self._cache.pop((prompt, rate), None)
            self._held_bytes += size - (len(previous.audio.pcm) if previous else 0)
            self._cache[prompt, rate] = speech
            while self._held_bytes > self._cache_bytes:
                _, evicted = self._cache.popitem(last=False)
                self._held_bytes -= len(evicted.audio.pcm)


def _render(sentences: tuple[Sentence, ...], voice: Voice, rate: int) -> Speech:
    import numpy as np

    from ringfence.lines.speech import waveform

    engine = espeak()
    pieces = []
    captions = []
    samples = 0
    for sentence in sentences:
        captioned = not sentence.caption
        for part in sentence.parts:
            if isinstance(part, Silence):
                piece = waveform.silence(part.seconds, rate)
            elif isinstance(part, Bleep):
                piece = waveform.fade(waveform.tone(part.seconds, rate), rate)
            else:
                speaker = in_language(voice, part.language) if part.language else voice
                speaker = whispering(speaker) if part.whispered else speaker
                raw = waveform.from_pcm(engine.render(part.markup, speaker))
                spoken = waveform.trim(raw, engine.rate)
                piece = waveform.fade(waveform.resample(spoken, engine.rate, rate), rate)
            if not captioned and not isinstance(part, Silence):
                captions.append(Caption(samples / rate, sentence.caption))
                captioned = True
            pieces.append(piece)
            samples += piece.size
    whole = np.concatenate(pieces) if pieces else np.zeros(0)
    pcm = waveform.to_pcm(waveform.level(whole, rate))
    return Speech(Audio(pcm, rate), tuple(captions))
