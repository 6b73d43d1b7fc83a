"""Customers: where they live, what they hold, how they spend, where they travel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ringfence.simulation import places
from ringfence.simulation.chance import (
    Floats,
    Integers,
    Random,
    Texts,
    choose,
    happens,
    log_normal,
    texts,
)
from ringfence.simulation.contacts import Contacts, household_contacts
from ringfence.simulation.identifiers import customer_ids, opaque_ids
from ringfence.simulation.merchants import Channel, Merchants
from ringfence.simulation.networks import addresses_in

# Weight of each hour of the local day, from midnight.
RHYTHMS: Floats = np.array(
    [
        # Working days: breakfast, lunch, the way home.
        [1, 0.5, 0.3, 0.2, 0.3, 1, 3, 6, 7, 5, 5, 7, 10, 8, 5, 5, 7, 10, 11, 9, 7, 5, 3, 2],
        # At home by day.
        [1, 0.5, 0.3, 0.2, 0.2, 0.5, 1, 3, 6, 9, 11, 10, 8, 7, 8, 9, 8, 7, 5, 4, 3, 2, 1.5, 1],
        # Evenings.
        [4, 2, 1, 0.5, 0.3, 0.3, 1, 2, 3, 3, 4, 5, 7, 6, 5, 5, 6, 8, 10, 11, 11, 10, 8, 6],
        # Shift workers and the young: late.
        [7, 6, 4, 3, 2, 1, 1, 1, 2, 3, 3, 4, 5, 5, 5, 5, 6, 6, 7, 8, 9, 9, 9, 8],
    ]
)
_FAVOURITES_PRESENT = 8
_FAVOURITES_ONLINE = 6
_TRIPS = 2
# Scheme digit, bank, product: six digits, as an issuer's number has (ISO/IEC 7812).
_BINS = tuple(
    f"{scheme}{bank:02d}{product}"
    for scheme, product in ((4, 117), (4, 850), (5, 204), (5, 633), (2, 302))
    for bank in range(23, 90, 7)
)


@dataclass(frozen=True, slots=True)
class Customers:
    """All customers, one row each. Money is in US dollars, `place` an index.

    `cards`, `bins` and `devices` are `(customers, n)` with as many used as `card_count` and
    `device_count` say; `trip_start` and `trip_days` are `(customers, trips)` in days since the
    start of the period, `trip_place` likewise.
    """

    customer_id: Texts
    place: Integers
    contacts: Contacts
    moved_contacts: Contacts
    move_day: Floats
    card_count: Integers
    cards: Texts
    bins: Texts
    device_count: Integers
    devices: Texts
    home_address: Integers
    activity: Floats
    spending: Floats
    online_share: Floats
    app_share: Floats
    rhythm: Integers
    favourite_shops: Integers
    favourite_sites: Integers
    trip_start: Floats
    trip_days: Floats
    trip_place: Integers

    def trip_on(self, customer: Integers, day: Floats) -> Integers:
        """The place to which each customer travels on that day; -1 at home."""
        away = np.full(len(customer), -1, dtype=np.int64)
        for trip in range(_TRIPS):
            since = day - self.trip_start[customer, trip]
            travelling = (since >= 0) & (since < self.trip_days[customer, trip])
            away = np.where(travelling, self.trip_place[customer, trip], away)
        return away

    def contacts_on(self, customer: Integers, day: Floats) -> Contacts:
        """The details that each customer gives on that day."""
        moved = day >= self.move_day[customer]
        current = self.contacts.take(customer)
        return current.replaced(moved, self.moved_contacts.take(customer))


def settle_customers(random: Random, count: int, merchants: Merchants, days: int) -> Customers:
    """`count` customers of these merchants, with their habits for `days`."""
    place = choose(random, places.WEIGHTS, count)
    contacts = household_contacts(random, place)
    elsewhere = household_contacts(random, place)
    return Customers(
        customer_id=customer_ids(random, count),
        place=place,
        contacts=contacts,
        moved_contacts=contacts.replaced(
            np.ones(count, dtype=np.bool_), elsewhere, only=("address", "city", "postal")
        ),
        # About one in fourteen moves house within half a year.
        move_day=np.where(happens(random, days / 2500, count), random.random(count) * days, np.inf),
        card_count=1 + happens(random, 0.35, count),
        cards=opaque_ids(random, "card_", count * 2).reshape(count, 2),
        bins=texts(_BINS)[random.integers(0, len(_BINS), (count, 2))],
        device_count=1 + choose(random, [5, 4, 1.5], count),
        devices=opaque_ids(random, "dev_", count * 3).reshape(count, 3),
        home_address=addresses_in(random, place),
        activity=log_normal(random, 1.0, 0.7, count),
        spending=log_normal(random, 1.0, 0.45, count),
        online_share=random.beta(2.2, 3.6, count),
        app_share=random.beta(1.5, 2.5, count),
        rhythm=choose(random, [5, 2.5, 3, 1], count),
        favourite_shops=_favourite_shops(random, place, merchants),
        favourite_sites=_favourite_sites(random, place, merchants),
        trip_start=random.random((count, _TRIPS)) * days,
        trip_days=_trip_days(random, count, days),
        trip_place=_destinations(random, place),
    )


def _favourite_shops(random: Random, place: Integers, merchants: Merchants) -> Integers:
    each = np.repeat(place, _FAVOURITES_PRESENT)
    found = merchants.near(random, merchants.on(Channel.PRESENT), each)
    return found.reshape(len(place), _FAVOURITES_PRESENT)


def _favourite_sites(random: Random, place: Integers, merchants: Merchants) -> Integers:
    each = np.repeat(place, _FAVOURITES_ONLINE)
    return sites_for(random, each, merchants.on(Channel.ONLINE), merchants).reshape(
        len(place), _FAVOURITES_ONLINE
    )


def sites_for(
    random: Random, place: Integers, pool: Integers, merchants: Merchants, abroad: float = 0.07
) -> Integers:
    """For each row a distant seller of `pool`, mostly of the customer's own country."""
    found = merchants.near(random, pool, np.full(len(place), -1, dtype=np.int64))
    country = places.COUNTRY_OF[place]
    for name in places.COUNTRIES:
        rows = np.flatnonzero((country == name) & ~happens(random, abroad, len(place)))
        domestic = pool[places.COUNTRY_OF[merchants.place[pool]] == name]
        if len(rows) and len(domestic):
            nowhere = np.full(len(rows), -1, dtype=np.int64)
            found[rows] = merchants.near(random, domestic, nowhere)
    return found


def _trip_days(random: Random, count: int, days: int) -> Floats:
    """Lengths of trips; about 1.3 trips a customer and year, the rest of the slots is empty."""
    share = min(1.0, 1.3 * days / 365 / _TRIPS)
    taken = random.random((count, _TRIPS)) < share
    return np.where(taken, 2 + 9 * random.random((count, _TRIPS)), 0.0)


def _destinations(random: Random, place: Integers) -> Integers:
    """Where trips go: near places and large ones more often, far ones now and then."""
    pull = np.sqrt(places.WEIGHTS) * (np.exp(-places.distances_km() / 1500) + 0.12)
    np.fill_diagonal(pull, 0.0)
    edges = np.cumsum(pull, axis=1)
    edges /= edges[:, -1:]
    drawn = random.random((len(place), _TRIPS))
    found = np.empty((len(place), _TRIPS), dtype=np.int64)
    for home in np.unique(place):
        rows = place == home
        found[rows] = np.searchsorted(edges[home], drawn[rows], side="right")
    return np.minimum(found, len(places.PLACES) - 1)
