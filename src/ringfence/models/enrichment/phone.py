"""Telephone numbers: country, area and shape, read from the digits alone.

A full parse (phonenumbers) costs more than scoring the whole event, so only what the digits say is
used: the calling code of ITU-T E.164 and, in the North American plan, the area code.
"""

from __future__ import annotations

import re

from ringfence.models.enrichment.part import Enrichment, Key, Number, Parts

_NAN = float("nan")
_EXTENSION = re.compile(r"(?:x|ext\.?|extension|#|;ext=)\s*\d+\s*$", re.IGNORECASE)
_NOT_DIGIT = re.compile(r"\D+")
# E.164 calling codes of one and two digits; all others have three.
_TWO_DIGITS = (
    20, 27, *range(30, 35), 36, 39, 40, 41, *range(43, 50), *range(51, 59), *range(60, 67),
    81, 82, 84, 86, *range(90, 96), 98,
)  # fmt: skip
_SHORT_CODES = frozenset(("1", "7", *map(str, _TWO_DIGITS)))
_TOLL_FREE = frozenset(("800", "833", "844", "855", "866", "877", "888"))


def split_phone(text: str) -> Parts:
    """The parts of a number in any notation; ten digits without a plus are North American."""
    number = _EXTENSION.sub("", text)
    digits = _NOT_DIGIT.sub("", number)
    code, national = _calling_code(number.strip(), digits)
    area: str | None = None
    north_american = plausible = 0.0
    if code == "1":
        north_american = 1.0
        if len(national) == 10:
            area = national[:3]
            plausible = 1.0 if national[0] > "1" and national[3] > "1" else 0.0
    elif code and 6 <= len(national) <= 12:
        area = national[:3]
        plausible = 1.0
    distinct = len(set(digits)) / len(digits) if digits else _NAN
    return (
        (
            float(len(digits)),
            1.0 if number.lstrip().startswith("+") else 0.0,
            1.0 if len(number) != len(text) else 0.0,
            north_american,
            plausible,
            1.0 if area in _TOLL_FREE and code == "1" else 0.0,
            distinct,
        ),
        (code or None, f"{code} {area}" if area else None),
    )


def area(text: str) -> str | None:
    """Calling code and area code, such as `1 565`; None when the digits do not tell."""
    return split_phone(text)[1][1]


def _calling_code(number: str, digits: str) -> tuple[str, str]:
    if number.startswith("+"):
        international = digits
    elif digits.startswith("00"):
        international = digits[2:]
    elif digits.startswith("011") and len(digits) > 11:
        international = digits[3:]
    elif len(digits) == 10 and digits[0] != "0":
        return "1", digits
    elif len(digits) == 11 and digits[0] == "1":
        return "1", digits[1:]
    else:
        return "", digits
    for length in (1, 2):
        if international[:length] in _SHORT_CODES:
            return international[:length], international[length:]
    return international[:3], international[3:]


PHONE = Enrichment(
    numbers=(
        Number("digits", "the number has {x:.0f} digits"),
        Number("plus", "it is written with a country code", "it is written without a country code"),
        Number("extension", "the number has an extension", "the number has no extension"),
        Number("north_american", "it is a North American number", "it is no North American number"),
        Number("plausible", "the number can exist", "the number cannot exist as written"),
        Number("toll_free", "it is a toll-free number", "it is no toll-free number"),
        Number("distinct", "its distinct digits are {x:.0%} of all its digits"),
    ),
    keys=(Key("country", "calling code"), Key("area", "calling and area code")),
    split=split_phone,
)
