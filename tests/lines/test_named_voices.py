"""Voices by their names: each of Amazon Polly's speaks its own language."""

from __future__ import annotations

from ringfence.flows.languages import VOICES
from ringfence.lines.speech.voices import espeak_language, voice_for


def test_every_voice_of_amazon_polly_speaks_its_own_language() -> None:
    for name, named in VOICES.items():
        voice = voice_for(name, "xx-XX")
        assert voice.language == named.language
        assert voice.name.startswith(f"{espeak_language(named.language)}+")
    assert voice_for("Tiffany", "de-DE").name.startswith("en-us+f")
    assert voice_for("Kevin", "de-DE").pitch > voice_for("Matthew", "de-DE").pitch
