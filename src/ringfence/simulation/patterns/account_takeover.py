"""An account is taken over: new device, new mailbox, new address, then large orders."""

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
from ringfence.simulation.contacts import Contacts, invented_contacts
from ringfence.simulation.identifiers import opaque_ids
from ringfence.simulation.incidents import Incidents
from ringfence.simulation.patterns.pattern import NIGHT, Pattern, cut_short
from ringfence.simulation.payments import (
    Payments,
    blank,
    charged,
    used_cards,
    used_devices,
    usual_amounts,
)
from ringfence.simulation.world import World


def _share(progress: Floats) -> Floats:
    # The growing business of the period.
    return drifting(progress, 0.15, 0.25)


def _commit(world: World, incidents: Incidents, random: Random) -> Payments:
    count, takeovers = len(incidents), len(incidents.start)
    customers, merchants = world.customers, world.merchants
    victim = choose(random, customers.activity, takeovers)
    customer = incidents.each(victim)
    pool = merchants.rows("gadgets", "gift_cards", "fashion", "travel", "marketplace")
    nowhere = np.full(count, -1, dtype=np.int64)
    merchant = merchants.near(random, pool, nowhere)
    greed = drifting(incidents.progress, 2.6, 1.7)
    dollars = usual_amounts(random, merchants, merchant) * greed
    amount = charged(random, merchants, merchant, dollars)
    abroad = networks.addresses_in(random, choose(random, places.WEIGHTS, takeovers))
    hidden = networks.hosting_addresses(random, takeovers)
    near = networks.addresses_in(random, customers.place[victim])
    route = choose(random, [0.38, 0.37, 0.25], takeovers)
    device = opaque_ids(random, "dev_", takeovers)
    # Some are taken over on the victim's own machine.
    infected = happens(random, 0.15, takeovers)
    device = np.where(infected, used_devices(random, world, victim), device)[incidents.incident]
    return Payments(
        at=incidents.moments(incidents.step * log_normal(random, 2400.0, 0.8, count)),
        customer=customer,
        card=incidents.each(used_cards(random, world, victim)),
        merchant=merchant,
        amount=amount,
        adjusted=cut_short(random, merchants, merchant, amount, 0.22),
        address=incidents.each(np.choose(route, (abroad, hidden, near))),
        contacts=_contacts(world, random, incidents, victim),
        device=blank(happens(random, 0.06, count), device),
        cvv=letters(random, {"M": 0.55, "N": 0.16, "V": 0.17, "P": 0.07, "S": 0.05}, count),
        signature=letters(random, {"N": 0.93, "B": 0.06, "A": 0.01}, count),
        transaction_type=letters(random, {"P": 0.97, "T": 0.03}, count),
        # The thieves move to the phone as their victims do.
        environment=drifting_letters(
            random, {"E": 0.84, "M": 0.16}, {"E": 0.55, "M": 0.45}, incidents.progress
        ),
    )


def _contacts(world: World, random: Random, incidents: Incidents, victim: np.ndarray) -> Contacts:
    takeovers = len(victim)
    start = incidents.start / 86_400
    true = world.customers.contacts_on(victim, start)
    throwaway = 0.3
    new = invented_contacts(random, world.customers.place[victim], disposable=throwaway)
    changed = true.replaced(
        happens(random, 0.62, takeovers), new, only=("address", "city", "postal", "state")
    )
    changed = changed.replaced(happens(random, 0.66, takeovers), new, only=("email",))
    changed = changed.replaced(happens(random, 0.5, takeovers), new, only=("phone",))
    return changed.take(incidents.incident)


PATTERN = Pattern(
    name="account_takeover",
    share=_share,
    payments_each=4,
    hours=NIGHT,
    report_days=4,
    commit=_commit,
)
