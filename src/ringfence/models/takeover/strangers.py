"""Strangers, made up: what it would look like if somebody else signed in.

Nobody has to say which logins were takeovers. A stranger comes to an account at a moment when its
owner signed in, with what another account's owner came with near that time: the network, the
browser, and a device that mostly nobody has seen. What tells the two apart is what tells owners
from strangers. Campaigns add what a single visit does not show: one visitor who tries many
accounts, or guesses.

Made-up addresses and devices are as new as real ones: were a stranger's device always known from
elsewhere, then a model would take a device that nobody knows for its owner's new telephone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ringfence.models.takeover.logins import Logins, LoginVariables

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Random = np.random.Generator
    Texts = NDArray[Any]

# Donors come from so many logins before and after.
_NEAR_ROWS = 2_000
_TRIES = 8
# The part of strangers who come from the wide network of the account's own address.
_NEIGHBOURS = 0.3
# How an address is taken over from its donor: as it is, another host of its network, another
# network nearby, anywhere.
_ADDRESSES = (0.35, 0.25, 0.25, 0.15)
_NEW_DEVICE = 0.8
# Campaigns make up so many attempts, as a part of the logins: more would be all that an account
# remembers. Of few logins it is a larger part, or there were too few to learn from. Half of the
# attempts try many accounts.
CAMPAIGN_SHARE, _LARGEST_SHARE, _ENOUGH = 0.06, 0.25, 1_500
_MINUTE, _HOUR, _DAY = 60.0, 3_600.0, 86_400.0


@dataclass(frozen=True, slots=True)
class MadeUp:
    """Made-up attempts in order of time: as `Logins`, without a label."""

    at: NDArray[np.float64]
    account: Texts
    values: dict[str, Texts]

    def __len__(self) -> int:
        return len(self.at)


def strangers(logins: Logins, of: LoginVariables, rows: NDArray[np.int64], seed: int) -> MadeUp:
    """One stranger for each of these logins, at its moment, on its account."""
    import numpy as np

    random = np.random.default_rng((seed, 1))
    accounts = _codes(logins.account)
    donors = _another(random, accounts, rows, lambda n: _nearby(random, rows, len(logins), n))
    networks = _codes(np.array([_wide(text) for text in logins.values[of.address]], dtype=object))
    order = np.argsort(networks, kind="stable")
    first = np.searchsorted(networks[order], networks[rows])
    size = np.searchsorted(networks[order], networks[rows], side="right") - first
    neighbours = _another(
        random,
        accounts,
        rows,
        lambda n: order[(first + np.floor(random.random(n) * size)).astype(np.int64)],
    )
    close = (random.random(len(rows)) < _NEIGHBOURS) & (accounts[neighbours] != accounts[rows])
    donors = np.where(close, neighbours, donors)
    values = _visitors(logins, of, donors, random, anywhere=~close)
    if of.credentials is not None:
        values[of.credentials] = logins.values[of.credentials][rows]
    other = accounts[donors] != accounts[rows]
    return _sorted(logins.at[rows], logins.account[rows], values, other)


def campaigns(logins: Logins, of: LoginVariables, seed: int) -> MadeUp:
    """Attempts of visitors who try many accounts, or one account many times."""
    import numpy as np

    random = np.random.default_rng((seed, 2))
    least = min(_ENOUGH, len(logins) * _LARGEST_SHARE)
    wanted = round(max(least, len(logins) * CAMPAIGN_SHARE))
    parts: list[tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_], int]] = []
    made = 0
    while made < wanted:
        make = _spray if made < wanted / 2 else _guess
        at, targets, valid = make(random, logins)
        parts.append((at, targets, valid, made))
        made += len(at)
    each = [len(at) for at, *_ in parts]
    campaign = np.repeat(np.arange(len(parts)), each)
    targets = np.concatenate([targets for _, targets, _, _ in parts])
    values = _kits(logins, of, campaign, random)
    if of.credentials is not None:
        valid = np.empty(len(campaign), dtype=object)
        valid[:] = np.concatenate([valid for _, _, valid, _ in parts]).tolist()
        values[of.credentials] = valid
    at = np.concatenate([at for at, *_ in parts])
    return _sorted(at, logins.account[targets], values, at <= logins.at[-1])


_Plan = tuple["NDArray[np.float64]", "NDArray[np.int64]", "NDArray[np.bool_]"]


def _spray(random: Random, logins: Logins) -> _Plan:
    """When, on the accounts of which logins, and with success or not: many accounts, once each."""
    import numpy as np

    tried = int(np.clip(30.0 * np.exp(0.8 * random.standard_normal()), 5, 300))
    lasts = 2 * _HOUR * np.exp(random.standard_normal())
    at = _begin(random, logins) + np.sort(random.random(tried)) * lasts
    valid = random.random(tried) < 0.02 + 0.38 * random.random()
    return at, random.integers(0, len(logins), tried), valid


def _guess(random: Random, logins: Logins) -> _Plan:
    """One account: passwords that fail or none, one that does not, and perhaps later visits."""
    import numpy as np

    guesses = int(min(random.geometric(0.4) - 1, 8))
    visits = int(random.integers(1, 4))
    waits = np.concatenate(
        [
            45.0 * np.exp(0.7 * random.standard_normal(guesses)),
            [45.0],
            2 * _DAY * random.random(visits - 1),
        ]
    )
    at = _begin(random, logins) + np.cumsum(waits)
    target = np.full(len(at), random.integers(0, len(logins)))
    return at, target, np.arange(len(at)) >= guesses


def _begin(random: Random, logins: Logins) -> float:
    # Where logins are frequent, so are attempts.
    return float(logins.at[random.integers(0, len(logins))] + random.random() * _MINUTE)


def _kits(
    logins: Logins, of: LoginVariables, campaign: NDArray[np.int64], random: Random
) -> dict[str, Texts]:
    """What the attempts of each campaign come with: a pool of addresses or ever other ones, one
    browser or many, no device, one, or another each time."""
    import numpy as np

    count, size = int(campaign[-1]) + 1, len(campaign)
    own = random.integers(0, len(logins), size)
    leader = random.integers(0, len(logins), count)[campaign]
    one_place = (random.random(count) < 0.7)[campaign]
    donors = np.where(one_place, leader, own)
    values = _visitors(logins, of, donors, random, anywhere=np.ones(size, dtype=np.bool_))
    # A pool of up to four addresses in one network.
    base = [_other_network(text, random) for text in logins.values[of.address][leader]]
    firsts = np.searchsorted(campaign, np.arange(count))
    pool = random.integers(1, 5, count)
    hosts = random.integers(1, 255, (count, 4))
    for row in np.flatnonzero(one_place).tolist():
        of_campaign = int(campaign[row])
        network = base[int(firsts[of_campaign])]
        host = int(hosts[of_campaign, int(random.integers(0, pool[of_campaign]))])
        values[of.address][row] = _with_host(network, host)
    if of.agent is not None:
        same = (random.random(count) < 0.6)[campaign]
        values[of.agent] = np.where(
            same, logins.values[of.agent][leader], logins.values[of.agent][own]
        )
    if of.device is not None:
        way = random.integers(0, 3, count)[campaign]
        one = np.array([f"made-up-campaign-{number}" for number in campaign], dtype=object)
        device = values[of.device]
        device = np.where(way == 0, one, device)
        device[way == 1] = None
        values[of.device] = device
    return values


def _visitors(
    logins: Logins,
    of: LoginVariables,
    donors: NDArray[np.int64],
    random: Random,
    *,
    anywhere: NDArray[np.bool_],
) -> dict[str, Texts]:
    """What the owners of these logins came with, as strangers would have it. `anywhere` says who
    may come from any network; the others stay in the donor's wide one."""
    import numpy as np

    values = {name: logins.values[name][donors].copy() for name in of.of_visitor}
    way = np.searchsorted(np.cumsum(_ADDRESSES), random.random(len(donors)) * sum(_ADDRESSES))
    way = np.where((way == 3) & ~anywhere, 2, way)
    address = values[of.address]
    hosts = random.integers(1, 255, len(donors)).tolist()
    for row in np.flatnonzero(way).tolist():
        text = address[row]
        if way[row] == 3:
            text = f"{random.integers(11, 224)}.{random.integers(0, 256)}.0.0"
        if way[row] >= 2:
            text = _other_network(text, random)
        address[row] = _with_host(text, hosts[row])
    if of.device is not None:
        device = values[of.device]
        new = random.random(len(donors)) < _NEW_DEVICE
        drawn = random.integers(0, 2**62, len(donors)).tolist()
        for row in np.flatnonzero(new & (device != None)).tolist():  # noqa: E711 - by element
            device[row] = f"made-up-{drawn[row]:x}"
    return values


