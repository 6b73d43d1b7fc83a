"""What is remembered of accounts and of what signs in to them, and which way each value points.

Three questions: does this account know the visitor (device, networks, browser), can its owner be
there (distance, speed, other places), and whom else has the visitor tried (accounts of an address,
passwords that were wrong)?
"""

from __future__ import annotations

from ringfence.models.takeover.logins import LoginVariables
from ringfence.profiles import Aggregate, Kind, Part, ProfilePlan, Source
from ringfence.profiles.declaring import DAY, HOUR, MONTH, ever, name_of, over

# The more of it, the likelier a stranger (1) or the less (-1); the trees may learn no exception, as
# what is made up differs from real strangers in ways that nobody meant.
_DIRECTIONS_OF_PAIRS = {Kind.COUNT: -1, Kind.SUM: -1, Kind.AGE: -1, Kind.SINCE_LAST: 1}
_DIRECTIONS = {Kind.DISTANCE: 1, Kind.SPEED: 1, Kind.MEAN: -1}


def takeover_plan(event_type: str, of: LoginVariables) -> ProfilePlan:
    """The plan for logins with these variables: about 50 aggregates at most."""
    account = Source(entity=of.account)
    address = Source(variable=of.address)
    network = Source(variable=of.address, part=Part.IP_24)
    wide = Source(variable=of.address, part=Part.IP_16)
    device = None if of.device is None else Source(variable=of.device)
    agent = None if of.agent is None else Source(variable=of.agent)
    browser = None if of.agent is None else Source(variable=of.agent, part=Part.WITHOUT_NUMBERS)
    valid = None if of.credentials is None else Source(variable=of.credentials)

    found = [
        known_for(of.account),
        ever(Kind.SINCE_LAST, (account,)),
        ever(Kind.AGE, (account,)),
        *(over(Kind.COUNT, (account,), seconds) for seconds in (HOUR, DAY)),
        *(over(Kind.DISTINCT, (account,), MONTH, source) for source in (network, wide)),
        over(Kind.DISTINCT, (account,), DAY, wide),
    ]
    if device is not None:
        found += [over(Kind.DISTINCT, (account,), s, device) for s in (DAY, MONTH)]
    for source in (device, address, network, wide, agent, browser):
        if source is not None:
            found.append(ever(Kind.COUNT, (account, source)))
    for source in (device, network, wide, browser):
        if source is not None:
            found += [ever(each, (account, source)) for each in (Kind.SINCE_LAST, Kind.AGE)]
            # A guess that failed makes its device no friend of the account.
            found += [] if valid is None else [ever(Kind.SUM, (account, source), valid)]
    if of.latitude is not None and of.longitude is not None:
        found += [
            _place(k, account, of.latitude, of.longitude) for k in (Kind.DISTANCE, Kind.SPEED)
        ]
        for name in (of.latitude, of.longitude):
            found.append(ever(Kind.DEVIATION, (account,), Source(variable=name)))
    for source in (address, network):
        found += [over(Kind.DISTINCT, (source,), s, account) for s in (HOUR, DAY)]
    found.append(over(Kind.COUNT, (address,), HOUR))
    if device is not None:
        found += [over(Kind.DISTINCT, (device,), s, account) for s in (DAY, MONTH)]
    if valid is not None:
        tried = [(account, (HOUR, DAY, MONTH)), (address, (HOUR, DAY)), (network, (DAY,))]
        tried += [] if device is None else [(device, (DAY,))]
        tried += [] if agent is None else [(agent, (HOUR,))]
        for source, lengths in tried:
            found += [over(Kind.MEAN, (source,), seconds, valid) for seconds in lengths]
    return ProfilePlan(event_type, tuple(found))


def known_for(account: str) -> Aggregate:
    """How many logins of the account there were: none for a newcomer."""
    return ever(Kind.COUNT, (Source(entity=account),))


def direction(aggregate: Aggregate) -> int:
    """1 where more of the value makes a stranger likelier, -1 where less does, 0 where either may
    be."""
    if len(aggregate.by) == 2:
        return _DIRECTIONS_OF_PAIRS.get(aggregate.kind, 0)
    return _DIRECTIONS.get(aggregate.kind, 0)


def looked_at(aggregate: Aggregate) -> tuple[str, ...]:
    """The entity types and variables that an aggregate looks at, sorted: its group."""
    sources = [*aggregate.by, *([aggregate.value] if aggregate.value else [])]
    names = {source.entity or source.variable or "" for source in sources}
    names |= {name for name in (aggregate.latitude, aggregate.longitude) if name is not None}
    return tuple(sorted(names))


def _place(kind: Kind, account: Source, latitude: str, longitude: str) -> Aggregate:
    return Aggregate(
        name=name_of(kind, (account,), None),
        kind=kind,
        by=(account,),
        latitude=latitude,
        longitude=longitude,
    )
