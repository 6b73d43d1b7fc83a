"""A shop loses its customers' card data; weeks later copies are used online and at machines."""

from __future__ import annotations

import numpy as np

from ringfence.simulation import networks, places
from ringfence.simulation.chance import (
    Floats,
    Integers,
    Random,
    choose,
    drifting,
    happens,
    letters,
    log_normal,
)
from ringfence.simulation.contacts import invented_contacts
from ringfence.simulation.identifiers import opaque_ids
from ringfence.simulation.incidents import Incidents
from ringfence.simulation.merchants import Channel
from ringfence.simulation.patterns.pattern import NIGHT, Pattern, cut_short
from ringfence.simulation.payments import Payments, blank, charged, used_cards, usual_amounts
from ringfence.simulation.world import World

# How many cards of one breach are used before the next breach is on sale.
_CARDS_A_BREACH = 12


def _share(progress: Floats) -> Floats:
    # One large breach in the middle of the period on top of the usual trickle.
    return 0.12 + 0.13 * np.exp(-(((progress - 0.55) / 0.14) ** 2))


def _commit(world: World, incidents: Incidents, random: Random) -> Payments:
    count, copies = len(incidents), len(incidents.start)
    customers, merchants = world.customers, world.merchants
    victim = _customers_of_breached_shops(world, random, copies)
    customer = incidents.each(victim)
    # Copied stripes first; as terminals refuse them, the numbers are used online instead.
    online = happens(random, drifting(incidents.progress, 0.45, 0.78), count)
    cash = ~online & happens(random, 0.4, count)
    somewhere = incidents.each(choose(random, places.WEIGHTS, copies))
    nowhere = np.full(count, -1, dtype=np.int64)
    sites = merchants.rows("gift_cards", "gadgets", "digital", "fashion", "marketplace")
    goods = merchants.rows("electronics", "clothing", "fuel", "grocery", "pharmacy")
    merchant = np.where(
        online,
        merchants.near(random, sites, nowhere),
        np.where(
            cash,
            merchants.near(random, merchants.on(Channel.CASH), somewhere),
            merchants.near(random, goods, somewhere),
        ),
    )
    dollars = usual_amounts(random, merchants, merchant) * drifting(incidents.progress, 1.9, 1.4)
    amount = charged(random, merchants, merchant, dollars)
    hidden = networks.hosting_addresses(random, count)
    abroad = networks.addresses_in(random, incidents.each(choose(random, places.WEIGHTS, copies)))
    near = networks.addresses_in(random, customers.place[customer])
    address = np.choose(choose(random, [0.35, 0.35, 0.3], count), (hidden, abroad, near))
    true = customers.contacts_on(customer, incidents.start[incidents.incident] / 86_400)
    made_up = invented_contacts(random, customers.place[customer], disposable=0.3)
    contacts = true.replaced(online & happens(random, 0.45, count), made_up)
    device = opaque_ids(random, "dev_", copies)[incidents.incident]
    keyed = letters(random, {"M": 0.68, "N": 0.12, "V": 0.1, "P": 0.06, "S": 0.04}, count)
    stripe = letters(random, {"S": 0.72, "C": 0.12, "U": 0.16}, count)
    signature = letters(random, {"N": 0.5, "B": 0.3, "A": 0.2}, count)
    return Payments(
        at=incidents.moments(incidents.step * log_normal(random, 9000.0, 0.9, count)),
        customer=customer,
        card=incidents.each(used_cards(random, world, victim)),
        merchant=merchant,
        amount=amount,
        adjusted=cut_short(random, merchants, merchant, amount, np.where(online, 0.15, 0.03)),
        address=np.where(online | happens(random, 0.4, count), address, networks.NOWHERE),
        contacts=contacts,
        device=blank(~online | happens(random, 0.1, count), device),
        cvv=np.where(online, keyed, letters(random, {"P": 0.96, "V": 0.04}, count)),
        signature=np.where(online | cash, "N", signature),
        transaction_type=np.where(cash, "C", "P").astype(object),
        environment=np.where(online, letters(random, {"E": 0.8, "M": 0.2}, count), stripe),
    )


def _customers_of_breached_shops(world: World, random: Random, copies: int) -> Integers:
    """One victim a copied card, all of them regulars of a few breached shops."""
    shops = world.customers.favourite_shops
    breaches = max(1, copies // _CARDS_A_BREACH)
    # A shop is breached as likely as it has regulars: drawn through one of them.
    breached = np.unique(shops[random.integers(0, len(shops), breaches), 0])
    regulars = np.flatnonzero(np.isin(shops, breached).any(axis=1))
    return regulars[random.integers(0, len(regulars), copies)]


PATTERN = Pattern(
    name="compromised_merchant",
    share=_share,
    payments_each=3,
    hours=NIGHT,
    report_days=6,
    commit=_commit,
)
