"""Numbers before a noun, ranks and fractions, as each language has them.

The speech engine reads figures in every language, but knows neither the noun behind them ("uno
euro" for "un euro", "dois libras" for "duas libras") nor most endings of a rank. What it gets
right stays in figures; the rest is put in words here.
"""

from __future__ import annotations

import re
from enum import StrEnum


class Gender(StrEnum):
    """Of the noun behind a number."""

    MASCULINE = "m"
    FEMININE = "f"
    NEUTER = "n"


_ONE = {
    "de": {Gender.MASCULINE: "ein", Gender.FEMININE: "eine", Gender.NEUTER: "ein"},
    "fr": {Gender.FEMININE: "une"},
    "it": {Gender.MASCULINE: "un", Gender.FEMININE: "una"},
}
_FRENCH_TENS = {2: "vingt", 3: "trente", 4: "quarante", 5: "cinquante", 6: "soixante"}

_SPANISH_SMALL = (
    *("", "", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez", "once"),
    *("doce", "trece", "catorce", "quince", "dieciséis", "diecisiete", "dieciocho", "diecinueve"),
    *("veinte", "", "veintidós", "veintitrés", "veinticuatro", "veinticinco", "veintiséis"),
    *("veintisiete", "veintiocho", "veintinueve"),
)
_SPANISH_TENS = (
    *("", "", "", "treinta", "cuarenta", "cincuenta", "sesenta", "setenta", "ochenta", "noventa"),
)
_SPANISH_HUNDREDS = (
    *("", "ciento", "doscient", "trescient", "cuatrocient", "quinient", "seiscient", "setecient"),
    *("ochocient", "novecient"),
)
_PORTUGUESE_HUNDREDS = (
    *("", "cento", "duzent", "trezent", "quatrocent", "quinhent", "seiscent", "setecent"),
    *("oitocent", "novecent"),
)
_LARGEST_IN_WORDS = 999_999

_GERMAN_TENS_FROM = 20
_GERMAN_SMALL = (
    *("null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn"),
    *("elf", "zwölf", "dreizehn", "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn"),
    "neunzehn",
)
_GERMAN_TENS = (
    *("", "", "zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig"),
    "neunzig",
)
_FIRST = {"fr": "premier", "es": "primero", "it": "primo", "pt": "primeiro"}

# By language, for 2, 3, 4 ... under the line: the word for one, then for many.
_PARTS = {
    "en": "half halves third thirds quarter quarters fifth fifths sixth sixths seventh sevenths "
    "eighth eighths ninth ninths tenth tenths",
    "de": "halb halbe Drittel Drittel Viertel Viertel",
    "fr": "demi demis tiers tiers quart quarts",
    "es": "medio medios tercio tercios cuarto cuartos quinto quintos sexto sextos séptimo séptimos "
    "octavo octavos noveno novenos décimo décimos",
    "it": "mezzo mezzi terzo terzi quarto quarti quinto quinti sesto sesti settimo settimi "
    "ottavo ottavi nono noni decimo decimi",
    "pt": "meio meios terço terços quarto quartos quinto quintos sexto sextos sétimo sétimos "
    "oitavo oitavos nono nonos décimo décimos",
}
_OVER = {"en": "over", "de": "durch", "fr": "sur", "es": "sobre", "it": "su", "pt": "sobre"}
_AND = {"en": "and", "de": "und", "fr": "et", "es": "y", "it": "e", "pt": "e", "nl": "en"}
_BARE_HALF = frozenset({("es", 2), ("pt", 2), ("it", 2), ("fr", 2)})
_VULGAR = {"½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅛": "1/8", "⅜": "3/8"}
_FRACTION = re.compile(r"(?:(\d{1,9})\s*(?:\s|\+)\s*)?(\d{1,9})\s*[/⁄]\s*(\d{1,9})")
_NUMBER = re.compile(
    r"([-+]?)(\d{1,3}(?:([,.'’ \u00a0\u202f])\d{3})(?:\3\d{3})*|\d+)(?:([.,])(\d+))?"
)


def primary(language: str) -> str:
    """`de` for `de-CH`."""
    return language.lower().replace("_", "-").partition("-")[0]


def counted(number: int, language: str, gender: Gender = Gender.MASCULINE) -> str:
    """`number` (0 or more) as it stands before a noun of `gender`: figures, or words."""
    spoken = primary(language)
    if number == 1 and (one := _ONE.get(spoken, {}).get(gender)):
        return one
    feminine = gender is Gender.FEMININE
    if spoken == "fr" and feminine and number % 100 in (21, 31, 41, 51, 61):
        rest = number - number % 100
        return f"{rest or ''} {_FRENCH_TENS[number % 100 // 10]} et une".strip()
    if spoken == "fr" and feminine and number % 100 == 1:
        return f"{number - 1} une"
    if spoken == "es" and 0 < number <= _LARGEST_IN_WORDS and _spanish_agrees(number, feminine):
        return _spanish(number, feminine)
    if spoken == "pt" and feminine and 0 < number <= _LARGEST_IN_WORDS:
        return _portuguese_feminine(number)
    return str(number)


def of_before(number: int, language: str, noun: str) -> str:
    """What stands between whole millions and their noun ("un millón de euros"), with the gap."""
    if number == 0 or number % 1_000_000:
        return " "
    spoken = primary(language)
    if spoken == "fr":
        return " d'" if noun[:1].lower() in "aeéiouy" else " de "
    return {"es": " de ", "pt": " de ", "it": " di "}.get(spoken, " ")


def ordinal(text: str, language: str) -> str | None:
    """`3` as a rank: "3rd", "dritter"; figures alone where `language` has no form here.

    None when there are no figures in `text`, or more than nine.
    """
    figures = re.sub(r"[^\d]", "", text)
    if not figures or len(figures) > 9:
        return None
    number = int(figures)
    spoken = primary(language)
    if spoken == "en":
        teen = 10 <= number % 100 <= 20
        return f"{number}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"
    if number == 1 and spoken in _FIRST:
        return _FIRST[spoken]
    if spoken == "fr":
        return f"{number}ème"
    if spoken in ("es", "it", "pt"):
        return f"{number}º"
    if spoken == "de":
        return _german_ordinal(number)
    return str(number)


def fraction(text: str, language: str, gender: Gender = Gender.MASCULINE) -> str | None:
    """`3/4`, `2 1/2` or `2½` in words: "3 quarters", "2 and a half"; None for anything else.

    `gender` is that of what is halved ("media pulgada").
    """
    for sign, written in _VULGAR.items():
        text = text.replace(sign, f" {written}")
    found = _FRACTION.fullmatch(text.strip())
    if not found or int(found[3]) == 0:
        return None
    spoken = primary(language)
    part = _part(int(found[2]), int(found[3]), language)
    if gender is Gender.FEMININE and part in ("medio", "mezzo", "meio"):
        part = f"{part[:-1]}a"
    if not found[1]:
        return part
    if spoken == "de" and part == "ein halb":
        return f"{int(found[1])} einhalb"
    if spoken == "en" and (found[2], found[3]) == ("1", "2"):
        part = "a half"
    return f"{int(found[1])} {_AND.get(spoken, '')} {part}".replace("  ", " ")


def cardinal(text: str, language: str) -> str:
    """A number without the marks that group its thousands, decimals behind `language`'s own mark.

    What is no number stays as it is.
    """
    text = text.strip()
    found = _NUMBER.fullmatch(text)
    if not found or found[3] == found[4] is not None:
        return text
    sign, whole, grouping, _, decimals = found.groups()
    mark = "." if primary(language) == "en" else ","
    if grouping == mark and not decimals and whole.count(mark) == 1:
        whole, decimals = whole.split(mark)  # "3.142" in English is no thousand
    whole = re.sub(r"\D", "", whole)
    return f"{sign}{whole}{mark}{decimals}" if decimals else f"{sign}{whole}"


def _part(above: int, below: int, language: str) -> str:
    spoken = primary(language)
    names = _PARTS.get(spoken, "").split()[2 * below - 4 : 2 * below - 2] if below > 1 else []
    if names:
        one, many = names
        if above != 1:
            return f"{above} {many}"
        alone = (spoken, below) in _BARE_HALF
        return one if alone else f"{counted(1, language) if spoken != 'en' else 'one'} {one}"
    if spoken == "de" and below > 1 and above > 0:
        rank = _german_ordinal(below)
        if rank.endswith("r"):
            return f"{counted(above, language)} {rank[:-1].capitalize()}l"
    if spoken == "fr" and below > 1:
        return f"{above} {below}ème"
    return f"{above} {_OVER.get(spoken, '/')} {below}"


def _german_ordinal(number: int) -> str:
    """In words, as eSpeak NG reads the ending of `24ster` as a word; beyond 99 the bare figures."""
    if number > 99:
        return str(number)
    irregular = {1: "erster", 3: "dritter", 7: "siebter", 8: "achter", 0: "nullter"}
    if number in irregular:
        return irregular[number]
    if number < _GERMAN_TENS_FROM:
        return f"{_GERMAN_SMALL[number]}ter"
    tens, units = divmod(number, 10)
    one = {0: "", 1: "einund"}.get(units, f"{_GERMAN_SMALL[units]}und")
    return f"{one}{_GERMAN_TENS[tens]}ster"


def _spanish_agrees(number: int, feminine: bool) -> bool:
    """Whether the noun (or "mil") changes the number: in a "uno", and in feminine hundreds."""
    groups = divmod(number, 1000)
    ones = any(group % 10 == 1 and group % 100 != 11 for group in groups)
    return ones or (feminine and any(group >= 200 for group in groups))


def _spanish(number: int, feminine: bool) -> str:
    thousands, rest = divmod(number, 1000)
    words = []
    if thousands:
        words.append("mil" if thousands == 1 else f"{_spanish_group(thousands, feminine)} mil")
    if rest:
        words.append(_spanish_group(rest, feminine))
    return " ".join(words)


def _spanish_group(number: int, feminine: bool) -> str:
    hundreds, rest = divmod(number, 100)
    if number == 100:
        return "cien"
    words = []
    if hundreds:
        ending = "" if hundreds == 1 else "as" if feminine else "os"
        words.append(_SPANISH_HUNDREDS[hundreds] + ending)
    if rest == 1:
        words.append("una" if feminine else "un")
    elif rest == 21:
        words.append("veintiuna" if feminine else "veintiún")
    elif rest < 30:
        words.append(_SPANISH_SMALL[rest])
    else:
        tens, units = divmod(rest, 10)
        one = ("una" if feminine else "un") if units == 1 else _SPANISH_SMALL[units]
        words.append(_SPANISH_TENS[tens] + (f" y {one}" if units else ""))
    return " ".join(word for word in words if word)


def _portuguese_feminine(number: int) -> str:
    """The hundreds and the last word in the feminine; the engine reads the rest from figures."""
    thousands, rest = divmod(number, 1000)
    words = []
    if thousands > 1:
        words.append(_portuguese_group(thousands))
    if thousands:
        words.append("mil")
    if rest:
        joined = thousands and (rest < 100 or rest % 100 == 0)
        words.append(("e " if joined else "") + _portuguese_group(rest))
    return " ".join(words)


def _portuguese_group(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    if number == 100:
        return "cem"
    words = []
    if hundreds:
        words.append(_PORTUGUESE_HUNDREDS[hundreds] + ("" if hundreds == 1 else "as"))
    if rest:
        tens, units = divmod(rest, 10)
        one = {1: "uma", 2: "duas"}.get(units)
        if one is None or tens == 1:
            words.append(str(rest))
        else:
            words.extend([str(tens * 10), one] if tens else [one])
    return " e ".join(words)
