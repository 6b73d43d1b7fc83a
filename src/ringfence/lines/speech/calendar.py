"""Dates and times, as people say them in the languages that contact flows are written in.

A language that is not here gets its figures, which the speech engine reads in order.
"""

from __future__ import annotations

import re
from datetime import date

from ringfence.lines.speech.numbers import Gender, counted, ordinal, primary

_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre "
    "diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre "
    "dicembre",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro "
    "dezembro",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
}
_GERMAN_DAY = re.compile(rf"(\d{{1,2}})\.(\s*)(?={'|'.join(_MONTHS['de'].split())})")
_BEFORE_DATIVE = re.compile(
    r"\b(?:ab|am|bei|beim|bis|dem|den|mit|nach|seit|vom|von|vor|zum)\W*$", re.IGNORECASE
)
_BEFORE_WEAK = re.compile(r"\b(?:der|die|das)\W*$", re.IGNORECASE)
_JOIN = {"es": " de ", "pt": " de "}
_MONTH_FIRST = frozenset({"en", "en-us"})  # and where the month stands first in figures
_FIRST_OF_MONTH_IN_FIGURES = frozenset({"es-es", "pt-pt", "nl-nl", "nl"})  # "uno de mayo"
_CENTURY_TURNS = 70  # `69` is 2069, `70` is 1970

# One hour, many hours, and what joins the minutes to them.
_HOURS = {
    "de": ("Uhr", "Uhr", " "),
    "fr": ("heure", "heures", " "),
    "es": ("hora", "horas", " y "),
    "it": ("ora", "ore", " e "),
    "pt": ("hora", "horas", " e "),
    "nl": ("uur", "uur", " "),
}
_HOUR_GENDER = {"de": Gender.NEUTER}
_DURATION = {
    "en": ("minute", "minutes", "second", "seconds"),
    "de": ("Minute", "Minuten", "Sekunde", "Sekunden"),
    "fr": ("minute", "minutes", "seconde", "secondes"),
    "es": ("minuto", "minutos", "segundo", "segundos"),
    "it": ("minuto", "minuti", "secondo", "secondi"),
    "pt": ("minuto", "minutos", "segundo", "segundos"),
    "nl": ("minuut", "minuten", "seconde", "seconden"),
}
_FEMININE_MINUTES = frozenset({"de", "fr"})
_ORDERS = frozenset({"mdy", "dmy", "ymd", "md", "dm", "ym", "my", "d", "m", "y"})


def said_date(text: str, order: str, language: str) -> str | None:
    """A date in words. `order` says how it is written (`mdy`, `dmy`, `ymd`, `dm`, `yyyymmdd` ...).

    Without an order, ISO dates (`2026-11-24`, `20261124`, also with a time after it), `dd.mm.yyyy`
    and dates in the order of `language` (`11/24/2026` in American English, else `24/11/2026`) are
    understood. A missing year may be written `????`, as Amazon Polly has it; a year of two figures
    is one of 1970 to 2069. None when `text` is not such a date.
    """
    spoken, tag = primary(language), language.lower().replace("_", "-")
    found = _fields(text.strip(), order.strip().lower(), "mdy" if tag in _MONTH_FIRST else "dmy")
    if found is None:
        return None
    year, month, day = found.get("y"), found.get("m"), found.get("d")
    if not _possible(year, month, day):
        return None
    if spoken not in _MONTHS:
        return " ".join(str(part) for part in (day, month, year) if part is not None)
    month_name = _MONTHS[spoken].split()[month - 1] if month else None
    day_name = _day(day, language) if day else None
    in_order = [day_name, month_name]
    if tag in _MONTH_FIRST and month_name:
        in_order.reverse()
    join = _JOIN.get(spoken, " ")
    joined = join.join(part for part in in_order if part)
    if year is None:
        return joined
    return f"{joined}{join}{_year(year, spoken)}" if joined else _year(year, spoken)


def german_days_said(text: str) -> str:
    """German `text` with its days before a month's name in words: "am vierten Mai"."""

    def day(match: re.Match[str]) -> str:
        rank = ordinal(match[1], "de") or match[0]
        return f"{german_declined(rank, text[: match.start()])}{match[2] or ' '}"

    return _GERMAN_DAY.sub(day, text)


def german_declined(words: str, before: str) -> str:
    """A German rank or date as it is behind the words `before`: "am vierten", "der vierte"."""
    ending = ""
    if _BEFORE_DATIVE.search(before):
        ending = "n"
    elif not _BEFORE_WEAK.search(before):
        return words
    return re.sub(r"^(\w+te)r\b", rf"\1{ending}", words)


def ends_in_german_day(text: str, following: str) -> bool:
    """Whether the stop at the end of `text` makes a rank of the day of a month: `24. | Mai`."""
    return bool(_GERMAN_DAY.match(text[-5:].split()[-1] + following)) if text.strip() else False


