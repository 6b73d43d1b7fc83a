"""Names of people: how they are written. The name itself is not learned: it points at a person."""

from __future__ import annotations

import string

from ringfence.models.enrichment.part import Enrichment, Number, Parts

# Tables that take characters out: a text gets shorter by as many as it has.
_DIGITS = str.maketrans("", "", string.digits)
_CAPITALS = str.maketrans("", "", string.ascii_uppercase)
_SMALL = str.maketrans("", "", string.ascii_lowercase)


def split_person_name(text: str) -> Parts:
    """The parts of a name."""
    length = len(text)
    upper = length - len(text.translate(_CAPITALS))
    letters = upper + length - len(text.translate(_SMALL))
    return (
        (
            float(length),
            float(len(text.split())),
            upper / letters if letters else float("nan"),
            1.0 if len(text.translate(_DIGITS)) < length else 0.0,
        ),
        (),
    )


def name_tokens(text: str) -> list[str]:
    """The words of a name in lower-case letters, without initials and titles."""
    words = "".join(c if c.isalpha() else " " for c in text.lower()).split()
    return [word for word in words if len(word) > 2]


PERSON_NAME = Enrichment(
    numbers=(
        Number("length", "the name has {x:.0f} characters"),
        Number("words", "the name has {x:.0f} words"),
        Number("capitals", "{x:.0%} of the name's letters are capitals"),
        Number("digits", "the name has digits in it", "the name has no digits in it"),
    ),
    keys=(),
    split=split_person_name,
)
