"""Incidents: when fraudsters strike, and how many payments each strike is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ringfence.simulation.chance import Floats, Integers, Random, choose, second_of_day
from ringfence.simulation.options import DAY_SECONDS, Options


@dataclass(frozen=True, slots=True)
class Incidents:
    """The incidents of one pattern and the payments that belong to them.

    `start` is one number an incident, in seconds since the start of the period. The others are one
    a payment: `incident` says which one, `step` how many payments of it came before, `progress`
    how far the period was when it began, 0 to 1.
    """

    start: Integers
    incident: Integers
    step: Integers
    progress: Floats
    seconds: int

    def __len__(self) -> int:
        return len(self.incident)

    def moments(self, offset: Floats) -> Integers:
        """The times of the payments, `offset` seconds after their incident began.

        An incident that would outlast the period is hastened to fit into it.
        """
        longest = np.zeros(len(self.start))
        np.maximum.at(longest, self.incident, offset)
        left = self.seconds - 1 - self.start
        haste = np.minimum(1.0, left / np.maximum(longest, 1.0))
        moments = self.start[self.incident] + offset * haste[self.incident]
        return np.clip(moments, 0, self.seconds - 1).astype(np.int64)

    def each(self, per_incident: Integers) -> Integers:
        """A value of each incident, repeated for its payments."""
        return per_incident[self.incident]


def plan_incidents(
    random: Random,
    options: Options,
    payments: int,
    *,
    payments_each: float,
    density: Floats,
    hours: Sequence[float],
) -> Incidents:
    """Incidents of `payments` payments in all.

    `density` says how likely an incident begins in each of equally long parts of the period;
    `hours` has a weight for each hour of the day, UTC.
    """
    # A small world has at least a few incidents, each smaller.
    mean = min(payments_each, max(1.0, payments / 15))
    sizes = 1 + random.poisson(mean - 1, payments)
    ends = np.cumsum(sizes)
    count = int(np.searchsorted(ends, payments, side="left")) + 1 if payments else 0
    incident = np.repeat(np.arange(count), sizes[:count])[:payments]
    first = ends[:count] - sizes[:count]
    part = choose(random, density, count) if count else np.zeros(0, dtype=np.int64)
    day = (part + random.random(count)) / len(density) * options.days
    start = day.astype(np.int64) * DAY_SECONDS + second_of_day(random, hours, count)
    return Incidents(
        start=start,
        incident=incident,
        step=np.arange(payments) - first[incident],
        progress=(start / options.seconds)[incident],
        seconds=options.seconds,
    )
