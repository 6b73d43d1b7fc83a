"""Phone numbers, and where and in which language their owners are."""

from __future__ import annotations

import re
import unicodedata
import zoneinfo
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from ringfence.errors import InvalidInput

_EXPECTED = "a number with its country code such as +14155552671"
# Digits with the usual marks between them. Letters would be read as those of a dial pad.
_WRITTEN = re.compile(r"(?:\+|00)[0-9 ().\-/]+")
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—−"), "-")
_LEAST_DIGITS = 8  # of a number that no numbering plan has; real ones can be shorter
_LANGUAGE = re.compile(
    r"(?P<language>[A-Za-z]{2,3})(?:-(?P<script>[A-Za-z]{4}))?(?:-(?P<region>[A-Za-z]{2}|[0-9]{3}))?"
    r"(?P<variants>(?:-(?:[A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*)"
)
# Where several zones share a prefix, their offsets are compared at this moment.
_SOME_MOMENT = datetime(2026, 1, 15, 12, tzinfo=UTC)


class PhoneNumber(msgspec.Struct, frozen=True):
    """A phone number in E.164. `dialable` is false when no numbering plan has such a number."""

    e164: str
    dialable: bool


def read_phone_number(text: object, *, field: str = "phone_number") -> PhoneNumber:
    """The phone number written in `text`, with its country code after `+` or `00`.

    A number that has the form of E.164 but is in no numbering plan is read, too: placeholders and
    test numbers are of that kind. Raises `InvalidInput` naming `field`.
    """
    written = ""
    if isinstance(text, str) and len(text) <= 64:
        written = unicodedata.normalize("NFKC", text).translate(_DASHES).strip()
    if not _WRITTEN.fullmatch(written):
        starts_well = not isinstance(text, str) or re.match(r"\s*(\+|00)", text)
        raise InvalidInput(
            "not a phone number" if starts_well else "not a phone number with a country code",
            field=field,
            expected=_EXPECTED,
        )
    import phonenumbers

    try:
        parsed = phonenumbers.parse(re.sub("^00", "+", written), None)
    except phonenumbers.NumberParseException as error:
        unknown = error.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE
        raise InvalidInput(
            "there is no such country code" if unknown else "not a phone number",
            field=field,
            expected=_EXPECTED,
        ) from None
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if phonenumbers.is_valid_number(parsed):
        return PhoneNumber(e164, True)
    reason = phonenumbers.is_possible_number_with_reason(parsed)
    if reason == phonenumbers.ValidationResult.TOO_LONG or len(e164) > 16:
        raise InvalidInput("too long for a phone number", field=field, expected=_EXPECTED)
    if len(e164) - 1 < _LEAST_DIGITS:
        raise InvalidInput("too short for a phone number", field=field, expected=_EXPECTED)
    return PhoneNumber(e164, False)


def time_zone_of(number: PhoneNumber) -> tuple[str, int]:
    """The IANA time zone of a number, and how many zones share its prefix.

    Of several it is the one in the middle by offset, which is wrong by the fewest hours at worst;
    of none (a number that is in no country) it is UTC.
    """
    zones = list(time_zones_of(number.e164)) if number.dialable else []
    if not zones:
        return "UTC", 0
    zones.sort(
        key=lambda zone: (_SOME_MOMENT.astimezone(zoneinfo.ZoneInfo(zone)).utcoffset(), zone)
    )
    return zones[len(zones) // 2], len(zones)


def time_zones_of(e164: str) -> tuple[str, ...]:
    """The IANA time zones that share the prefix of a number (E.164); none for an unknown one."""
    import phonenumbers
    from phonenumbers import timezone

    found = timezone.time_zones_for_number(phonenumbers.parse(e164, None))
    return tuple(zone for zone in found if zone in _zones())


def read_time_zone(text: object, *, field: str = "time_zone") -> str:
    """The IANA time zone of that name. Raises `InvalidInput` naming `field`."""
    if isinstance(text, str) and text in _zones():
        return text
    raise InvalidInput(
        "not a time zone", field=field, expected="an IANA name such as America/New_York"
    )


def read_language(text: object, *, field: str = "language") -> str:
    """A BCP 47 tag in its usual writing (`en-us` gives `en-US`).

    Raises `InvalidInput` naming `field`.
    """
    match = _LANGUAGE.fullmatch(text) if isinstance(text, str) and len(text) <= 35 else None
    if match is None:
        raise InvalidInput("not a language", field=field, expected="a BCP 47 tag such as en-US")
    parts = [match["language"].lower()]
    if match["script"]:
        parts.append(match["script"].title())
    if match["region"]:
        parts.append(match["region"].upper())
    return "-".join(parts) + match["variants"].lower()


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())
