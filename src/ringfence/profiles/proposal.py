"""A plan that suits most: proposed from what the variables and entity types mean.

Three questions of a fraud analyst, asked by machine: is this like the customer (habit), is this
like anyone (what the card touches: merchant, device, address, mailbox), and do the two belong
together (pairs)?
"""

from __future__ import annotations

from itertools import chain, zip_longest

from ringfence.events.definitions import EventType
from ringfence.events.variables import DataType, VariableType
from ringfence.profiles.aggregates import Aggregate, Kind, Part, Source
from ringfence.profiles.declaring import (
    DAY,
    HOUR,
    LENGTHS,
    MONTH,
    QUARTER,
    WEEK,
    YEAR,
    ever,
    name_of,
    over,
)
from ringfence.profiles.plans import ProfilePlan

PROPOSED = 40

# Nothing is seen of a risk until its bucket is over: narrow ones lose less of what is known.
_RISK_BUCKETS = {DAY: 12, WEEK: 28, MONTH: 60, YEAR: 146}
# Of what is seen a few times a year one fraud says much.
_RISK_SMOOTHING = {YEAR: 1.0}

# What a payment touches, in the order of what it tells, and the part that many share.
_TOUCHED: tuple[tuple[VariableType, Part | None], ...] = (
    (VariableType.FINGERPRINT, None),
    (VariableType.IP_ADDRESS, Part.IP_24),
    (VariableType.EMAIL_ADDRESS, None),
    (VariableType.EMAIL_ADDRESS, Part.MAIL_DOMAIN),
    (VariableType.CARD_BIN, Part.BIN),
    (VariableType.PHONE_NUMBER, None),
    (VariableType.BILLING_PHONE, None),
    (VariableType.SHIPPING_ADDRESS_L1, None),
    (VariableType.BILLING_ADDRESS_L1, None),
)
_MOST_TOUCHED = 5
# What people call someone, or something, on the other side.
_COUNTERPARTS = ("merchant", "terminal", "payee", "beneficiary", "seller", "store", "device")
_HABITS = (VariableType.BILLING_COUNTRY, VariableType.PRODUCT_CATEGORY, VariableType.CURRENCY_CODE)


def propose(event_type: EventType, limit: int = PROPOSED) -> ProfilePlan:
    """About `limit` aggregates for events of this type, the most telling first; fewer where there
    is little to look at. It always passes `ProfilePlan.check`."""
    names = event_type.entity_types
    owners = [name for name in names if not _is_counterpart(name)] or list(names)
    who = [Source(entity=name) for name in owners[:2]]
    others = [Source(entity=name) for name in names if name not in owners]
    touched = (others + _touched(event_type))[:_MOST_TOUCHED]
    amount = _amount(event_type)
    queues: list[list[Aggregate]] = []
    for place, owner in enumerate(who):
        habit = _habit(owner, amount, touched, event_type, first=place == 0)
        # Two queues: of the habit twice as much is asked as of whatever is touched.
        queues += [habit[::2], habit[1::2]]
    queues += [_popularity(source, who, amount) for source in touched]
    queues += [_pair(who[0], source) for source in touched[:2] if who]
    # By turns, so that a limit takes something from everywhere.
    chosen = [a for a in chain.from_iterable(zip_longest(*queues)) if a is not None]
    return ProfilePlan(event_type.name, tuple({a.name: a for a in chosen}.values())[:limit])


def _touched(event_type: EventType) -> list[Source]:
    found: list[Source] = []
    if event_type.merchant_variable is not None:
        found.append(Source(variable=event_type.merchant_variable))
    for variable in event_type.variables:
        if variable.variable_type is VariableType.CATEGORICAL and _is_counterpart(variable.name):
            # A name beside a number says the same twice.
            if not _same_counterpart(variable.name, event_type.merchant_variable):
                found.append(Source(variable=variable.name))
            break
    found += [
        Source(variable=variable.name, part=part)
        for kind, part in _TOUCHED
        for variable in event_type.variables
        if variable.variable_type is kind
    ]
    return list(dict.fromkeys(found))


def _is_counterpart(name: str) -> bool:
    return any(word in name.lower() for word in _COUNTERPARTS)


def _same_counterpart(name: str, other: str | None) -> bool:
    return other is not None and any(
        word in name.lower() and word in other.lower() for word in _COUNTERPARTS
    )


def _amount(event_type: EventType) -> Source | None:
    numeric = (DataType.FLOAT, DataType.INTEGER)
    by_name = {v.name: v for v in event_type.variables if v.data_type in numeric}
    if event_type.amount_variable in by_name:
        return Source(variable=event_type.amount_variable)
    for kind in (VariableType.PRICE, VariableType.NUMERIC):
        for variable in by_name.values():
            if variable.variable_type is kind:
                return Source(variable=variable.name)
    return None


