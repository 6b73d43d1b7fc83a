"""Card BINs: the scheme that the first digits belong to (ISO/IEC 7812), and the issuer's range."""

from __future__ import annotations

from ringfence.models.enrichment.part import Enrichment, Key, Number, Parts

_NAN = float("nan")


def split_card_bin(text: str) -> Parts:
    """The parts of six to eight digits; of anything else, only that it is no BIN."""
    digits = text.removesuffix(".0")
    if not (digits.isascii() and digits.isdigit() and 6 <= len(digits) <= 8):
        return (_NAN, 0.0), (None, None)
    return (float(digits[0]), 1.0), (digits[:6], scheme(digits))


def scheme(digits: str) -> str:
    """The card scheme of a BIN by its published prefixes, or `other`."""
    two, four = int(digits[:2]), int(digits[:4])
    if digits[0] == "4":
        return "visa"
    if 51 <= two <= 55 or 2221 <= four <= 2720:
        return "mastercard"
    if two in (34, 37):
        return "amex"
    if two in (36, 38, 39) or digits[:3] in ("300", "301", "302", "303", "304", "305"):
        return "diners"
    if 3528 <= four <= 3589:
        return "jcb"
    if four == 6011 or two == 65 or digits[:3] in ("644", "645", "646", "647", "648", "649"):
        return "discover"
    if two == 62:
        return "unionpay"
    if two == 50 or 56 <= two <= 69:
        return "maestro"
    return "other"


CARD_BIN = Enrichment(
    numbers=(
        Number("industry", "its first digit is {x:.0f}"),
        Number("well_formed", "it is a BIN", "it is no BIN"),
    ),
    keys=(Key("issuer", "issuer's range"), Key("scheme", "card scheme")),
    split=split_card_bin,
)
