"""Payments as columns: what customers, and those who steal from them, have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from ringfence.simulation.chance import (
    Flags,
    Floats,
    Integers,
    Random,
    Texts,
    happens,
    log_normal,
    texts,
)
from ringfence.simulation.contacts import Contacts
from ringfence.simulation.merchants import CATEGORIES, CATEGORY_NAMES, Merchants
from ringfence.simulation.places import CURRENCY, PER_DOLLAR
from ringfence.simulation.world import World

# Currencies without cents in this world.
_WHOLE_UNITS = ("jpy",)
_WHOLE = np.isin(CURRENCY.astype(str), _WHOLE_UNITS)
_MEDIANS: Floats = np.array([category.dollars for category in CATEGORIES])
_SPREADS: Floats = np.array([category.spread for category in CATEGORIES])
_ADJUSTMENTS = np.array([category.adjustment for category in CATEGORIES])
_CASH = CATEGORY_NAMES.index("cash_machine")


@dataclass(frozen=True, slots=True)
class Payments:
    """Payments, one row each, in no order.

    `at` is in seconds since the start of the period, UTC; `customer`, `card` and `merchant` are
    indices; `amount` and `adjusted` are in the merchant's currency; `address` is an IPv4 address
    as a number, or `networks.NOWHERE`; the four codes are the letters of the event type.
    """

    at: Integers
    customer: Integers
    card: Integers
    merchant: Integers
    amount: Floats
    adjusted: Floats
    address: Integers
    contacts: Contacts
    device: Texts
    cvv: Texts
    signature: Texts
    transaction_type: Texts
    environment: Texts

    def __len__(self) -> int:
        return len(self.at)

    @staticmethod
    def joined(parts: Sequence[Payments]) -> Payments:
        """All rows of all parts."""
        columns = {
            field.name: np.concatenate([getattr(part, field.name) for part in parts])
            for field in fields(Payments)
            if field.name != "contacts"
        }
        contacts = Contacts(
            *(
                np.concatenate(column)
                for column in zip(*(part.contacts.columns() for part in parts), strict=True)
            )
        )
        return Payments(contacts=contacts, **columns)


def usual_amounts(
    random: Random, merchants: Merchants, merchant: Integers, spending: Floats | float = 1.0
) -> Floats:
    """What such payments usually cost, in US dollars."""
    category = merchants.category[merchant]
    median = _MEDIANS[category] * merchants.price_level[merchant] * spending
    return log_normal(random, median, _SPREADS[category], len(merchant))


def charged(random: Random, merchants: Merchants, merchant: Integers, dollars: Floats) -> Floats:
    """The amounts in the merchants' currencies, priced as prices are: .99, .50, round notes."""
    place = merchants.place[merchant]
    amount = np.maximum(dollars, 0.5) * PER_DOLLAR[place]
    whole = np.maximum(np.round(amount), 1.0)
    style = random.random(len(merchant))
    priced = np.where(style < 0.3, whole - 0.01, np.where(style < 0.5, whole, amount))
    cash = merchants.category[merchant] == _CASH
    priced = np.where(cash, np.maximum(np.round(amount / 20), 1) * 20, priced)
    price: Floats = np.where(_WHOLE[place], whole, np.maximum(priced, 0.01))
    return price.round(2)


def settled(random: Random, merchants: Merchants, merchant: Integers, amount: Floats) -> Floats:
    """What is finally taken of `amount`, as it goes in that line of business."""
    count = len(merchant)
    kind = _ADJUSTMENTS[merchants.category[merchant]]
    factor = np.ones(count)
    tip = (kind == "tip") & happens(random, 0.55, count)
    factor = np.where(tip, 1 + 0.1 + 0.12 * random.random(count), factor)
    deposit = (kind == "deposit") & happens(random, 0.8, count)
    factor = np.where(deposit, 0.08 + 0.95 * random.random(count), factor)
    parcel = (kind == "parcel") & happens(random, 0.12, count)
    factor = np.where(parcel, random.beta(3, 1.2, count), factor)
    corrected = (kind == "") & happens(random, 0.015, count)
    factor = np.where(corrected, random.random(count), factor)
    return rounded(merchants, merchant, amount * factor)


def rounded(merchants: Merchants, merchant: Integers, amount: Floats) -> Floats:
    """The amounts in cents, or in whole units where the currency has no cents."""
    whole = _WHOLE[merchants.place[merchant]]
    return np.where(whole, amount.round(), amount.round(2))


def used_cards(random: Random, world: World, customer: Integers) -> Integers:
    """Which of their cards the customers use: the first more often."""
    second = happens(random, 0.3, len(customer)) & (world.customers.card_count[customer] > 1)
    return second.astype(np.int64)


def used_devices(random: Random, world: World, customer: Integers) -> Texts:
    """Which of their devices the customers use."""
    count = world.customers.device_count[customer]
    which = (random.random(len(customer)) * count).astype(np.int64)
    device: Texts = world.customers.devices[customer, which]
    return device


def blank(where: Flags, column: Texts) -> Texts:
    """The column with nothing in the rows `where`."""
    nothing = texts([None])
    return np.where(where, nothing, column)
