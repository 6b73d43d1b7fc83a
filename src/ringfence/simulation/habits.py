"""What customers do when nobody interferes: their everyday payments, journeys and subscriptions."""

from __future__ import annotations

import numpy as np

from ringfence.simulation import networks, places
from ringfence.simulation.chance import (
    Flags,
    Floats,
    Integers,
    Random,
    Texts,
    choose,
    drifting_letters,
    happens,
    letters,
)
from ringfence.simulation.contacts import Contacts, mistyped_contacts
from ringfence.simulation.customers import RHYTHMS, sites_for
from ringfence.simulation.identifiers import opaque_ids
from ringfence.simulation.merchants import CATEGORIES, Channel
from ringfence.simulation.options import DAY_SECONDS
from ringfence.simulation.payments import (
    Payments,
    blank,
    charged,
    settled,
    used_cards,
    used_devices,
    usual_amounts,
)
from ringfence.simulation.world import World

# Monday to Sunday.
_WEEKDAYS = np.array([0.93, 0.92, 0.96, 1.0, 1.16, 1.18, 0.85])
_UNATTENDED = np.array([category.unattended for category in CATEGORIES])


def everyday_payments(world: World, random: Random, count: int) -> Payments:
    """`count` payments that the customers themselves make."""
    customers, merchants = world.customers, world.merchants
    customer = choose(random, customers.activity, count)
    day, channel = _days(world, random, count), _channels(world, random, customer)
    home = customers.place[customer]
    away = customers.trip_on(customer, day.astype(np.float64))
    here = np.where(away >= 0, away, home)
    progress = day / world.options.days
    merchant = _merchants(world, random, customer, channel, here)
    dollars = usual_amounts(random, merchants, merchant, customers.spending[customer])
    amount = charged(random, merchants, merchant, dollars)
    distant = (channel == Channel.ONLINE) | (channel == Channel.MAIL)
    in_app = happens(random, customers.app_share[customer], count) & (channel == Channel.ONLINE)
    environment = _environments(random, channel, merchants.category[merchant], in_app, progress)
    return Payments(
        at=_moments(world, random, customer, day, here, channel),
        customer=customer,
        card=used_cards(random, world, customer),
        merchant=merchant,
        amount=amount,
        adjusted=settled(random, merchants, merchant, amount),
        address=_addresses(world, random, customer, channel, here, merchant),
        contacts=_contacts(world, random, customer, day, distant),
        device=_devices(world, random, customer, channel),
        cvv=_cvv(random, channel),
        signature=_signatures(random, channel, environment, dollars),
        transaction_type=np.array(["P", "P", "T", "R", "C"], dtype=object)[channel],
        environment=environment,
    )


def _days(world: World, random: Random, count: int) -> Integers:
    days = np.arange(world.options.days)
    weight = _WEEKDAYS[(days + world.options.start.weekday()) % 7]
    # Seasons, and a slow growth of the business.
    weight = weight * (1 + 0.06 * np.sin(days / 58)) * (1 + 0.1 * days / world.options.days)
    return choose(random, weight, count)


def _channels(world: World, random: Random, customer: Integers) -> Integers:
    count = len(customer)
    channel = np.where(
        happens(random, world.customers.online_share[customer], count),
        int(Channel.ONLINE),
        int(Channel.PRESENT),
    )
    special = random.random(count)
    channel = np.where(special < 0.045, int(Channel.CASH), channel)
    channel = np.where((special >= 0.045) & (special < 0.105), int(Channel.RECURRING), channel)
    return np.where((special >= 0.105) & (special < 0.14), int(Channel.MAIL), channel)


def _merchants(
    world: World, random: Random, customer: Integers, channel: Integers, here: Integers
) -> Integers:
    customers, merchants = world.customers, world.merchants
    home = customers.place[customer]
    merchant = np.empty(len(customer), dtype=np.int64)
    for kind in Channel:
        rows = np.flatnonzero(channel == kind)
        pool = merchants.on(kind)
        if kind in (Channel.PRESENT, Channel.CASH):
            merchant[rows] = merchants.near(random, pool, here[rows])
        else:
            merchant[rows] = sites_for(random, home[rows], pool, merchants)
    for kind, favourites, loyal in (
        (Channel.PRESENT, customers.favourite_shops, 0.72),
        (Channel.ONLINE, customers.favourite_sites, 0.66),
    ):
        known = (channel == kind) & happens(random, loyal, len(customer))
        rows = np.flatnonzero(known & ((here == home) | (kind == Channel.ONLINE)))
        rank = choose(random, 1 / np.arange(1, favourites.shape[1] + 1), len(rows))
        merchant[rows] = favourites[customer[rows], rank]
    return merchant


