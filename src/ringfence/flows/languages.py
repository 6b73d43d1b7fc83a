"""Languages: which flow speaks the contact's, which voice speaks it, and what a voice speaks.

A voice name carries its language with it, as it does in Amazon Connect: `Vicki` speaks German
whatever the contact's language is. Names, languages and genders: Amazon Polly developer guide,
"Available voices".
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

DEFAULT_VOICE = "Joanna"


class VoiceKind(StrEnum):
    """Whose voice it sounds like."""

    WOMAN = "woman"
    MAN = "man"
    CHILD = "child"


@dataclass(frozen=True, slots=True)
class NamedVoice:
    """A voice of Amazon Polly. `place` counts the voices of its language and kind, from 0."""

    name: str
    language: str
    kind: VoiceKind
    place: int


# By language: women's names, men's names, children's names; the first woman (or else the first
# man) is the language's own voice where a flow sets none.
_NAMES: dict[str, tuple[str, str, str]] = {
    "en-US": (
        "Joanna Kendra Kimberly Salli Ruth Danielle Tiffany",
        "Matthew Joey Stephen Gregory Patrick Curtis Kenneth Nate",
        "Ivy Justin Kevin",
    ),
    "en-GB": ("Amy Emma", "Brian Arthur", ""),
    "en-GB-WLS": ("", "Geraint", ""),
    "en-AU": ("Olivia Nicole", "Russell", ""),
    "en-IN": ("Kajal Aditi Raveena Kiara", "Arjun", ""),
    "en-NZ": ("Aria", "", ""),
    "en-ZA": ("Ayanda", "", ""),
    "en-IE": ("Niamh", "", ""),
    "en-SG": ("Jasmine", "", ""),
    "de-DE": ("Vicki Marlene Tina", "Daniel Hans Lennart", ""),
    "de-AT": ("Hannah", "", ""),
    "de-CH": ("Sabrina", "", ""),
    "fr-FR": ("Lea Léa Celine Céline Ambre", "Remi Rémi Mathieu Florian", ""),
    "fr-CA": ("Gabrielle Chantal", "Liam", ""),
    "fr-BE": ("Isabelle", "", ""),
    "es-ES": ("Lucia Lucía Conchita", "Sergio Enrique Raul Raúl", ""),
    "es-MX": ("Mia", "Andres Andrés", ""),
    "es-US": ("Lupe Penelope Penélope", "Pedro Miguel Carlos", ""),
    "it-IT": ("Bianca Carla Beatrice", "Adriano Giorgio Lorenzo", ""),
    "pt-BR": ("Camila Vitoria Vitória Carolina", "Thiago Ricardo Leo", ""),
    "pt-PT": ("Ines Inês", "Cristiano", ""),
    "nl-NL": ("Laura Lotte", "Ruben", ""),
    "nl-BE": ("Lisa", "", ""),
    "da-DK": ("Sofie Naja", "Mads", ""),
    "nb-NO": ("Ida Liv", "", ""),
    "sv-SE": ("Elin Astrid", "", ""),
    "fi-FI": ("Suvi", "", ""),
    "is-IS": ("Dora Dóra", "Karl", ""),
    "pl-PL": ("Ola Ewa Maja", "Jacek Jan", ""),
    "cs-CZ": ("Jitka", "", ""),
    "ro-RO": ("Carmen", "", ""),
    "ru-RU": ("Tatyana", "Maxim", ""),
    "tr-TR": ("Burcu Filiz", "", ""),
    "cy-GB": ("Gwyneth", "", ""),
    "ca-ES": ("Arlet", "", ""),
    "arb": ("Zeina", "", ""),
    "ar-AE": ("Hala", "Zayd", ""),
    "cmn-CN": ("Zhiyu", "", ""),
    "yue-CN": ("Hiujin", "", ""),
    "ja-JP": ("Kazuha Mizuki Tomoko", "Takumi", ""),
    "ko-KR": ("Seoyeon Jihye", "Hyunduk", ""),
}

# Tags that Amazon Polly writes in another way, or that have no voice of their own.
_SPOKEN_AS = {
    "ar": "arb",
    "hi": "en-IN",  # Kajal and Aditi speak both
    "no": "nb-NO",
    "nn": "nb-NO",
    "zh": "cmn-CN",
    "zh-hk": "yue-CN",
    "es-419": "es-US",
}
_TAG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8})*")
_SUFFIX = re.compile(r".+\.[A-Za-z]{2}(?:[-_][A-Za-z0-9]{1,8})*", re.DOTALL)


def flow_for_language(names: Collection[str], name: str, language: str) -> str:
    """The flow among `names` that says what `name` says, in `language` (a BCP 47 tag).

    For `verify-card-payment` and `de-CH` that is `verify-card-payment.de-CH`, else
    `verify-card-payment.de`, else `verify-card-payment` itself. A name that carries a language
    already stays as it is.
    """
    if _SUFFIX.fullmatch(name):
        return name
    prefix = f"{name}."
    by_tag = {
        each.removeprefix(prefix).lower().replace("_", "-"): each
        for each in sorted(names)
        if each.startswith(prefix)
    }
    spoken = (by_tag.get(tag) for tag in _from_narrow_to_wide(language))
    return next((flow for flow in spoken if flow), name)


def voice_for_language(language: str) -> str:
    """The voice that speaks `language` where a flow sets none: `Vicki` for German.

    A region without a voice of its own gets that of its language, a language without any gets
    `Joanna`.
    """
    for tag in _from_narrow_to_wide(language):
        known = _SPOKEN_AS.get(tag, tag)
        if voice := _OWN_VOICE.get(known.lower()):
            return voice
    return DEFAULT_VOICE


def language_of_voice(voice: str) -> str | None:
    """The language of a voice of Amazon Polly (`de-DE` for `Vicki`); None for any other name."""
    known = VOICES.get(voice.strip().lower())
    return known.language if known else None


def _from_narrow_to_wide(language: str) -> list[str]:
    """`zh-hant-tw`, `zh-hant`, `zh`: the lookup of RFC 4647."""
    tag = language.strip().lower().replace("_", "-")
    if not _TAG.fullmatch(tag):
        return []
    parts = tag.split("-")
    return ["-".join(parts[:length]) for length in range(len(parts), 0, -1)]


def _voices() -> dict[str, NamedVoice]:
    kinds = (VoiceKind.WOMAN, VoiceKind.MAN, VoiceKind.CHILD)
    return {
        name.lower(): NamedVoice(name, language, kind, place)
        for language, of_kinds in _NAMES.items()
        for kind, names in zip(kinds, of_kinds, strict=True)
        for place, name in enumerate(names.split())
    }


def _own_voices() -> dict[str, str]:
    own: dict[str, str] = {}
    for language, (women, men, _) in _NAMES.items():
        voice = (women or men).split()[0]
        own[language.lower()] = voice
        own.setdefault(language.partition("-")[0].lower(), voice)
    return own


VOICES: Mapping[str, NamedVoice] = MappingProxyType(_voices())  # by name in lower case
_OWN_VOICE = _own_voices()
