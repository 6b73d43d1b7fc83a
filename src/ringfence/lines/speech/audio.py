"""A stretch of sound, and the file that carries it to a browser."""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Audio:
    """Mono sound: signed 16-bit little-endian PCM at `rate` samples per second."""

    pcm: bytes
    rate: int

    @property
    def duration_seconds(self) -> float:
        """How long it plays."""
        return len(self.pcm) / 2 / self.rate

    def wav(self) -> bytes:
        """The same sound as a RIFF/WAVE file."""
        file = io.BytesIO()
        with wave.open(file, "wb") as writer:
            writer.setnchannels(1)
            writer.setsampwidth(2)
            writer.setframerate(self.rate)
            writer.writeframes(self.pcm)
        return file.getvalue()


@dataclass(frozen=True, slots=True)
class Caption:
    """One sentence as it is written, and when it starts within its audio."""

    at_seconds: float
    text: str


@dataclass(frozen=True, slots=True)
class Speech:
    """A spoken prompt with its captions, in the order in which they are heard."""

    audio: Audio
    captions: tuple[Caption, ...]
