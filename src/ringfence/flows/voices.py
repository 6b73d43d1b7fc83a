"""Which voice speaks a language where a flow has chosen none.

Names of Amazon Polly's voices, as flows name them. What a voice sounds like is the line's matter.
"""

from __future__ import annotations

FALLBACK = "Joanna"

# By language tag, then by its first part: the voice that Amazon Connect's documentation and
# samples use for it.
_DEFAULTS = {
    "ar": "Zeina",
    "ca": "Arlet",
    "cs": "Jitka",
    "cy": "Gwyneth",
    "da": "Sofie",
    "de": "Vicki",
    "de-at": "Hannah",
    "de-ch": "Sabrina",
    "en": FALLBACK,
    "en-au": "Olivia",
    "en-gb": "Amy",
    "en-ie": "Niamh",
    "en-in": "Kajal",
    "en-nz": "Aria",
    "en-za": "Ayanda",
    "es": "Lucia",
    "es-mx": "Mia",
    "es-us": "Lupe",
    "fi": "Suvi",
    "fr": "Lea",
    "fr-be": "Isabelle",
    "fr-ca": "Gabrielle",
    "is": "Dora",
    "it": "Bianca",
    "ja": "Kazuha",
    "ko": "Seoyeon",
    "nb": "Ida",
    "nl": "Laura",
    "nl-be": "Lisa",
    "no": "Ida",
    "pl": "Ola",
    "pt": "Ines",
    "pt-br": "Camila",
    "ro": "Carmen",
    "ru": "Tatyana",
    "sv": "Elin",
    "tr": "Burcu",
    "yue": "Hiujin",
    "zh": "Zhiyu",
}


def default_voice(language: str) -> str:
    """The voice for a language tag such as `de-DE`; Joanna for a language that is not known."""
    tag = language.strip().lower().replace("_", "-")
    return _DEFAULTS.get(tag) or _DEFAULTS.get(tag.partition("-")[0]) or FALLBACK