def _another(
    random: Random,
    accounts: NDArray[np.int64],
    rows: NDArray[np.int64],
    draw: Callable[[int], NDArray[np.int64]],
) -> NDArray[np.int64]:
    """For each row a login of another account, as `draw` draws them; where there is none after some
    tries, one of its own."""
    import numpy as np

    found = draw(len(rows))
    for _ in range(_TRIES):
        own = accounts[found] == accounts[rows]
        if not own.any():
            break
        found = np.where(own, draw(len(rows)), found)
    return found


def _nearby(random: Random, rows: NDArray[np.int64], size: int, count: int) -> NDArray[np.int64]:
    import numpy as np

    reach = min(_NEAR_ROWS, size - 1)
    offsets = random.integers(-reach, reach + 1, count)
    # Beyond the first and the last login the way turns back.
    near: NDArray[np.int64] = np.abs(size - 1 - np.abs(size - 1 - (rows + offsets)))
    return near


def _sorted(
    at: NDArray[np.float64], account: Texts, values: dict[str, Texts], kept: NDArray[np.bool_]
) -> MadeUp:
    import numpy as np

    order = np.flatnonzero(kept)[np.argsort(at[kept], kind="stable")]
    return MadeUp(at[order], account[order], {n: column[order] for n, column in values.items()})


def _codes(texts: Texts) -> NDArray[np.int64]:
    import numpy as np

    numbers: dict[Any, int] = {}
    return np.array([numbers.setdefault(text, len(numbers)) for text in texts], dtype=np.int64)


def _wide(address: str | None) -> str | None:
    """The first half of an IPv4 address; anything else stands for itself."""
    parts = (address or "").split(".")
    return ".".join(parts[:2]) if len(parts) == 4 else address


def _other_network(address: str | None, random: Random) -> str | None:
    parts = (address or "").split(".")
    if len(parts) != 4:
        return address
    return f"{parts[0]}.{parts[1]}.{random.integers(0, 256)}.{parts[3]}"


def _with_host(address: str | None, host: int) -> str | None:
    """The address of another host in the same network; an IPv6 address stays as it is."""
    parts = (address or "").split(".")
    return address if len(parts) != 4 else f"{'.'.join(parts[:3])}.{host}"
