"""Card numbers: read strictly, and never shown."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ringfence.carddata import luhn_valid
from ringfence.errors import InvalidInput

_GROUPED = re.compile(r"[0-9]+(?:[ -][0-9]+)*")
# However short the number, this many of its digits stay hidden when the first and the last ones
# are shown.
_HIDDEN_DIGITS = 5


class CardNumber:
    """A full card number, 12 to 19 digits. Shows the last four only, however it is printed."""

    __slots__ = ("_digits",)

    def __init__(self, digits: str):
        self._digits = digits

    @property
    def digits(self) -> str:
        """All digits: for the vault alone."""
        return self._digits

    @property
    def last4(self) -> str:
        """The last four digits."""
        return self._digits[-4:]

    @property
    def bin(self) -> str:
        """The first six digits, fewer of a number shorter than 15 digits (12 digits: three), so
        that five at the least stay hidden (PCI DSS 4.0.1, 3.4.1 and 3.5.1)."""
        return self._digits[: min(6, len(self._digits) - 4 - _HIDDEN_DIGITS)]

    @property
    def luhn_valid(self) -> bool:
        """Whether the check digit is right."""
        return luhn_valid(self._digits)

    def __repr__(self) -> str:
        return f"CardNumber({masked(self.last4)})"

    __str__ = __repr__

    def __rich_repr__(self) -> Iterator[str]:
        yield masked(self.last4)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CardNumber) and self._digits == other._digits

    def __hash__(self) -> int:
        return hash(self._digits)

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a card number is not to be pickled")


def read_card_number(text: object, *, field: str = "card_number") -> CardNumber:
    """The card number written in `text`, in groups or not.

    Raises `InvalidInput` naming `field`; the message never repeats the text.
    """
    if isinstance(text, str) and _GROUPED.fullmatch(text.strip()):
        digits = re.sub("[ -]", "", text.strip())
        if 12 <= len(digits) <= 19:
            return CardNumber(digits)
    raise InvalidInput("not a card number", field=field, expected="12 to 19 digits")


def masked(last4: str) -> str:
    """How a card number is shown: `************8788`."""
    return "*" * 12 + last4
