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
from ringfence.profiles.plans import ProfilePlan

PROPOSED = 40
_HOUR, _DAY = 3_600.0, 86_400.0
_WEEK, _MONTH, _QUARTER, _YEAR = 7 * _DAY, 30 * _DAY, 90 * _DAY, 365 * _DAY
_LENGTHS = {_HOUR: "1h", _DAY: "1d", _WEEK: "7d", _MONTH: "30d", _QUARTER: "90d", _YEAR: "365d"}

# Nothing is seen of a risk until its bucket is over: narrow ones lose less of what is known.
_RISK_BUCKETS = {_DAY: 12, _WEEK: 28, _MONTH: 60, _YEAR: 146}
# Of what is seen a few times a year one fraud says much.
_RISK_SMOOTHING = {_YEAR: 1.0}

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
    found = [_ever(Kind.SINCE_LAST, by), _over(Kind.COUNT, by, _DAY)]
    if amount is not None:
        found.append(_over(Kind.DEVIATION, by, _MONTH, amount))
    # The month's count early: what is usual is told by it, in explanations too.
    found.append(_over(Kind.COUNT, by, _MONTH))
    if amount is not None:
        found.append(_over(Kind.SUM, by, _DAY, amount))
    found.append(_over(Kind.COUNT, by, _HOUR))
    if first:
        found += [
            _ever(Kind.SHARE, by, Source(variable=variable.name))
            for variable in event_type.variables
            if variable.variable_type in _HABITS
        ][:2]
    if amount is not None:
        found.append(_shift(owner, amount, _WEEK))
    found += [_ever(Kind.SHARE, by, source) for source in touched[:1]]
    found += [_over(Kind.DISTINCT, by, _DAY, source) for source in touched[:1]]
    if amount is not None:
        found.append(_over(Kind.SPREAD, by, _MONTH, amount))
    found += [_risk(owner, _MONTH), _velocity(owner)]
    found += [_ever(Kind.SHARE, by, source) for source in touched[1:3]]
    if amount is not None:
        found += [_over(kind, by, _WEEK, amount) for kind in (Kind.MEAN, Kind.SUM)]
    found += [_over(Kind.COUNT, by, _WEEK), _ever(Kind.AGE, by)]
    if first:
        if amount is not None:
            found += [_over(kind, by, _MONTH, amount) for kind in (Kind.RATIO, Kind.MEAN)]
            found += [_peak(owner, amount, _WEEK), _shift(owner, amount, _DAY)]
        found += [_over(Kind.DISTINCT, by, _WEEK, source) for source in touched[1:3]]
        if amount is not None:
            found += [_over(kind, by, _WEEK, amount) for kind in (Kind.RATIO, Kind.DEVIATION)]
            found.append(_over(Kind.SPREAD, by, _WEEK, amount))
    return found


def _popularity(source: Source, who: list[Source], amount: Source | None) -> list[Aggregate]:
    by = (source,)
    found = [_risk(source, _MONTH), _ever(Kind.SINCE_LAST, by), _risk(source, _YEAR)]
    found += [_ever(Kind.AGE, by), _over(Kind.COUNT, by, _DAY)]
    found += [_over(Kind.DISTINCT, by, _WEEK, owner) for owner in who[:1]]
    found += [_over(Kind.COUNT, by, _HOUR), _ever(Kind.COUNT, by), _risk(source, _WEEK)]
    if amount is not None:
        found += [_over(Kind.DEVIATION, by, _WEEK, amount)]
    found += [_over(Kind.COUNT, by, seconds) for seconds in (_QUARTER, _MONTH, _WEEK)]
    found.append(_risk(source, _DAY))
    # How long it has been bad tells whether it still is; last, for it pays where there are few.
    return [*found, *(_times(kind, source) for kind in (Kind.FRAUD_AGE, Kind.SINCE_FRAUD))]


def _pair(owner: Source, source: Source) -> list[Aggregate]:
    return [_over(Kind.COUNT, (owner, source), _MONTH), _ever(Kind.SINCE_LAST, (owner, source))]


def _over(
    kind: Kind, by: tuple[Source, ...], seconds: float, value: Source | None = None
) -> Aggregate:
    return Aggregate(
        name=_name(kind, by, value, _LENGTHS[seconds]),
        kind=kind,
        by=by,
        value=value,
        horizon_seconds=seconds,
    )


def _ever(kind: Kind, by: tuple[Source, ...], value: Source | None = None) -> Aggregate:
    return Aggregate(name=_name(kind, by, value), kind=kind, by=by, value=value)


def _velocity(owner: Source) -> Aggregate:
    return Aggregate(
        name=_name(Kind.VELOCITY, (owner,), None, "1d"),
        kind=Kind.VELOCITY,
        by=(owner,),
        horizon_seconds=_DAY,
        long_seconds=_MONTH,
    )


def _times(kind: Kind, source: Source) -> Aggregate:
    return Aggregate(
        name=_name(kind, (source,), None, _LENGTHS[_QUARTER]),
        kind=kind,
        by=(source,),
        horizon_seconds=_QUARTER,
        buckets=180,
    )


def _shift(owner: Source, amount: Source, seconds: float) -> Aggregate:
    return _of_late(Kind.SHIFT, owner, amount, seconds)


def _peak(owner: Source, amount: Source, seconds: float) -> Aggregate:
    return _of_late(Kind.PEAK, owner, amount, seconds)


def _of_late(kind: Kind, owner: Source, amount: Source, seconds: float) -> Aggregate:
    return Aggregate(
        name=_name(kind, (owner,), amount, _LENGTHS[seconds]),
        kind=kind,
        by=(owner,),
        value=amount,
        horizon_seconds=seconds,
        long_seconds=_MONTH,
    )


def _risk(source: Source, seconds: float) -> Aggregate:
    return Aggregate(
        name=_name(Kind.RISK, (source,), None, _LENGTHS[seconds]),
        kind=Kind.RISK,
        by=(source,),
        horizon_seconds=seconds,
        buckets=_RISK_BUCKETS[seconds],
        smoothing=_RISK_SMOOTHING.get(seconds, 10.0),
    )


def _name(kind: Kind, by: tuple[Source, ...], value: Source | None, *length: str) -> str:
    owner = "~".join(str(source) for source in by)
    parts = (owner, *(() if value is None else (str(value),)), kind.value, *length)
    return ".".join(parts).lower()
