"""Voices: what Amazon Connect calls a voice, said with what eSpeak NG has.

A voice name of Amazon Polly carries its language with it, as it does in Connect: `Vicki` speaks
German whatever the contact's language is. Only an unknown voice follows the prompt's language.
Names, languages and genders: Amazon Polly developer guide, "Available voices".
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice of eSpeak NG: `name` such as `en-us+f3`, and the language tag it speaks."""

    name: str
    language: str
    words_per_minute: int = 160
    pitch: int = 50  # 0-99, 50 is the voice's own


# By language: women's names, men's names, children's names.
_POLLY: dict[str, tuple[str, str, str]] = {
    "en-US": (
        "Joanna Kendra Kimberly Salli Ruth Danielle",
        "Matthew Joey Stephen Gregory Patrick",
        "Ivy Justin Kevin",
    ),
    "en-GB": ("Amy Emma", "Brian Arthur", ""),
    "en-GB-WLS": ("", "Geraint", ""),
    "en-AU": ("Nicole Olivia", "Russell", ""),
    "en-IN": ("Aditi Raveena Kajal", "", ""),
    "en-NZ": ("Aria", "", ""),
    "en-ZA": ("Ayanda", "", ""),
    "en-IE": ("Niamh", "", ""),
    "en-SG": ("Jasmine", "", ""),
    "de-DE": ("Vicki Marlene", "Hans Daniel", ""),
    "de-AT": ("Hannah", "", ""),
    "de-CH": ("Sabrina", "", ""),
    "fr-FR": ("Celine Céline Lea Léa", "Mathieu Remi Rémi", ""),
    "fr-CA": ("Chantal Gabrielle", "Liam", ""),
    "fr-BE": ("Isabelle", "", ""),
    "es-ES": ("Conchita Lucia Lucía", "Enrique Sergio Raul Raúl", ""),
    "es-MX": ("Mia", "Andres Andrés", ""),
    "es-US": ("Lupe Penelope Penélope", "Miguel Pedro", ""),
    "it-IT": ("Carla Bianca", "Giorgio Adriano", ""),
    "pt-BR": ("Camila Vitoria Vitória", "Ricardo Thiago", ""),
    "pt-PT": ("Ines Inês", "Cristiano", ""),
    "nl-NL": ("Lotte Laura", "Ruben", ""),
    "nl-BE": ("Lisa", "", ""),
    "da-DK": ("Naja Sofie", "Mads", ""),
    "nb-NO": ("Liv Ida", "", ""),
    "sv-SE": ("Astrid Elin", "", ""),
    "fi-FI": ("Suvi", "", ""),
    "is-IS": ("Dora Dóra", "Karl", ""),
    "pl-PL": ("Ewa Maja Ola", "Jacek Jan", ""),
    "cs-CZ": ("Jitka", "", ""),
    "ro-RO": ("Carmen", "", ""),
    "ru-RU": ("Tatyana", "Maxim", ""),
    "tr-TR": ("Filiz Burcu", "", ""),
    "cy-GB": ("Gwyneth", "", ""),
    "ca-ES": ("Arlet", "", ""),
    "arb": ("Zeina", "", ""),
    "ar-AE": ("Hala", "Zayd", ""),
    "cmn-CN": ("Zhiyu", "", ""),
    "yue-CN": ("Hiujin", "", ""),
    "ja-JP": ("Mizuki Kazuha Tomoko", "Takumi", ""),
    "ko-KR": ("Seoyeon Jihye", "", ""),
}

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

_WOMEN = ("f3", "f2", "f4", "f5", "f1")
_MEN = ("m3", "m1", "m7", "m4")
_CHILD_PITCH = 75
_WHISPERS = {"f": "whisperf", "m": "whisper"}
_FALLBACK = "en-us"
_TAG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8})*")


def voice_for(name: str, language: str) -> Voice:
    """The voice for a Connect voice name; an unknown name gives a woman's voice in `language`."""
    known = _VOICES.get(name.strip().lower())
    return known or Voice(f"{espeak_language(language)}+{_WOMEN[0]}", language)


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


def _voices() -> dict[str, Voice]:
    voices: dict[str, Voice] = {}
    for language, (women, men, children) in _POLLY.items():
        base = espeak_language(language)
        for index, name in enumerate(women.split()):
            voices[name.lower()] = Voice(f"{base}+{_WOMEN[index % len(_WOMEN)]}", language)
        for index, name in enumerate(men.split()):
            voices[name.lower()] = Voice(f"{base}+{_MEN[index % len(_MEN)]}", language)
        for name in children.split():
            voices[name.lower()] = Voice(f"{base}+f2", language, pitch=_CHILD_PITCH)
    return voices


_VOICES = _voices()
