"""Voices: what Amazon Connect calls a voice, said with what eSpeak NG has.

A voice of Amazon Polly speaks its own language (`ringfence.flows.languages`); only an unknown
voice follows the prompt's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ringfence.flows.languages import VOICES, NamedVoice, VoiceKind


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice of eSpeak NG: `name` such as `en-us+f3`, and the language tag it speaks."""

    name: str
    language: str
    words_per_minute: int = 160
    pitch: int = 50  # 0-99, 50 is the voice's own


# What eSpeak NG calls a language, where it is not the tag or its first part in lower case.
_ESPEAK_LANGUAGE = {
    "en": "en-us",
    "en-us": "en-us",
    "en-gb": "en-gb-x-rp",
    "en-gb-wls": "en",
    "en-au": "en",
    "en-in": "en",
    "en-nz": "en",
    "en-za": "en",
    "en-ie": "en",
    "en-sg": "en",
    "es-us": "es-419",
    "es-mx": "es-419",
    "fr-be": "fr-be",
    "fr-ch": "fr-ch",
    "pt-br": "pt-br",
    "arb": "ar",
    "no": "nb",
    "zh": "cmn",
    "zh-hk": "yue",
    "zh-tw": "cmn",
    "iw": "he",
    "in": "id",
}

# In the order in which a recogniser understands their digits, with and without the telephone's
# band (`python -m bench speech`).
_WOMEN = ("f2", "f5", "f1", "f3", "f4")
_MEN = ("m1", "m3", "m4", "m7")
_CHILD, _CHILD_PITCH = "f2", 75
_WHISPERS = {"f": "whisperf", "m": "whisper"}
_FALLBACK = "en-us"
_TAG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8})*")


def voice_for(name: str, language: str) -> Voice:
    """The voice for a Connect voice name; an unknown name gives a woman's voice in `language`."""
    known = VOICES.get(name.strip().lower())
    return _spoken(known) if known else Voice(f"{espeak_language(language)}+{_WOMEN[0]}", language)


def in_language(voice: Voice, language: str) -> Voice:
    """The same speaker in another language, for a few foreign words (`<lang xml:lang>`)."""
    variant = voice.name.partition("+")[2]
    return Voice(
        f"{espeak_language(language)}+{variant}", language, voice.words_per_minute, voice.pitch
    )


def whispering(voice: Voice) -> Voice:
    """The same speaker, whispering (`<amazon:effect name="whispered">`)."""
    language, _, variant = voice.name.partition("+")
    whisper = _WHISPERS.get(variant[:1], "whisperf")
    return Voice(f"{language}+{whisper}", voice.language, voice.words_per_minute, voice.pitch)


def is_language(tag: str) -> bool:
    """Whether `tag` has the form of a language tag; only such a name reaches the engine."""
    return _TAG.fullmatch(tag.strip()) is not None


def espeak_language(tag: str) -> str:
    """The name of the language `tag` (BCP 47) in eSpeak NG: `en-US` is `en-us`."""
    if not is_language(tag):
        return _FALLBACK
    lowered = tag.strip().lower().replace("_", "-")
    primary = lowered.partition("-")[0]
    return _ESPEAK_LANGUAGE.get(lowered) or _ESPEAK_LANGUAGE.get(primary) or primary or _FALLBACK


def _spoken(voice: NamedVoice) -> Voice:
    language = espeak_language(voice.language)
    if voice.kind is VoiceKind.CHILD:
        return Voice(f"{language}+{_CHILD}", voice.language, pitch=_CHILD_PITCH)
    speakers = _MEN if voice.kind is VoiceKind.MAN else _WOMEN
    return Voice(f"{language}+{speakers[voice.place % len(speakers)]}", voice.language)
