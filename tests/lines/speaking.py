"""What tests say, and what the synthesizer makes of it."""

from __future__ import annotations

from ringfence.flows import Prompt
from ringfence.lines.speech import waveform as wf
from ringfence.lines.speech.audio import Audio


def samples(audio: Audio) -> wf.Wave:
    return wf.from_pcm(audio.pcm)


def ssml(inside: str, voice: str = "Joanna") -> Prompt:
    return Prompt(f"<speak>{inside}</speak>", ssml=True, voice=voice)
