"""Merchants: what they sell and how, where they are, what they charge."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from ringfence.simulation import places, words
from ringfence.simulation.chance import Floats, Integers, Random, Texts, choose, log_normal, texts
from ringfence.simulation.identifiers import merchant_ids


class Channel(IntEnum):
    """How a payment reaches the merchant."""

    PRESENT = 0
    ONLINE = 1
    MAIL = 2
    RECURRING = 3
    CASH = 4


class Category(NamedTuple):
    """A line of business. `dollars` is the median amount, `spread` that of its logarithm.

    `adjustment` says how the amount settled differs from the amount asked for: `tip` (more),
    `deposit` (a pre-authorisation, mostly less), `parcel` (now and then less), or not at all.
    """

    name: str
    channel: Channel
    weight: float
    dollars: float
    spread: float
    names: tuple[str, ...]
    adjustment: str = ""
    unattended: float = 0.0


CATEGORIES = (
    Category("grocery", Channel.PRESENT, 22, 38, 0.7, ("Market", "Foods", "Fresh", "Grocery")),
    Category("restaurant", Channel.PRESENT, 16, 32, 0.7, ("Grill", "Kitchen", "Bistro"), "tip"),
    Category("coffee", Channel.PRESENT, 10, 7, 0.4, ("Coffee", "Bakery", "Espresso"), "tip"),
    Category("fuel", Channel.PRESENT, 10, 95, 0.35, ("Fuel", "Petrol", "Gas"), "deposit", 0.7),
    Category("clothing", Channel.PRESENT, 8, 62, 0.8, ("Clothing", "Outfitters", "Shoes")),
    Category("pharmacy", Channel.PRESENT, 6, 22, 0.7, ("Pharmacy", "Drugs", "Health")),
    Category("electronics", Channel.PRESENT, 3, 210, 1.0, ("Electronics", "Devices", "Sound")),
    Category("jewellery", Channel.PRESENT, 1.5, 420, 1.0, ("Jewelers", "Watches", "Gold")),
    Category("hotel", Channel.PRESENT, 3, 290, 0.6, ("Hotel", "Inn", "Lodge"), "deposit"),
    Category("transit", Channel.PRESENT, 5, 5, 0.5, ("Transit", "Parking", "Metro"), "", 0.9),
    Category("marketplace", Channel.ONLINE, 14, 44, 0.9, ("Bazaar", "Mall", "Store"), "parcel"),
    Category("gadgets", Channel.ONLINE, 5, 180, 1.0, ("Gadgets", "Computers", "Phones"), "parcel"),
    Category("fashion", Channel.ONLINE, 7, 70, 0.8, ("Fashion", "Style", "Wear"), "parcel"),
    Category("digital", Channel.ONLINE, 6, 14, 0.9, ("Games", "Apps", "Media")),
    Category("gift_cards", Channel.ONLINE, 2, 60, 0.7, ("Gift Cards", "Vouchers", "Top-Up")),
    Category("travel", Channel.ONLINE, 3, 340, 0.9, ("Travel", "Air", "Tours")),
    Category("donation", Channel.ONLINE, 1.5, 18, 0.9, ("Relief Fund", "Foundation")),
    Category("catalogue", Channel.MAIL, 4, 85, 0.9, ("Catalog", "Mail Order", "Seeds"), "parcel"),
    Category("supplies", Channel.MAIL, 1.5, 240, 1.1, ("Supplies", "Tools", "Parts"), "parcel"),
    Category("subscription", Channel.RECURRING, 6, 13, 0.5, ("Streaming", "Cloud", "Club")),
    Category("utility", Channel.RECURRING, 3, 75, 0.5, ("Energy", "Telecom", "Insurance")),
    Category("cash_machine", Channel.CASH, 5, 90, 0.6, ("Savings Bank", "Credit Union")),
)
CATEGORY_NAMES = tuple(category.name for category in CATEGORIES)
CHANNEL_OF = np.array([category.channel for category in CATEGORIES])


@dataclass(frozen=True, slots=True)
class Merchants:
    """All merchants, one row each. `category` and `place` are indices."""

    merchant_id: Texts
    name: Texts
    category: Integers
    place: Integers
    price_level: Floats
    popularity: Floats

    def rows(self, *names: str) -> Integers:
        """The merchants of these categories."""
        wanted = [CATEGORY_NAMES.index(name) for name in names]
        return np.flatnonzero(np.isin(self.category, wanted))

    def on(self, channel: Channel) -> Integers:
        """The merchants of this channel."""
        return np.flatnonzero(CHANNEL_OF[self.category] == channel)

    def near(self, random: Random, pool: Integers, place: Integers) -> Integers:
        """For each row a merchant of `pool` at its place, or any of the pool where there is none.

        Merchants are met as often as they are popular.
        """
        order = pool[np.argsort(self.place[pool], kind="stable")]
        sorted_places = self.place[order]
        low = np.searchsorted(sorted_places, place, side="left")
        high = np.searchsorted(sorted_places, place, side="right")
        nobody = low == high
        low, high = np.where(nobody, 0, low), np.where(nobody, len(order), high)
        edges = np.concatenate(([0.0], np.cumsum(self.popularity[order])))
        drawn = edges[low] + random.random(len(place)) * (edges[high] - edges[low])
        found: Integers = np.clip(np.searchsorted(edges, drawn, side="right") - 1, low, high - 1)
        chosen: Integers = order[found]
        return chosen


def open_merchants(random: Random, count: int) -> Merchants:
    """`count` merchants; every place has shops and a cash machine."""
    category = choose(random, [category.weight for category in CATEGORIES], count)
    place = choose(random, places.WEIGHTS, count)
    everywhere = len(places.PLACES)
    for offset, name in enumerate(("grocery", "restaurant", "electronics", "cash_machine")):
        rows = slice(offset * everywhere, (offset + 1) * everywhere)
        category[rows] = CATEGORY_NAMES.index(name)
        place[rows] = np.arange(everywhere)
    # At least one of each line of business, however small the world.
    tail = slice(count - len(CATEGORIES), count)
    category[tail] = np.arange(len(CATEGORIES))
    return Merchants(
        merchant_id=merchant_ids(random, count),
        name=texts([_shop_name(random, index) for index in category.tolist()]),
        category=category,
        place=place,
        price_level=log_normal(random, 1.0, 0.3, count),
        popularity=log_normal(random, 1.0, 1.0, count),
    )


def _shop_name(random: Random, category: int) -> str:
    kinds = CATEGORIES[category].names
    kind = kinds[random.integers(len(kinds))]
    owner = words.LAST_NAMES[random.integers(len(words.LAST_NAMES))]
    form = random.random()
    if form < 0.35:
        return f"{owner} {kind}"
    if form < 0.6:
        partner = words.LAST_NAMES[random.integers(len(words.LAST_NAMES))]
        return f"{owner} & {partner} {kind}"
    return f"{owner}'s {kind}" if form < 0.85 else f"{kind} {random.integers(10, 999)}"
