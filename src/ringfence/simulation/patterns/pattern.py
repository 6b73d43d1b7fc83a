"""What a fraud pattern is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ringfence.simulation.chance import Floats, Integers, Random
from ringfence.simulation.incidents import Incidents
from ringfence.simulation.merchants import Merchants
from ringfence.simulation.payments import Payments, rounded
from ringfence.simulation.world import World

NIGHT = (6, 7, 8, 8, 8, 7, 5, 3, 2, 2, 2, 2, 2, 2, 3, 3, 3, 4, 4, 4, 4, 5, 5, 6)
OFFICE = (3, 2, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4, 5, 6, 8, 9, 9, 8, 8, 7, 6, 5, 4, 3)
ANY_TIME = (1,) * 24


@dataclass(frozen=True, slots=True)
class Pattern:
    """A way of defrauding.

    `share` gives the pattern's weight among all patterns at each progress, 0 to 1, through the
    period. An incident has about `payments_each` payments; cardholders report one after about
    `report_days`. `commit` makes the payments of the planned incidents, in their order.
    """

    name: str
    share: Callable[[Floats], Floats]
    payments_each: float
    hours: tuple[float, ...]
    report_days: float
    commit: Callable[[World, Incidents, Random], Payments]


def cut_short(
    random: Random, merchants: Merchants, merchant: Integers, amount: Floats, share: float | Floats
) -> Floats:
    """What is settled where a `share` of the payments is mostly reversed after the goods left."""
    count = len(amount)
    reversed_later = random.random(count) < share
    rest = 0.005 + random.beta(1.0, 5.0, count)
    settled = rounded(merchants, merchant, amount * rest)
    return (settled * reversed_later) + amount * ~reversed_later
