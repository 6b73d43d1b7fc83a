"""Accounts and how their owners sign in: devices, networks, trips, slips of the finger.

What is ordinary here is what a model has to tell takeovers from: new telephones, hotels, offices
whose people share an address, private networks, forgotten passwords.
"""

from __future__ import annotations

from dataclasses import dataclass

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
from ringfence.simulation.customers import RHYTHMS
from ringfence.simulation.identifiers import opaque_ids

SLOTS = 3
_GENERATIONS = 3
_TRIPS = 2
_OFFICES_A_PLACE = 12
_MOBILE_A_PLACE = 40
_HOTELS_A_PLACE = 15
_VPN_EXITS = 60
NEVER = 1e9

# A browser as it names itself: `{v}` is its version, `{m}` the model of a telephone. The third is
# the version at the start of the period, the fourth how many weeks one lasts.
_AGENTS: tuple[tuple[str, float, int, int], ...] = (
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/{v}.0.0.0 Safari/537.36",
        22.0,
        143,
        4,
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/{v}.0.0.0 Safari/537.36 Edg/{v}.0.0.0",
        9.0,
        143,
        4,
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{v}.0) Gecko/20100101 Firefox/{v}.0",
        5.0,
        146,
        4,
    ),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/{v}.0 Safari/605.1.15",
        10.0,
        18,
        26,
    ),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/{v}.0.0.0 Safari/537.36",
        7.0,
        143,
        4,
    ),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:{v}.0) Gecko/20100101 Firefox/{v}.0", 2.0, 146, 4),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS {v}_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
        "Gecko) Version/{v}.1 Mobile/15E148 Safari/604.1",
        20.0,
        18,
        26,
    ),
    (
        "Mozilla/5.0 (Linux; Android 15; {m}) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/{v}.0.0.0 Mobile Safari/537.36",
        19.0,
        143,
        4,
    ),
    (
        "Mozilla/5.0 (Linux; Android 14; {m}) AppleWebKit/537.36 (KHTML, like Gecko) "
        "SamsungBrowser/{v}.0 Chrome/130.0.0.0 Mobile Safari/537.36",
        6.0,
        28,
        9,
    ),
)
_IPHONE, _ANDROID = 6, 7
AGENT_WEIGHTS = tuple(weight for _, weight, _, _ in _AGENTS)
_MODELS = ("SM-S921B", "SM-A556B", "SM-A155F", "Pixel 8", "Pixel 9", "Pixel 7a", "2312DRA50G",
           "CPH2609", "moto g84 5G", "XQ-DE54")  # fmt: skip


def agents_of(kind: Integers, model: Integers, lag: Integers, day: Floats) -> Texts:
    """How browsers name themselves on a day; `lag` is by how many versions each is behind."""
    first = np.array([version for _, _, version, _ in _AGENTS])[kind]
    weeks = np.array([lasts for _, _, _, lasts in _AGENTS])[kind]
    version = first + (day / 7 / weeks).astype(np.int64) - lag
    rows = zip(kind.tolist(), model.tolist(), version.tolist(), strict=True)
    return texts([_AGENTS[k][0].format(v=v, m=_MODELS[m]) for k, m, v in rows])


def any_models(random: Random, count: int) -> Integers:
    """Models of telephones."""
    return random.integers(0, len(_MODELS), count)


@dataclass(frozen=True, slots=True)
class Seen:
    """Where logins come from and with what, one row each: the address, the place that it is
    located at, the device's id (None where there is none) and the user agent."""

    address: Integers
    place: Integers
    device: Texts
    agent: Texts


