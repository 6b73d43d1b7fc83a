"""`<say-as>`: what eSpeak NG leaves out of it, rewritten to what it does say.

eSpeak NG 1.52 ignores `interpret-as="digits"` (4071 becomes "four thousand and seventy one"), and
knows neither currency nor date nor time nor ordinal. Meanings as in Amazon Polly's SSML reference.
"""

from __future__ import annotations

import re
from html import escape

from ringfence.lines.speech.calendar import german_days_said, german_declined, said_date, said_time
from ringfence.lines.speech.measures import said_address, said_unit
from ringfence.lines.speech.money import money, with_money_said
from ringfence.lines.speech.numbers import cardinal, fraction, ordinal, primary

_ONE_BY_ONE = frozenset({"digits", "verbatim", "characters", "spell-out"})
_EXTENSION = {
    "en": "extension",
    "de": "Durchwahl",
    "fr": "poste",
    "es": "extensión",
    "it": "interno",
    "pt": "ramal",
}


def said(text: str, interpret_as: str, format_: str, language: str, before: str = "") -> str:
    """eSpeak NG markup that says `text` as `interpret_as` asks, behind the words `before`.

    An unknown or unfitting `interpret_as` degrades to the text as it stands.
    """
    text = " ".join(text.split())
    kind = interpret_as.strip().lower()
    if kind in _ONE_BY_ONE:
        return _one_by_one(text)
    if kind == "telephone":
        return _telephone(text, language)
    words: str | None = None
    if kind == "currency":
        words = money(text, language)
    elif kind in ("cardinal", "number"):
        words = fraction(text, language) or cardinal(text, language)
    elif kind == "ordinal":
        words = ordinal(text, language)
    elif kind == "fraction":
        words = fraction(text, language)
    elif kind == "unit":
        words = said_unit(text, language)
    elif kind == "date":
        words = said_date(text, format_, language)
    elif kind == "time":
        words = said_time(text, language)
    elif kind == "address":
        words = said_address(text, language)
    if words and primary(language) == "de" and kind in ("date", "ordinal"):
        words = german_declined(words, before)
    return escape(words, quote=False) if words else plain(text, language)


def plain(text: str, language: str) -> str:
    """eSpeak NG markup for running text: amounts of money are said as amounts."""
    if primary(language) == "de":
        text = german_days_said(text)
    return escape(with_money_said(text, language), quote=False)


def _one_by_one(text: str) -> str:
    """Each figure and letter by itself; a gap or a mark between groups is a short pause."""
    groups = []
    for group in re.split(r"[^\w+*#]+|_+", text):
        # Figures apart from letters: the engine spells "10" in a run of letters as "ten".
        runs = re.findall(r"\d+|[^\d]+", group)
        if runs:
            groups.append(" ".join(" ".join(r) if r.isdigit() else _spelled(r) for r in runs))
    return ", ".join(groups)


def _spelled(letters: str) -> str:
    return f'<say-as interpret-as="characters">{escape(letters)}</say-as>'


def _telephone(text: str, language: str) -> str:
    """A number in groups as they are written, or as people part one that is written in one go."""
    number, mark, extension = re.sub(r"(?i)\s*(?:ext\.?|x)\s*(?=\d+$)", "x", text).partition("x")
    if re.fullmatch(r"\+?\d{6,15}", number):
        number = " ".join(_groups(number.removeprefix("+"), language))
        number = f"+{number}" if text.startswith("+") else number
    said_number = _one_by_one(number)
    if not mark or not extension.isdigit():
        return said_number if not mark else _one_by_one(text)
    word = _EXTENSION.get(primary(language), "")
    return f"{said_number}, {word} {_one_by_one(extension)}".replace("  ", " ")


def _groups(figures: str, language: str) -> list[str]:
    spoken = primary(language)
    if spoken == "fr":
        first = len(figures) % 2
        return ([figures[:first]] if first else []) + re.findall("..", figures[first:])
    if spoken == "en" and len(figures) in (7, 10, 11):
        head, last = figures[:-4], figures[-4:]
        rest = len(head) % 3
        return ([head[:rest]] if rest else []) + re.findall("...", head[rest:]) + [last]
    rest = len(figures) % 3
    groups = re.findall("...", figures[: len(figures) - rest])
    if rest == 1:
        return [*groups[:-1], groups[-1][:2], groups[-1][2:] + figures[-1]]
    return groups + ([figures[-rest:]] if rest else [])
