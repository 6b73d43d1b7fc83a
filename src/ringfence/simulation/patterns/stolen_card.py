"""A stolen card is spent as fast as it goes, in shops, before it is missed."""

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
    texts,
)
from ringfence.simulation.incidents import Incidents
from ringfence.simulation.patterns.pattern import ANY_TIME, Pattern
from ringfence.simulation.payments import Payments, charged, settled, used_cards, usual_amounts
from ringfence.simulation.world import World

_GOODS = ("electronics", "jewellery", "clothing", "grocery", "fuel", "hotel")


def _share(progress: Floats) -> Floats:
    # Falls as chips replace stripes.
    return drifting(progress, 0.21, 0.13)


def _commit(world: World, incidents: Incidents, random: Random) -> Payments:
    count, thefts = len(incidents), len(incidents.start)
    customers, merchants = world.customers, world.merchants
    victim = choose(random, customers.activity, thefts)
    home = customers.place[victim]
    trip = customers.trip_on(victim, incidents.start / 86_400)
    robbed_in = np.where(trip >= 0, trip, home)
    elsewhere = choose(random, places.WEIGHTS, thefts)
    spent_in = incidents.each(np.where(happens(random, 0.3, thefts), elsewhere, robbed_in))
    customer = incidents.each(victim)
    merchant = merchants.near(random, merchants.rows(*_GOODS), spent_in)
    # Tried small, then larger with each payment that went through; less greedy as limits tighten.
    rising = np.minimum(0.7 + 0.35 * incidents.step, 2.8)
    greed = drifting(incidents.progress, 1.7, 1.15)
    dollars = usual_amounts(random, merchants, merchant) * rising * greed
    environment = drifting_letters(
        random,
        {"S": 0.52, "L": 0.22, "C": 0.18, "U": 0.08},
        {"S": 0.26, "L": 0.48, "C": 0.16, "U": 0.10},
        incidents.progress,
    )
    tapped = environment == "L"
    dollars = np.where(tapped, np.minimum(dollars, 40 + 160 * random.random(count)), dollars)
    amount = charged(random, merchants, merchant, dollars)
    signature = letters(random, {"B": 0.42, "A": 0.16, "N": 0.42}, count)
    hour = 3600 * drifting(incidents.progress, 0.45, 0.8)
    return Payments(
        at=incidents.moments(incidents.step * hour * (0.3 + 1.4 * random.random(count))),
        customer=customer,
        card=incidents.each(used_cards(random, world, victim)),
        merchant=merchant,
        amount=amount,
        adjusted=settled(random, merchants, merchant, amount),
        address=np.where(
            happens(random, 0.4, count),
            networks.addresses_in(random, merchants.place[merchant]),
            networks.NOWHERE,
        ),
        contacts=customers.contacts_on(customer, incidents.start[incidents.incident] / 86_400),
        device=texts([None] * count),
        cvv=letters(random, {"P": 0.88, "M": 0.04, "U": 0.03, "V": 0.05}, count),
        signature=np.where(tapped, "N", signature),
        transaction_type=np.where(happens(random, 0.03, count), "C", "P").astype(object),
        environment=environment,
    )


PATTERN = Pattern(
    name="stolen_card",
    share=_share,
    payments_each=6,
    hours=ANY_TIME,
    report_days=1.5,
    commit=_commit,
)
