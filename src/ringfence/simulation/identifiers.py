"""Opaque ids of customers, cards, merchants, devices and payments.

No id holds more than nine digits in a row, so none can be taken for a card number.
"""

from __future__ import annotations

from ringfence.simulation.chance import Integers, Random, Texts, texts

_LETTERS = "abcdefghjkmnpqrstuvwxyz"
_SYMBOLS = "23456789" + _LETTERS

_CUSTOMERS = 100 * 10 * 23**3 * 23**2 * 1000
_MERCHANTS = 10**9
# Has no factor in common with either size, so that stepping by it visits every number once.
_STEP = 618_033_983


def customer_ids(random: Random, count: int) -> Texts:
    """Ids written like `u82-1alz-RI301`, all different."""
    numbers = (int(random.integers(_CUSTOMERS)) + _STEP * i for i in range(count))
    return texts([_customer_id(number % _CUSTOMERS) for number in numbers])


def merchant_ids(random: Random, count: int) -> Texts:
    """Ids written like `341-81-5775`, all different."""
    first = int(random.integers(_MERCHANTS))
    digits = (f"{(first + _STEP * i) % _MERCHANTS:09d}" for i in range(count))
    return texts([f"{d[:3]}-{d[3:5]}-{d[5:]}" for d in digits])


def opaque_ids(random: Random, prefix: str, count: int) -> Texts:
    """Ids such as `card_k7r2m49xq3t8`: 16 symbols (77 bits) after the prefix."""
    drawn: Integers = random.integers(0, len(_SYMBOLS), (count, 16))
    # Every fourth symbol is a letter: at most three digits in a row.
    drawn[:, ::4] = random.integers(8, len(_SYMBOLS), (count, 4))
    return texts([prefix + "".join([_SYMBOLS[i] for i in row]) for row in drawn.tolist()])


def _customer_id(number: int) -> str:
    number, tail = divmod(number, 1000)
    number, upper = divmod(number, 23**2)
    number, middle = divmod(number, 23**3)
    head, digit = divmod(number, 10)
    word = _LETTERS[middle // 529] + _LETTERS[middle // 23 % 23] + _LETTERS[middle % 23]
    pair = (_LETTERS[upper // 23] + _LETTERS[upper % 23]).upper()
    return f"u{head:02d}-{digit}{word}-{pair}{tail:03d}"
