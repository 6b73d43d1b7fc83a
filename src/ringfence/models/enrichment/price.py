"""Amounts, and how two amounts of one event stand to each other; plain numbers."""

from __future__ import annotations

import math

from ringfence.models.enrichment.part import Enrichment, Number, Parts

_NAN = float("nan")


def split_price(amount: float) -> Parts:
    """The parts of an amount in major units of its currency."""
    # Whole cents: 0.1 + 0.2 must end in 30 like 0.3. The power of ten is bounded so that no
    # amount, however large, overflows.
    cents = round(math.fmod(abs(amount), 1e9) * 100)
    return (
        (
            amount,
            math.copysign(math.log1p(abs(amount)), amount),
            float(cents % 100),
            1.0 if cents % 1000 == 0 else 0.0,
        ),
        (),
    )


def split_price_pair(amount: float, other: float) -> Parts:
    """What share `amount` is of `other`, and by how much it differs."""
    return (
        (
            max(-1e6, min(1e6, amount / other)) if other else _NAN,
            amount - other,
            1.0 if amount == other else 0.0,
        ),
        (),
    )


def split_number(number: float) -> Parts:
    """The number itself."""
    return (number,), ()


PRICE = Enrichment(
    numbers=(
        Number("amount", "the amount is {x:,.2f}"),
        Number("magnitude", "the amount's magnitude (logarithm) is {x:.1f}"),
        Number("cents", "the amount ends in {x:02.0f} cents"),
        Number("round", "the amount is a multiple of ten", "the amount is no multiple of ten"),
    ),
    keys=(),
    split=split_price,
    numeric=True,
    repeats=False,
)

PRICE_PAIR = Enrichment(
    numbers=(
        Number("share", "{variable} is {x:.1%} of {other}"),
        Number("difference", "{variable} differs from {other} by {x:,.2f}"),
        Number("equal", "{variable} equals {other}", "{variable} does not equal {other}"),
    ),
    keys=(),
    split=split_price_pair,
    numeric=True,
    repeats=False,
)

NUMBER = Enrichment(
    numbers=(Number("value", "the value is {x:g}"),),
    keys=(),
    split=split_number,
    numeric=True,
    repeats=False,
)