def _habit(
    owner: Source,
    amount: Source | None,
    touched: list[Source],
    event_type: EventType,
    *,
    first: bool,
) -> list[Aggregate]:
    by = (owner,)
    found = [ever(Kind.SINCE_LAST, by), over(Kind.COUNT, by, DAY)]
    if amount is not None:
        found.append(over(Kind.DEVIATION, by, MONTH, amount))
    # The month's count early: what is usual is told by it, in explanations too.
    found.append(over(Kind.COUNT, by, MONTH))
    if amount is not None:
        found.append(over(Kind.SUM, by, DAY, amount))
    found.append(over(Kind.COUNT, by, HOUR))
    if first:
        found += [
            ever(Kind.SHARE, by, Source(variable=variable.name))
            for variable in event_type.variables
            if variable.variable_type in _HABITS
        ][:2]
    if amount is not None:
        found.append(_shift(owner, amount, WEEK))
    found += [ever(Kind.SHARE, by, source) for source in touched[:1]]
    found += [over(Kind.DISTINCT, by, DAY, source) for source in touched[:1]]
    if amount is not None:
        found.append(over(Kind.SPREAD, by, MONTH, amount))
    found += [_risk(owner, MONTH), _velocity(owner)]
    found += [ever(Kind.SHARE, by, source) for source in touched[1:3]]
    if amount is not None:
        found += [over(kind, by, WEEK, amount) for kind in (Kind.MEAN, Kind.SUM)]
    found += [over(Kind.COUNT, by, WEEK), ever(Kind.AGE, by)]
    if first:
        if amount is not None:
            found += [over(kind, by, MONTH, amount) for kind in (Kind.RATIO, Kind.MEAN)]
            found += [_peak(owner, amount, WEEK), _shift(owner, amount, DAY)]
        found += [over(Kind.DISTINCT, by, WEEK, source) for source in touched[1:3]]
        if amount is not None:
            found += [over(kind, by, WEEK, amount) for kind in (Kind.RATIO, Kind.DEVIATION)]
            found.append(over(Kind.SPREAD, by, WEEK, amount))
    return found


def _popularity(source: Source, who: list[Source], amount: Source | None) -> list[Aggregate]:
    by = (source,)
    found = [_risk(source, MONTH), ever(Kind.SINCE_LAST, by), _risk(source, YEAR)]
    found += [ever(Kind.AGE, by), over(Kind.COUNT, by, DAY)]
    found += [over(Kind.DISTINCT, by, WEEK, owner) for owner in who[:1]]
    found += [over(Kind.COUNT, by, HOUR), ever(Kind.COUNT, by), _risk(source, WEEK)]
    if amount is not None:
        found += [over(Kind.DEVIATION, by, WEEK, amount)]
    found += [over(Kind.COUNT, by, seconds) for seconds in (QUARTER, MONTH, WEEK)]
    found.append(_risk(source, DAY))
    # How long it has been bad tells whether it still is; last, for it pays where there are few.
    return [*found, *(_times(kind, source) for kind in (Kind.FRAUD_AGE, Kind.SINCE_FRAUD))]


def _pair(owner: Source, source: Source) -> list[Aggregate]:
    return [over(Kind.COUNT, (owner, source), MONTH), ever(Kind.SINCE_LAST, (owner, source))]


def _velocity(owner: Source) -> Aggregate:
    return Aggregate(
        name=name_of(Kind.VELOCITY, (owner,), None, "1d"),
        kind=Kind.VELOCITY,
        by=(owner,),
        horizon_seconds=DAY,
        long_seconds=MONTH,
    )


def _times(kind: Kind, source: Source) -> Aggregate:
    return Aggregate(
        name=name_of(kind, (source,), None, LENGTHS[QUARTER]),
        kind=kind,
        by=(source,),
        horizon_seconds=QUARTER,
        buckets=180,
    )


def _shift(owner: Source, amount: Source, seconds: float) -> Aggregate:
    return _of_late(Kind.SHIFT, owner, amount, seconds)


def _peak(owner: Source, amount: Source, seconds: float) -> Aggregate:
    return _of_late(Kind.PEAK, owner, amount, seconds)


def _of_late(kind: Kind, owner: Source, amount: Source, seconds: float) -> Aggregate:
    return Aggregate(
        name=name_of(kind, (owner,), amount, LENGTHS[seconds]),
        kind=kind,
        by=(owner,),
        value=amount,
        horizon_seconds=seconds,
        long_seconds=MONTH,
    )


def _risk(source: Source, seconds: float) -> Aggregate:
    return Aggregate(
        name=name_of(Kind.RISK, (source,), None, LENGTHS[seconds]),
        kind=Kind.RISK,
        by=(source,),
        horizon_seconds=seconds,
        buckets=_RISK_BUCKETS[seconds],
        smoothing=_RISK_SMOOTHING.get(seconds, 10.0),
    )
