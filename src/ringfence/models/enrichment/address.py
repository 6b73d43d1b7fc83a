"""Address lines, postal codes and places."""

from __future__ import annotations

import re
import string

from ringfence.models.enrichment.part import Enrichment, Key, Number, Parts

_NAN = float("nan")
# Takes the digits out of a text, which so gets shorter by as many.
_DIGITS = str.maketrans("", "", string.digits)
_UNIT = re.compile(r"\b(?:apt|apartment|suite|ste|unit|flat|room|floor|#)\b|#", re.IGNORECASE)
_BOX = re.compile(r"\bp\.?\s?o\.?\s?box\b|\bpsc\b|\bpostfach\b|\bapo\b", re.IGNORECASE)


def split_address(text: str) -> Parts:
    """The parts of a street line. The text itself is not learned: it points at a person."""
    words = text.split()
    first = words[0]
    house = float(first) if first.isascii() and first.isdigit() and len(first) < 8 else _NAN
    digits = len(text) - len(text.translate(_DIGITS))
    return (
        (
            float(len(text)),
            float(len(words)),
            house,
            digits / len(text),
            1.0 if _UNIT.search(text) else 0.0,
            1.0 if _BOX.search(text) else 0.0,
        ),
        (),
    )


def split_postal_code(text: str) -> Parts:
    """The parts of a postal code. A US code that lost its leading zeros gets them back."""
    code = normal_postal_code(text)
    digits = len(code) - len(code.translate(_DIGITS))
    return (float(len(code)), digits / len(code)), (code, code[:3])


def normal_postal_code(text: str) -> str:
    """A postal code as it is compared: upper case, no blanks, ZIP+4 without the last four."""
    code = text.upper().replace(" ", "").removesuffix(".0")
    head, dash, tail = code.partition("-")
    if dash and len(head) == 5 and len(tail) == 4:
        code = head
    if code.isdigit() and 3 <= len(code) < 5:
        code = code.zfill(5)
    return code or text


def split_place(text: str) -> Parts:
    """The name of a city, state or country, however it is written."""
    return (), (normal_place(text),)


def normal_place(text: str) -> str:
    """A name as it is compared: case and extra blanks do not count."""
    return " ".join(text.casefold().split())


ADDRESS = Enrichment(
    numbers=(
        Number("length", "the address has {x:.0f} characters"),
        Number("words", "the address has {x:.0f} words"),
        Number("house", "the house number is {x:.0f}"),
        Number("digits", "{x:.0%} of the address is digits"),
        Number("unit", "the address names a flat or suite", "the address names no flat or suite"),
        Number("box", "the address is a post box", "the address is no post box"),
    ),
    keys=(),
    split=split_address,
)

POSTAL_CODE = Enrichment(
    numbers=(
        Number("length", "the postal code has {x:.0f} characters"),
        Number("digits", "{x:.0%} of the postal code is digits"),
    ),
    keys=(Key("code", "postal code"), Key("area", "postal area")),
    split=split_postal_code,
)

PLACE = Enrichment(numbers=(), keys=(Key("name", "place"),), split=split_place)