def said_time(text: str, language: str) -> str | None:
    """A time of day (`14:30`, `2:30pm`) or a duration (`1'21"`, Polly's meaning) in words."""
    text = text.strip()
    spoken = primary(language)
    duration = re.fullmatch(r"(?:(\d{1,4})['′])?\s*(?:(\d{1,4})[\"″])?", text)
    if duration and any(duration.groups()):
        return _duration(duration[1], duration[2], language)
    clock = re.fullmatch(
        r"(\d{1,2})(?:[:.h](\d{2})(?:[:.](\d{2}))?)?\s*(?:([ap])\.?\s?m\.?)?", text, re.IGNORECASE
    )
    if not clock or not (clock[2] or clock[4]):
        return None
    hour, minute = int(clock[1]), int(clock[2] or 0)
    if hour > 24 or minute > 59 or int(clock[3] or 0) > 59:
        return None
    if clock[4]:
        hour = hour % 12 + (12 if clock[4].lower() == "p" else 0)
    if spoken == "en":
        half = "P M" if 12 <= hour < 24 else "A M"
        said = f"{(hour - 1) % 12 + 1}"
        if minute:
            said += f" oh {minute}" if minute < 10 else f" {minute}"
        return f"{said} {half}"
    if spoken not in _HOURS:
        return f"{hour} {minute or ''}".strip()
    one, many, join = _HOURS[spoken]
    said = counted(hour, language, _HOUR_GENDER.get(spoken, Gender.FEMININE))
    said += f" {one if hour == 1 or (hour == 0 and spoken == 'fr') else many}"
    if not minute:
        return said
    feminine = spoken == "fr"  # the minutes themselves are not named: "quatorze heures une"
    return f"{said}{join}{counted(minute, language, Gender.FEMININE) if feminine else minute}"


def _duration(minutes: str | None, seconds: str | None, language: str) -> str:
    spoken = primary(language)
    one_minute, many_minutes, one_second, many_seconds = _DURATION.get(spoken, _DURATION["en"])
    gender = Gender.FEMININE if spoken in _FEMININE_MINUTES else Gender.MASCULINE
    return " ".join(
        f"{counted(int(count), language, gender)} {one if int(count) == 1 else many}"
        for count, one, many in (
            (minutes, one_minute, many_minutes),
            (seconds, one_second, many_seconds),
        )
        if count
    )


def _day(day: int, language: str) -> str | None:
    """Ranks in English and German; elsewhere only the first of a month has one."""
    if primary(language) in ("en", "de"):
        return ordinal(str(day), language)
    if day == 1 and language.lower().replace("_", "-") not in _FIRST_OF_MONTH_IN_FIGURES:
        return ordinal("1", language)
    return str(day)


def _year(year: int, spoken: str) -> str:
    """English and German read 1984 in hundreds; the engine does not."""
    century, rest = divmod(year, 100)
    if spoken == "de" and 11 <= century <= 19:
        return f"{century} hundert {rest or ''}".strip()
    if spoken == "en" and (11 <= century <= 19 or (century == 20 and rest >= 10)):
        if rest == 0:
            return f"{century} hundred"
        return f"{century} oh {rest}" if rest < 10 else f"{century} {rest}"
    return str(year)


def _fields(text: str, order: str, usual: str) -> dict[str, int] | None:
    order = re.sub(r"y+", "y", re.sub(r"m+", "m", re.sub(r"d+", "d", order)))
    if order in _ORDERS:
        return _ordered(text, order)
    iso = re.match(r"(\d{4}|\?{4})-?(\d{2})-?(\d{2})(?:$|[T ])", text)
    if iso:
        named = zip("ymd", iso.groups(), strict=True)
        return {name: int(part) for name, part in named if part.isdigit()}
    dotted = re.fullmatch(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})", text)
    if dotted:
        return dict(zip("dmy", map(int, dotted.groups()), strict=True))
    if re.fullmatch(r"\d{1,2}([/-])\d{1,2}\1(?:\d{4}|\d{2})", text):
        return _ordered(text, usual)
    return None


def _ordered(text: str, order: str) -> dict[str, int] | None:
    if re.fullmatch(r"[\d?]+", text, re.ASCII) and len(order) > 1:
        parts = _cut(text, order)
    else:
        parts = re.findall(r"[0-9]+|\?+", text)
    if len(parts) != len(order) or any(len(part) > 4 for part in parts):
        return None
    fields = {name: part for name, part in zip(order, parts, strict=True) if part.isdigit()}
    return {
        name: _full_year(part) if name == "y" and len(part) == 2 else int(part)
        for name, part in fields.items()
    }


def _full_year(figures: str) -> int:
    return int(figures) + (2000 if int(figures) < _CENTURY_TURNS else 1900)


def _cut(figures: str, order: str) -> list[str]:
    short = "y" in order and len(figures) == 2 * len(order)
    parts = []
    for name in order:
        width = 4 if name == "y" and not short else 2
        parts.append(figures[:width])
        figures = figures[width:]
    return parts if not figures and all(parts) else []


def _possible(year: int | None, month: int | None, day: int | None) -> bool:
    if year is None and month is None and day is None:
        return False
    try:
        # Without a year, a leap year: 29 February may be meant.
        date(2000 if year is None else year, 1 if month is None else month, day or 1)
    except ValueError:
        return False
    return day != 0
