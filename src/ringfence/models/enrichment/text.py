"""Categories, identifiers and free text."""

from __future__ import annotations

import string

from ringfence.models.enrichment.part import Enrichment, Key, Number, Parts

# Tables that take characters out: a text gets shorter by as many as it has.
_DIGITS = str.maketrans("", "", string.digits)
_CAPITALS = str.maketrans("", "", string.ascii_uppercase)


def split_category(text: str) -> Parts:
    """The category itself."""
    return (), (text,)


def split_identifier(text: str) -> Parts:
    """The shape of an identifier that names one event only; the text itself teaches nothing."""
    return (float(len(text)), 1 - len(text.translate(_DIGITS)) / len(text)), ()


def split_free_text(text: str) -> Parts:
    """Shape of a text, and the text itself without case and numbers (`Shop #12` is `shop #`)."""
    without_digits = text.translate(_DIGITS)
    digits = len(text) - len(without_digits)
    upper = len(text) - len(text.translate(_CAPITALS))
    plain = " ".join(without_digits.casefold().split())
    return (
        (float(len(text)), float(len(text.split())), digits / len(text), upper / len(text)),
        (plain[:80] or None,),
    )


CATEGORY = Enrichment(numbers=(), keys=(Key("value", "value"),), split=split_category)

IDENTIFIER = Enrichment(
    numbers=(
        Number("length", "it has {x:.0f} characters"),
        Number("digits", "{x:.0%} of it is digits"),
    ),
    keys=(),
    split=split_identifier,
)

FREE_TEXT = Enrichment(
    numbers=(
        Number("length", "the text has {x:.0f} characters"),
        Number("words", "the text has {x:.0f} words"),
        Number("digits", "{x:.0%} of the text is digits"),
        Number("capitals", "{x:.0%} of the text is capitals"),
    ),
    keys=(Key("plain", "text"),),
    split=split_free_text,
)
