"""How accounts are taken over, and what of it a bank sees: attempts that fail, and logins.

Four ways, from loud to nearly silent. `credential_stuffing`: passwords leaked elsewhere are tried
on many accounts, most in vain. `targeted`: one account, a new device, from far or from a data
centre, after some guesses. `phished`: the password was given away; a new device, an address near
the victim. `own_device`: malware on the owner's own device.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

import numpy as np

from ringfence.simulation import networks, places
from ringfence.simulation.chance import (
    Flags,
    Floats,
    Integers,
    Random,
    Texts,
    choose,
    happens,
    log_normal,
    texts,
)
from ringfence.simulation.identifiers import opaque_ids
from ringfence.simulation.logins_accounts import (
    AGENT_WEIGHTS,
    Accounts,
    Seen,
    agents_of,
    any_models,
)

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Attempts:
    """Attempts to sign in, one row each. `at` is in seconds since the start of the period; `visit`
    numbers what one person does in one go, `incident` the takeover that a row belongs to (-1 for
    none); both from 0 on within this table."""

    at: Integers
    account: Integers
    address: Integers
    place: Integers
    device: Texts
    agent: Texts
    valid: Flags
    visit: Integers
    incident: Integers

    def __len__(self) -> int:
        return len(self.at)

    def take(self, rows: Integers) -> Attempts:
        """These rows."""
        return Attempts(*(getattr(self, field.name)[rows] for field in fields(self)))


def joined(parts: list[Attempts]) -> Attempts:
    """All attempts, visits and incidents numbered anew."""
    columns: dict[str, list[np.ndarray]] = {field.name: [] for field in fields(Attempts)}
    visits = incidents = 0
    for part in parts:
        for name, column in columns.items():
            values = getattr(part, name)
            if name == "visit":
                values = values + visits
            elif name == "incident":
                values = np.where(values < 0, -1, values + incidents)
            column.append(values)
        visits += int(part.visit.max(initial=-1)) + 1
        incidents += int(part.incident.max(initial=-1)) + 1
    return Attempts(**{name: np.concatenate(column) for name, column in columns.items()})


def _stuffing(random: Random, accounts: Accounts, days: int, takeovers: int) -> Attempts:
    """Campaigns until about so many accounts have been entered."""
    parts: list[Attempts] = []
    entered = 0
    while entered < takeovers:
        tried = int(np.clip(log_normal(random, 60.0, 0.7, 1)[0], 10, 400))
        part = _campaign(random, accounts, days, tried, takeovers - entered)
        entered += int(part.incident.max(initial=-1)) + 1
        parts.append(part)
    return joined(parts)


def _campaign(random: Random, accounts: Accounts, days: int, tried: int, most: int) -> Attempts:
    size = len(accounts.account_id)
    account = random.integers(0, size, tried)
    start = random.random() * (days - 1) * _DAY
    at = start + np.sort(random.random(tried)) * log_normal(random, 7_200.0, 0.9, 1)[0]
    valid = happens(random, 0.02 + 0.06 * random.random(), tried)
    valid &= np.cumsum(valid) <= most
    hosted = random.random() < 0.5
    if hosted:
        pool = _hosts_near(random, int(random.integers(1, 5)))
        address = pool[random.integers(0, len(pool), tried)]
        place = np.full(tried, choose(random, places.WEIGHTS, 1)[0])
    else:
        place = choose(random, places.WEIGHTS, tried)
        address = networks.addresses_in(random, place)
    device, agent = _tools(random, tried, start / _DAY)
    incident = np.where(valid, np.cumsum(valid) - 1, -1)
    attempts = Attempts(
        at.astype(np.int64), account, address, place, device, agent, valid, np.arange(tried),
        incident,
    )  # fmt: skip
    # Whoever buys what was found comes back once or twice, from a machine of their own.
    found = np.flatnonzero(valid)
    again = np.repeat(found, 1 + random.integers(0, 2, len(found)))
    back = choose(random, places.WEIGHTS, len(again))
    elsewhere = happens(random, 0.5, len(again))
    seen = _strangers(random, len(again), start / _DAY)
    returns = Attempts(
        attempts.at[again] + (log_normal(random, 0.4, 0.9, len(again)) * _DAY).astype(np.int64),
        account[again],
        np.where(
            elsewhere,
            networks.hosting_addresses(random, len(again)),
            networks.addresses_in(random, back),
        ),
        back,
        *seen,
        np.ones(len(again), dtype=np.bool_),
        tried + np.arange(len(again)),
        incident[again],
    )
    both = [
        np.concatenate([getattr(attempts, field.name), getattr(returns, field.name)])
        for field in fields(Attempts)
    ]
    return Attempts(*both)


def _targeted(random: Random, accounts: Accounts, days: int, takeovers: int) -> Attempts:
    victim = choose(random, accounts.activity, takeovers)
    guesses = np.minimum(random.geometric(0.45, takeovers) - 1, 5)
    logins = 1 + random.integers(0, 3, takeovers)
    route = choose(random, [0.4, 0.35, 0.25], takeovers)
    home = places.COUNTRY_OF[accounts.place[victim]]
    place = choose(random, places.WEIGHTS, takeovers)
    for name in places.COUNTRIES:
        rows = np.flatnonzero((home == name) & (route == 2))
        inland = np.flatnonzero(name == places.COUNTRY_OF)
        place[rows] = inland[random.integers(0, len(inland), len(rows))]
    hidden = networks.hosting_addresses(random, takeovers)
    address = np.where(route == 0, hidden, networks.addresses_in(random, place))
    return _incidents(
        random, days, victim, guesses, logins, Seen(address, place, *_new(random, takeovers, days))
    )


def _phished(random: Random, accounts: Accounts, days: int, takeovers: int) -> Attempts:
    victim = choose(random, accounts.activity, takeovers)
    place = accounts.place[victim]
    device, agent = _new(random, takeovers, days)
    # Who has read the victim's mail knows the victim's browser too.
    alike = happens(random, 0.5, takeovers)
    middle = np.full(takeovers, days / 2)
    _, own = accounts.devices_on(victim, np.zeros(takeovers, dtype=np.int64), middle)
    return _incidents(
        random,
        days,
        victim,
        np.zeros(takeovers, dtype=np.int64),
        1 + random.integers(0, 3, takeovers),
        Seen(networks.addresses_in(random, place), place, device, np.where(alike, own, agent)),
    )


def _on_own_device(random: Random, accounts: Accounts, days: int, takeovers: int) -> Attempts:
    victim = choose(random, accounts.activity, takeovers)
    day = random.random(takeovers) * (days - 1)
    device, agent = accounts.devices_on(victim, np.zeros(takeovers, dtype=np.int64), day)
    return _incidents(
        random,
        days,
        victim,
        np.zeros(takeovers, dtype=np.int64),
        2 + random.integers(0, 3, takeovers),
        Seen(accounts.home_addresses(victim, day), accounts.place[victim], device, agent),
        day=day,
        apart_days=0.05,
    )


def _incidents(
    random: Random,
    days: int,
    victim: Integers,
    guesses: Integers,
    logins: Integers,
    seen: Seen,
    *,
    day: Floats | None = None,
    apart_days: float = 0.6,
) -> Attempts:
    """Guesses that fail, then logins that do not, with one device and address an incident."""
    takeovers = len(victim)
    begin = (random.random(takeovers) * (days - 1) if day is None else day) * _DAY
    each = guesses + logins
    incident = np.repeat(np.arange(takeovers), each)
    step = np.arange(len(incident)) - np.repeat(np.cumsum(each) - each, each)
    valid = step >= guesses[incident]
    wait = np.where(
        step <= guesses[incident],
        log_normal(random, 45.0, 0.7, len(incident)),
        log_normal(random, apart_days * _DAY, 0.8, len(incident)),
    )
    total = np.cumsum(wait)
    first = np.cumsum(each) - each
    at = begin[incident] + total - total[first][incident]
    # What fails and the login that follows are one visit, each later login another.
    visit = np.cumsum((step == 0) | (step > guesses[incident])) - 1
    return Attempts(
        at.astype(np.int64),
        victim[incident],
        seen.address[incident],
        seen.place[incident],
        seen.device[incident],
        seen.agent[incident],
        valid,
        visit,
        incident,
    )


def _tools(random: Random, count: int, day: float) -> tuple[Texts, Texts]:
    """What a program says of itself: no device, always the same, or another each time."""
    way = random.random()
    device = opaque_ids(random, "dev_", count)
    if way < 0.4:
        device[:] = None
    elif way < 0.7:
        device[:] = device[0]
    _, agent = _strangers(random, count, day)
    if random.random() < 0.6:
        agent[:] = agent[0]
    return device, agent


def _strangers(random: Random, count: int, day: float) -> tuple[Texts, Texts]:
    """Devices never seen before, with common browsers, some of them long out of date."""
    kind = choose(random, AGENT_WEIGHTS, count)
    lag = choose(random, [6, 2, 1, 1, 1], count)
    agent = agents_of(kind, any_models(random, count), lag, np.full(count, day))
    return opaque_ids(random, "dev_", count), agent


def _new(random: Random, count: int, days: int) -> tuple[Texts, Texts]:
    return _strangers(random, count, days / 2)


def _hosts_near(random: Random, count: int) -> Integers:
    """Addresses of one network in a data centre."""
    block = int(networks.hosting_addresses(random, 1)[0]) // 256
    return block * 256 + random.integers(1, 255, count)


Commit = Callable[[Random, Accounts, int, int], Attempts]
# What makes the attempts of so many takeovers within so many days, and the share of them.
TAKEOVERS: Mapping[str, tuple[Commit, float]] = {
    "credential_stuffing": (_stuffing, 0.4),
    "targeted": (_targeted, 0.27),
    "phished": (_phished, 0.25),
    "own_device": (_on_own_device, 0.08),
}
TAKEOVER_NAMES = tuple(TAKEOVERS)


def all_takeovers(
    random: Random, accounts: Accounts, days: int, takeovers: int
) -> tuple[Attempts, Texts]:
    """The attempts of all ways together, and each one's way; within the period."""
    parts, ways = [], []
    left = takeovers
    for name, (commit, share) in TAKEOVERS.items():
        count = left if name == TAKEOVER_NAMES[-1] else min(left, round(takeovers * share))
        left -= count
        if count:
            part = commit(random, accounts, days, count)
            parts.append(part)
            ways += [name] * len(part)
    if not parts:
        return _nothing(), texts([])
    every = joined(parts)
    within = np.flatnonzero((every.at >= 0) & (every.at < days * _DAY))
    return every.take(within), texts(ways)[within]


def _nothing() -> Attempts:
    none = np.zeros(0, dtype=np.int64)
    return Attempts(none, none, none, none, texts([]), texts([]), none > 0, none, none)
