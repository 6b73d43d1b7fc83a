"""How long it takes to hear a prompt, and recordings that are silent but have a length."""

from __future__ import annotations

import io
import re
import wave

from ringfence.flows.participant import Prompt, Recording

WORDS_A_MINUTE = 155
_RATE = 8000  # Hz
_BREAK = re.compile(r"""<break\b[^>]*\btime\s*=\s*["'](\d+(?:\.\d+)?)(ms|s)["']""")


def words_of(ssml: str) -> str:
    """What is spoken of an SSML text, without its marks."""
    from html import unescape

    return " ".join(unescape(re.sub(r"<[^>]*>", " ", ssml)).split())


def seconds_of(sound: Prompt | Recording) -> float:
    """The length of a prompt at 155 words a minute, with its breaks; or that of a recording."""
    if isinstance(sound, Recording):
        try:
            with wave.open(io.BytesIO(sound.wav)) as file:
                return float(file.getnframes() / file.getframerate())
        except (wave.Error, EOFError):
            return len(sound.wav) / _RATE  # G.711, one byte a sample
    text = words_of(sound.text) if sound.ssml else sound.text
    breaks = _BREAK.findall(sound.text) if sound.ssml else []
    pauses = sum(float(time) / (1000 if unit == "ms" else 1) for time, unit in breaks)
    return len(text.split()) * 60 / WORDS_A_MINUTE + pauses


def silence(name: str, seconds: float) -> Recording:
    """A silent recording of that length; `name` is what one is to have heard in it."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(_RATE)
        file.writeframes(b"\x80" * int(seconds * _RATE))
    return Recording(name, content.getvalue())