@dataclass(frozen=True, slots=True)
class Accounts:
    """All accounts, one row each; `place` is an index of `PLACES`, days count from the start.

    Devices have shape `(accounts, SLOTS)`, of which `device_count` are used. A device is cleared of
    its cookies on `cleared` and replaced on `replaced`: its id is another one from then on.
    """

    account_id: Texts
    place: Integers
    activity: Floats
    rhythm: Integers
    opened: Floats
    slips: Floats
    device_count: Integers
    device_ids: Texts
    kind: Integers
    model: Integers
    lag: Integers
    cleared: Floats
    replaced: Floats
    hides_device: Flags
    home_network: Integers
    lease_days: Floats
    at_work: Floats
    office: Integers
    by_mobile: Floats
    by_vpn: Floats
    trip_start: Floats
    trip_days: Floats
    trip_place: Integers

    def devices_on(self, account: Integers, slot: Integers, day: Floats) -> tuple[Texts, Texts]:
        """Ids and user agents of devices on a day."""
        cleared = day >= self.cleared[account, slot]
        replaced = day >= self.replaced[account, slot]
        generation = np.where(replaced, 2, cleared.astype(np.int64))
        kind, model = self.kind[account, slot], self.model[account, slot]
        # A new telephone is another model, and now and then of another make.
        newer = np.where(replaced, (model + 3) % len(_MODELS), model)
        changed = replaced & (model % 4 == 0)
        other_make = np.where(kind == _IPHONE, _ANDROID, np.where(kind == _ANDROID, _IPHONE, kind))
        kind = np.where(changed, other_make, kind)
        ids = self.device_ids[account, slot, generation].copy()
        ids[self.hides_device[account]] = None
        return ids, agents_of(kind, newer, self.lag[account, slot], day)

    def home_addresses(self, account: Integers, day: Floats) -> Integers:
        """The address at home on a day, which the provider changes now and then."""
        lease = ((day + account * 7 % 31) / self.lease_days[account]).astype(np.int64)
        network = self.home_network[account]
        third = _mixed(account * 4_099 + lease // 3) % 256
        last = 1 + _mixed(account * 8_191 + lease * 13 + 5) % 254
        return network * 65_536 + third * 256 + last

    def trip_on(self, account: Integers, day: Floats) -> Integers:
        """The place to which each owner travels on that day; -1 at home."""
        away = np.full(len(account), -1, dtype=np.int64)
        for trip in range(_TRIPS):
            since = day - self.trip_start[account, trip]
            travels = (since >= 0) & (since < self.trip_days[account, trip])
            away = np.where(travels, self.trip_place[account, trip], away)
        return away


@dataclass(frozen=True, slots=True)
class SharedNetworks:
    """Addresses that many people come from: of mobile networks, offices and hotels, shape
    `(places, n)`; of private networks, whose exits lie in data centres."""

    mobile: Integers
    offices: Integers
    hotels: Integers
    exits: Integers
    exit_place: Integers


def open_networks(random: Random) -> SharedNetworks:
    """The shared networks of all places."""
    everywhere = np.arange(len(places.PLACES))

    def drawn(each: int, blocks: int) -> Integers:
        base = networks.addresses_in(random, np.repeat(everywhere, blocks))
        base = base.reshape(-1, blocks) // 256
        chosen = base[:, np.arange(each) % blocks]
        shared: Integers = chosen * 256 + random.integers(1, 255, chosen.shape)
        return shared

    return SharedNetworks(
        mobile=drawn(_MOBILE_A_PLACE, 4),
        offices=drawn(_OFFICES_A_PLACE, _OFFICES_A_PLACE),
        hotels=drawn(_HOTELS_A_PLACE, _HOTELS_A_PLACE),
        exits=networks.hosting_addresses(random, _VPN_EXITS),
        exit_place=choose(random, places.WEIGHTS, _VPN_EXITS),
    )


def open_accounts(random: Random, count: int, days: int) -> Accounts:
    """`count` accounts, with the habits of their owners for `days`."""
    place = choose(random, places.WEIGHTS, count)
    shape = (count, SLOTS)
    kind = choose(random, AGENT_WEIGHTS, count * SLOTS).reshape(shape)
    settled = happens(random, 0.3, count)
    employed = happens(random, 0.35, count)
    private = happens(random, 0.06, count)
    # A quarter of the accounts is opened within the period.
    opened = np.where(happens(random, 0.25, count), random.random(count) * days * 0.9, 0.0)
    return Accounts(
        account_id=opaque_ids(random, "acc_", count),
        place=place,
        activity=log_normal(random, 1.0, 0.8, count),
        rhythm=choose(random, [5, 2.5, 3, 1], count),
        opened=opened,
        slips=random.beta(1.2, 18.0, count),
        device_count=1 + choose(random, [4, 4, 2], count),
        device_ids=opaque_ids(random, "dev_", count * SLOTS * _GENERATIONS).reshape(
            count, SLOTS, _GENERATIONS
        ),
        kind=kind,
        model=any_models(random, count * SLOTS).reshape(shape),
        lag=choose(random, [7, 2, 1], count * SLOTS).reshape(shape),
        cleared=_once_in(random, 260.0, shape),
        replaced=_once_in(random, 500.0, shape),
        hides_device=happens(random, 0.04, count),
        home_network=networks.addresses_in(random, place) // 65_536,
        lease_days=np.where(settled, NEVER, log_normal(random, 18.0, 0.8, count)),
        at_work=np.where(employed, random.beta(2.0, 3.0, count), 0.0),
        office=choose(random, 1.0 / np.arange(1, _OFFICES_A_PLACE + 1), count),
        by_mobile=random.beta(1.5, 3.0, count),
        by_vpn=np.where(private, random.beta(2.0, 2.0, count), 0.0),
        trip_start=random.random((count, _TRIPS)) * days,
        trip_days=np.where(
            random.random((count, _TRIPS)) < min(1.0, 1.6 * days / 365 / _TRIPS),
            2 + 8 * random.random((count, _TRIPS)),
            0.0,
        ),
        trip_place=choose(random, np.sqrt(places.WEIGHTS), count * _TRIPS).reshape(count, _TRIPS),
    )


def own_logins(
    random: Random,
    accounts: Accounts,
    shared: SharedNetworks,
    account: Integers,
    day: Floats,
) -> Seen:
    """Where owners sign in from, and with what."""
    count = len(account)
    slot = np.minimum(choose(random, [6, 3, 1], count), accounts.device_count[account] - 1)
    device, agent = accounts.devices_on(account, slot, day)
    place = accounts.place[account].copy()
    address = accounts.home_addresses(account, day)
    mobile = happens(random, accounts.by_mobile[account], count)
    works = happens(random, accounts.at_work[account], count)
    address = np.where(mobile, _any_of(random, shared.mobile, place), address)
    address = np.where(works, shared.offices[place, accounts.office[account]], address)
    trip = accounts.trip_on(account, day)
    away = trip >= 0
    there = np.where(away, trip, place)
    hotel = shared.hotels[there, (account + trip) % _HOTELS_A_PLACE]
    abroad = np.where(happens(random, 0.5, count), hotel, _any_of(random, shared.mobile, there))
    address = np.where(away, abroad, address)
    tunnel = happens(random, accounts.by_vpn[account], count)
    exit_of = (account * 3 + random.integers(0, 3, count)) % _VPN_EXITS
    address = np.where(tunnel, shared.exits[exit_of], address)
    located = np.where(tunnel, shared.exit_place[exit_of], there)
    # Some sign in at a friend's or on a borrowed machine.
    borrowed = happens(random, 0.006, count)
    other = opaque_ids(random, "dev_", int(borrowed.sum()))
    device[borrowed] = other
    kinds = choose(random, AGENT_WEIGHTS, int(borrowed.sum()))
    lags = np.zeros(len(kinds), dtype=np.int64)
    agent[borrowed] = agents_of(kinds, any_models(random, len(kinds)), lags, day[borrowed])
    return Seen(address, located, device, agent)


def local_seconds(random: Random, accounts: Accounts, account: Integers) -> Integers:
    """A time of the day for a login, in seconds since midnight UTC, by each owner's rhythm."""
    rhythm = accounts.rhythm[account]
    edges = np.cumsum(RHYTHMS, axis=1)
    edges /= edges[:, -1:]
    hour = (random.random((len(account), 1)) > edges[rhythm]).sum(axis=1)
    local = np.minimum(hour, 23) * 3600 + random.integers(0, 3600, len(account))
    seconds: Integers = (local - places.OFFSET_SECONDS[accounts.place[account]]) % 86_400
    return seconds


def located(random: Random, address: Integers, place: Integers) -> tuple[Floats, Floats]:
    """Latitude and longitude as a geolocation database gives them: by network, somewhat off, now
    and then in another city, and sometimes not at all (NaN)."""
    network = address // 256
    astray = _mixed(network * 31 + 7) % 100 < 5
    country = places.COUNTRY_OF[place]
    moved = place.copy()
    for name in np.unique(country[astray]):
        rows = astray & (country == name)
        others = np.flatnonzero(name == places.COUNTRY_OF)
        moved[rows] = others[_mixed(network[rows]) % len(others)]
    latitude = np.array([row.latitude for row in places.PLACES])[moved]
    longitude = np.array([row.longitude for row in places.PLACES])[moved]
    latitude += (_mixed(network * 17 + 3) % 400 - 200) / 1_000
    longitude += (_mixed(network * 19 + 11) % 400 - 200) / 1_000
    unknown = random.random(len(address)) < 0.03
    return np.where(unknown, np.nan, latitude), np.where(unknown, np.nan, longitude)


def _once_in(random: Random, days: float, shape: tuple[int, int]) -> Floats:
    return random.exponential(days, shape)


def _any_of(random: Random, shared: Integers, place: Integers) -> Integers:
    return shared[place, random.integers(0, shared.shape[1], len(place))]


def _mixed(numbers: Integers) -> Integers:
    """Whole numbers that look drawn, the same for the same number."""
    mixed = (numbers * 2_654_435_761) & 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> 15)) * 2_246_822_519) & 0xFFFFFFFF
    return mixed ^ (mixed >> 13)
