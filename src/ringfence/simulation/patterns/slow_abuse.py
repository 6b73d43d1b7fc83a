"""Small amounts, again and again for weeks, that few people notice on a statement."""

from __future__ import annotations

import numpy as np

from ringfence.simulation import networks, places
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
from ringfence.simulation.options import DAY_SECONDS
from ringfence.simulation.patterns.pattern import ANY_TIME, Pattern
from ringfence.simulation.payments import Payments, blank, charged, used_cards
from ringfence.simulation.world import World


def _share(progress: Floats) -> Floats:
    return drifting(progress, 0.07, 0.12)


def _commit(world: World, incidents: Incidents, random: Random) -> Payments:
    count, abuses = len(incidents), len(incidents.start)
    customers, merchants = world.customers, world.merchants
    victim = choose(random, customers.activity, abuses)
    customer = incidents.each(victim)
    pool = merchants.rows("digital", "subscription", "donation", "marketplace")
    merchant = incidents.each(pool[random.integers(0, len(pool), abuses)])
    dollars = log_normal(random, drifting(incidents.progress, 5.0, 12.0), 0.45, count)
    amount = charged(random, merchants, merchant, dollars)
    hidden = networks.hosting_addresses(random, count)
    abroad = networks.addresses_in(random, incidents.each(choose(random, places.WEIGHTS, abuses)))
    near = networks.addresses_in(random, customers.place[customer])
    true = customers.contacts_on(customer, incidents.start[incidents.incident] / 86_400)
    made_up = invented_contacts(random, customers.place[victim], disposable=0.2)
    new_mailbox = happens(random, 0.45, abuses)[incidents.incident]
    days = incidents.step * drifting(incidents.progress, 3.0, 6.0) + random.random(count)
    return Payments(
        at=incidents.moments(days * DAY_SECONDS),
        customer=customer,
        card=incidents.each(used_cards(random, world, victim)),
        merchant=merchant,
        amount=amount,
        adjusted=amount,
        address=np.choose(choose(random, [0.36, 0.36, 0.28], count), (hidden, abroad, near)),
        contacts=true.replaced(new_mailbox, made_up.take(incidents.incident), only=("email",)),
        device=blank(
            happens(random, 0.5, count), opaque_ids(random, "dev_", abuses)[incidents.incident]
        ),
        cvv=letters(random, {"M": 0.52, "P": 0.3, "V": 0.08, "N": 0.05, "S": 0.05}, count),
        signature=letters(random, {"N": 0.99, "B": 0.01}, count),
        transaction_type=drifting_letters(
            random, {"P": 0.75, "R": 0.25}, {"P": 0.45, "R": 0.55}, incidents.progress
        ),
        environment=letters(random, {"E": 0.74, "M": 0.13, "U": 0.13}, count),
    )


PATTERN = Pattern(
    name="slow_abuse",
    share=_share,
    payments_each=8,
    hours=ANY_TIME,
    report_days=21,
    commit=_commit,
)
