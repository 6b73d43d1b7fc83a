"""`<say-as>`: what eSpeak NG leaves out of it, rewritten to what it does say.

eSpeak NG 1.52 ignores `interpret-as="digits"` (4071 becomes "four thousand and seventy one"), and
knows neither currency nor date nor time nor ordinal. Meanings as in Amazon Polly's SSML reference.
"""

from __future__ import annotations

import re
from html import escape

from ringfence.lines.speech.calendar import said_date, said_ordinal, said_time
from ringfence.lines.speech.money import money, with_money_said

_ONE_BY_ONE = frozenset({"digits", "telephone", "verbatim", "characters", "spell-out"})


def said(text: str, interpret_as: str, format_: str, language: str) -> str:
    """eSpeak NG markup that says `text` as `interpret_as` asks.

    An unknown or unfitting `interpret_as` degrades to the text as it stands.
    """
    text = " ".join(text.split())
    kind = interpret_as.strip().lower()
    if kind in _ONE_BY_ONE:
        return _one_by_one(text)
    if kind == "currency":
        return escape(money(text, language) or with_money_said(text, language))
    if kind in ("cardinal", "number"):
        return escape(_cardinal(text))
    if kind == "ordinal":
        return escape(said_ordinal(text, language) or text)
    if kind == "date":
        return escape(said_date(text, format_, language) or text)
    if kind == "time":
        return escape(said_time(text, language) or text)
    return plain(text, language)


def plain(text: str, language: str) -> str:
    """eSpeak NG markup for running text: amounts of money are said as amounts."""
    return escape(with_money_said(text, language), quote=False)


def _one_by_one(text: str) -> str:
    """Each figure and letter by itself; a gap or a mark between groups is a short pause."""
    groups = []
    for group in re.split(r"[^\w+*#]+|_+", text):
        if group.isdigit():
            groups.append(" ".join(group))
        elif group:
            groups.append(f'<say-as interpret-as="characters">{escape(group)}</say-as>')
    return ", ".join(groups)


def _cardinal(text: str) -> str:
    """A whole number without the marks that group its thousands, which would cut it in pieces."""
    if re.fullmatch(r"-?\d{1,3}([,.'’ ]\d{3})+", text):
        return re.sub(r"[,.'’ ]", "", text)
    return text
