"""Bought card data are tried out: a rain of tiny payments at shops that ask few questions."""

from __future__ import annotations

import numpy as np

from ringfence.simulation import networks
from ringfence.simulation.chance import (
    Floats,
    Random,
    choose,
    drifting,
    drifting_letters,
    happens,
    letters,
    log_normal,
)
from ringfence.simulation.contacts import invented_contacts
from ringfence.simulation.identifiers import opaque_ids
from ringfence.simulation.incidents import Incidents
from ringfence.simulation.patterns.pattern import NIGHT, Pattern
from ringfence.simulation.payments import Payments, blank, charged, used_cards
from ringfence.simulation.world import World

_SHOPS = 3
_DEVICES = 4


def _share(progress: Floats) -> Floats:
    # Comes in waves, with each new lot of data on the market.
    return 0.17 + 0.06 * np.sin(progress * 4 * np.pi)


def _commit(world: World, incidents: Incidents, random: Random) -> Payments:
    count, campaigns = len(incidents), len(incidents.start)
    customers, merchants = world.customers, world.merchants
    customer = choose(random, customers.activity, count)
    pool = merchants.rows("donation", "digital", "subscription", "marketplace")
    shops = pool[random.integers(0, len(pool), (campaigns, _SHOPS))]
    merchant = shops[incidents.incident, random.integers(0, _SHOPS, count)]
    # First cents, later amounts that look like purchases.
    dollars = log_normal(random, drifting(incidents.progress, 1.6, 6.0), 0.8, count)
    amount = charged(random, merchants, merchant, dollars)
    # A campaign keeps to one hosting network and changes the machine in it.
    base = networks.hosting_addresses(random, campaigns) // 256
    rented = base[incidents.incident] * 256 + random.integers(1, 255, count)
    hijacked = networks.addresses_in(random, customers.place[customer])
    machine = happens(random, drifting(incidents.progress, 0.85, 0.6), count)
    own_devices = opaque_ids(random, "dev_", campaigns * _DEVICES).reshape(campaigns, _DEVICES)
    device = own_devices[incidents.incident, random.integers(0, _DEVICES, count)]
    day = incidents.start[incidents.incident] / 86_400
    true = customers.contacts_on(customer, day)
    made_up = invented_contacts(random, customers.place[customer], disposable=0.35)
    contacts = true.replaced(happens(random, 0.35, count), made_up)
    contacts = contacts.replaced(happens(random, 0.4, count), made_up, only=("email", "phone"))
    return Payments(
        at=incidents.moments(incidents.step * log_normal(random, 70.0, 0.6, count)),
        customer=customer,
        card=used_cards(random, world, customer),
        merchant=merchant,
        amount=amount,
        adjusted=amount,
        address=np.where(machine, rented, hijacked),
        contacts=contacts,
        device=blank(happens(random, 0.25, count), device),
        cvv=drifting_letters(
            random,
            {"N": 0.42, "M": 0.22, "V": 0.18, "P": 0.08, "S": 0.10},
            {"N": 0.24, "M": 0.46, "V": 0.14, "P": 0.08, "S": 0.08},
            incidents.progress,
        ),
        signature=letters(random, {"N": 0.97, "B": 0.03}, count),
        transaction_type=letters(random, {"P": 0.95, "R": 0.05}, count),
        environment=drifting_letters(
            random, {"E": 0.92, "M": 0.08}, {"E": 0.75, "M": 0.25}, incidents.progress
        ),
    )


PATTERN = Pattern(
    name="card_testing",
    share=_share,
    payments_each=45,
    hours=NIGHT,
    report_days=5,
    commit=_commit,
)
