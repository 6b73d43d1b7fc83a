"""Dates, times and ordinals, as people say them in the languages that contact flows are written in.

A language that is not here gets its figures, which the speech engine reads in order.
"""

from __future__ import annotations

import re
from datetime import date

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
_JOIN = {"es": " de ", "pt": " de "}
_HOURS = {"de": "Uhr", "fr": "heures", "nl": "uur"}
_DURATION = {
    "en": ("minute", "minutes", "second", "seconds"),
    "de": ("Minute", "Minuten", "Sekunde", "Sekunden"),
    "fr": ("minute", "minutes", "seconde", "secondes"),
    "es": ("minuto", "minutos", "segundo", "segundos"),
    "it": ("minuto", "minuti", "secondo", "secondi"),
    "pt": ("minuto", "minutos", "segundo", "segundos"),
    "nl": ("minuut", "minuten", "seconde", "seconden"),
}
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
_ORDERS = frozenset({"mdy", "dmy", "ymd", "md", "dm", "ym", "my", "d", "m", "y"})


def said_date(text: str, order: str, language: str) -> str | None:
    """A date in words. `order` says how it is written (`mdy`, `dmy`, `ymd`, `dm`, ...).

    Without an order, ISO dates (`2026-11-24`, `20261124`, also with a time after it) and
    `dd.mm.yyyy` are understood. A missing year may be written `????`, as Amazon Polly has it.
    None when `text` is not such a date.
    """
    found = _fields(text.strip(), order.lower())
    if found is None:
        return None
    year, month, day = found.get("y"), found.get("m"), found.get("d")
    if not _possible(year, month, day):
        return None
    primary = language.lower().partition("-")[0]
    if primary not in _MONTHS:
        return " ".join(str(part) for part in (day, month, year) if part is not None)
    month_name = _MONTHS[primary].split()[month - 1] if month else None
    day_name = said_ordinal(str(day), language) if day else None
    if primary == "en" and language.lower() in ("en", "en-us") and month_name:
        parts = [month_name, day_name]
    else:
        day_said = day_name if primary in ("en", "de") or day == 1 else str(day) if day else None
        parts = [day_said, month_name]
    joined = _JOIN.get(primary, " ").join(part for part in parts if part)
    if year is None:
        return joined
    return f"{joined}{_JOIN.get(primary, ' ')}{year}" if joined else str(year)


def said_time(text: str, language: str) -> str | None:
    """A time of day (`14:30`, `2:30pm`) or a duration (`1'21"`, Polly's meaning) in words."""
    primary = language.lower().partition("-")[0]
    duration = re.fullmatch(r"(?:(\d{1,4})['′])?\s*(?:(\d{1,4})[\"″])?", text.strip())
    if duration and any(duration.groups()):
        one_minute, minutes, one_second, seconds = _DURATION.get(primary, _DURATION["en"])
        counts = [
            (duration[1], one_minute, minutes),
            (duration[2], one_second, seconds),
        ]
        return " ".join(
            f"{int(count)} {one if int(count) == 1 else many}"
            for count, one, many in counts
            if count
        )
    clock = re.fullmatch(
        r"(\d{1,2})[:.h](\d{2})(?:[:.](\d{2}))?\s*([ap])?\.?(?:m\.?)?", text.strip(), re.IGNORECASE
    )
    if not clock or int(clock[1]) > 24 or int(clock[2]) > 59:
        return None
    hour, minute = int(clock[1]), int(clock[2])
    if clock[4]:
        hour = hour % 12 + (12 if clock[4].lower() == "p" else 0)
    if primary == "en":
        half = "P M" if 12 <= hour < 24 else "A M"
        spoken = f"{(hour - 1) % 12 + 1}"
        if minute:
            spoken += f" oh {minute}" if minute < 10 else f" {minute}"
        return f"{spoken} {half}"
    word = _HOURS.get(primary, "")
    return re.sub(r"\s+", " ", f"{hour} {word} {minute or ''}").strip()


def said_ordinal(text: str, language: str) -> str | None:
    """`3` as a rank: "3rd", "dritter" is left to the grammar of `language` where it has none."""
    figures = re.sub(r"[^\d]", "", text)
    if not figures or len(figures) > 9:
        return None
    number = int(figures)
    primary = language.lower().partition("-")[0]
    if primary == "en":
        teen = 10 <= number % 100 <= 20
        return f"{number}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"
    if primary == "fr":
        return "premier" if number == 1 else f"{number}e"
    if primary in ("es", "it", "pt"):
        return (
            {"es": "primero", "it": "primo", "pt": "primeiro"}[primary]
            if number == 1
            else (f"{number}º")
        )
    if primary == "de":
        return _german_ordinal(number)
    return str(number)


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


def _fields(text: str, order: str) -> dict[str, int] | None:
    if order in _ORDERS:
        if re.fullmatch(r"[\d?]+", text) and len(order) > 1:
            parts = _cut(text, order)
        else:
            parts = re.findall(r"\d+|\?+", text)
        if len(parts) != len(order):
            return None
        return {name: int(part) for name, part in zip(order, parts, strict=True) if part.isdigit()}
    iso = re.match(r"(\d{4}|\?{4})-?(\d{2})-?(\d{2})(?:$|[T ])", text)
    if iso:
        named = zip("ymd", iso.groups(), strict=True)
        return {name: int(part) for name, part in named if part.isdigit()}
    dotted = re.fullmatch(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})", text)
    if dotted:
        return dict(zip("dmy", map(int, dotted.groups()), strict=True))
    return None


def _cut(figures: str, order: str) -> list[str]:
    parts = []
    for name in order:
        width = 4 if name == "y" else 2
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