def _moments(
    world: World,
    random: Random,
    customer: Integers,
    day: Integers,
    here: Integers,
    channel: Integers,
) -> Integers:
    count = len(customer)
    edges = np.cumsum(RHYTHMS, axis=1)
    drawn = random.random(count) * edges[world.customers.rhythm[customer], -1]
    hour = (edges[world.customers.rhythm[customer]] <= drawn[:, None]).sum(axis=1)
    # Subscriptions are charged in the small hours, by a batch.
    hour = np.where(channel == Channel.RECURRING, random.integers(2, 7, count), hour)
    local = day * DAY_SECONDS + hour * 3600 + random.integers(0, 3600, count)
    at: Integers = (local - places.OFFSET_SECONDS[here]) % world.options.seconds
    return at


def _environments(
    random: Random, channel: Integers, category: Integers, in_app: Flags, progress: Floats
) -> Texts:
    count = len(channel)
    # Contactless grows at the cost of the stripe.
    present = drifting_letters(
        random, {"C": 0.46, "L": 0.40, "S": 0.14}, {"C": 0.42, "L": 0.49, "S": 0.09}, progress
    )
    environment = np.where(happens(random, _UNATTENDED[category], count), "U", present)
    environment = np.where(channel == Channel.ONLINE, np.where(in_app, "M", "E"), environment)
    environment = np.where(
        channel == Channel.MAIL, letters(random, {"U": 0.9, "E": 0.1}, count), environment
    )
    environment = np.where(
        channel == Channel.RECURRING, letters(random, {"E": 0.7, "U": 0.3}, count), environment
    )
    cash = letters(random, {"C": 0.8, "L": 0.06, "S": 0.14}, count)
    return np.where(channel == Channel.CASH, cash, environment)


def _addresses(
    world: World,
    random: Random,
    customer: Integers,
    channel: Integers,
    here: Integers,
    merchant: Integers,
) -> Integers:
    count = len(customer)
    home = world.customers.place[customer]
    mobile = networks.addresses_in(random, here)
    terminal = networks.addresses_in(random, world.merchants.place[merchant])
    at_home = (here == home) & happens(random, 0.62, count)
    address = np.where(at_home, world.customers.home_address[customer], mobile)
    # Private networks of employers and anonymising services: honest people use them, too.
    hidden = happens(random, 0.035, count)
    address = np.where(hidden, networks.hosting_addresses(random, count), address)
    keyed_by_seller = (channel == Channel.MAIL) & happens(random, 0.3, count)
    address = np.where(keyed_by_seller, terminal, address)
    at_terminal = (channel == Channel.PRESENT) | (channel == Channel.CASH)
    known = happens(random, 0.4, count)
    return np.where(at_terminal, np.where(known, terminal, networks.NOWHERE), address)


def _contacts(
    world: World, random: Random, customer: Integers, day: Integers, distant: Flags
) -> Contacts:
    count = len(customer)
    contacts = world.customers.contacts_on(customer, day.astype(np.float64))
    rows = np.flatnonzero(distant & happens(random, 0.05, count))
    other = mistyped_contacts(random, contacts.take(rows))
    columns = []
    for column, changed in zip(contacts.columns(), other.columns(), strict=True):
        mixed = column.copy()
        mixed[rows] = changed
        columns.append(mixed)
    return Contacts(*columns)


def _devices(world: World, random: Random, customer: Integers, channel: Integers) -> Texts:
    count = len(customer)
    device = used_devices(random, world, customer)
    rows = np.flatnonzero(happens(random, 0.05, count) & (channel == Channel.ONLINE))
    device[rows] = opaque_ids(random, "dev_", len(rows))
    return blank((channel != Channel.ONLINE) | happens(random, 0.05, count), device)


def _cvv(random: Random, channel: Integers) -> Texts:
    count = len(channel)
    online = {"M": 0.91, "N": 0.025, "V": 0.02, "P": 0.025, "U": 0.015, "S": 0.005}
    mail = {"M": 0.5, "N": 0.05, "V": 0.07, "P": 0.24, "U": 0.05, "S": 0.09}
    present = {"P": 0.93, "M": 0.05, "U": 0.015, "V": 0.005}
    cvv = np.where(
        channel == Channel.ONLINE, letters(random, online, count), letters(random, present, count)
    )
    return np.where(channel == Channel.MAIL, letters(random, mail, count), cvv)


def _signatures(random: Random, channel: Integers, environment: Texts, dollars: Floats) -> Texts:
    count = len(channel)
    large = {"A": 0.5, "N": 0.43, "B": 0.07}
    small = {"A": 0.08, "N": 0.905, "B": 0.015}
    signed = np.where(
        (dollars > 80) | (environment == "S"),
        letters(random, large, count),
        letters(random, small, count),
    )
    signed = np.where(environment == "L", "N", signed)
    distant = letters(random, {"N": 0.985, "A": 0.01, "B": 0.005}, count)
    signature = np.where(channel == Channel.PRESENT, signed, distant)
    order_form = letters(random, {"N": 0.46, "A": 0.32, "B": 0.22}, count)
    return np.where(channel == Channel.MAIL, order_form, signature)
