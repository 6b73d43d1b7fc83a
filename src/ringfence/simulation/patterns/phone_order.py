"""Large orders by telephone and letter for invented people, settled for a fraction of the amount.

The seller keys the card's data; nobody sees the card, the address fits to no place, and once the
goods have left most of the amount is reversed.
"""

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
    texts,
)
from ringfence.simulation.contacts import invented_contacts
from ringfence.simulation.incidents import Incidents
from ringfence.simulation.patterns.pattern import OFFICE, Pattern, cut_short
from ringfence.simulation.payments import Payments, charged, used_cards, usual_amounts
from ringfence.simulation.world import World

_AT_HOME = ("US",)


def _share(progress: Floats) -> Floats:
    # Rises and fades: sellers learn.
    return 0.11 + 0.05 * np.sin(progress * np.pi)


def _commit(world: World, incidents: Incidents, random: Random) -> Payments:
    count, orders = len(incidents), len(incidents.start)
    customers, merchants = world.customers, world.merchants
    victim = choose(random, customers.activity, orders)
    customer = incidents.each(victim)
    pool = merchants.rows("catalogue", "supplies")
    foreign = pool[~np.isin(places.COUNTRY_OF[merchants.place[pool]], _AT_HOME)]
    nowhere = np.full(count, -1, dtype=np.int64)
    merchant = np.where(
        happens(random, drifting(incidents.progress, 0.5, 0.62), count),
        merchants.near(random, foreign if len(foreign) else pool, nowhere),
        merchants.near(random, pool, nowhere),
    )
    greed = drifting(incidents.progress, 9.0, 6.0)
    dollars = usual_amounts(random, merchants, merchant) * greed
    amount = charged(random, merchants, merchant, dollars)
    origin = choose(random, np.where(places.COUNTRY_OF == "US", 0.15, 1.0) * places.WEIGHTS, orders)
    abroad = networks.addresses_in(random, incidents.each(origin))
    hidden = networks.hosting_addresses(random, count)
    made_up = invented_contacts(random, customers.place[victim], disposable=0.1)
    true = customers.contacts_on(victim, incidents.start / 86_400)
    contacts = true.replaced(happens(random, 0.85, orders), made_up).take(incidents.incident)
    return Payments(
        at=incidents.moments(incidents.step * log_normal(random, 20_000.0, 0.7, count)),
        customer=customer,
        card=incidents.each(used_cards(random, world, victim)),
        merchant=merchant,
        amount=amount,
        adjusted=cut_short(random, merchants, merchant, amount, 0.72),
        address=np.where(happens(random, 0.78, count), abroad, hidden),
        contacts=contacts,
        device=texts([None] * count),
        cvv=drifting_letters(
            random,
            {"V": 0.5, "N": 0.18, "S": 0.17, "P": 0.07, "M": 0.08},
            {"V": 0.44, "N": 0.14, "S": 0.14, "P": 0.08, "M": 0.20},
            incidents.progress,
        ),
        signature=letters(random, {"B": 0.76, "N": 0.18, "A": 0.06}, count),
        transaction_type=letters(random, {"T": 0.97, "P": 0.03}, count),
        environment=letters(random, {"U": 0.92, "E": 0.08}, count),
    )


PATTERN = Pattern(
    name="phone_order",
    share=_share,
    payments_each=3,
    hours=OFFICE,
    report_days=8,
    commit=_commit,
)
