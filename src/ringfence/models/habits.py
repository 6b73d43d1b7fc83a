"""Remembered features: what each aggregate of a profile plan is called, and says, in words.

Their values come from `ringfence.profiles`, in training from its replay and in serving from its
store. This file knows what they mean to people, not how they are computed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ringfence.events.variables import DataType, Variable, VariableType
from ringfence.profiles import Aggregate, Kind, ProfilePlan, Source

PREFIX = "profile."
_MINUTE, _HOUR, _DAY = 60.0, 3_600.0, 86_400.0
# A count is compared with what is usual over at least so long.
_USUAL_SECONDS = 7 * _DAY
# Of a yes or no these tell how often it was yes.
_OF_TRUTH = (Kind.MEAN, Kind.SUM)
_OF_SEEN = (Kind.SINCE_LAST, Kind.AGE)
_OF_KNOWN_FRAUD = (Kind.SINCE_FRAUD, Kind.FRAUD_AGE)


def owner_of(aggregate: Aggregate) -> str:
    """What the importance of an aggregate is counted under: whom it is about."""
    return PREFIX + "~".join(str(source) for source in aggregate.by)


@dataclass(frozen=True, slots=True)
class Remembered:
    """One column of the matrix that an aggregate fills. `noun` is what its events are called;
    `of_truth` says that it looks at a yes or no.

    A count over a short time is compared with what is usual: `usual` is the place in the plan of a
    count over a long time, and how long that is in seconds; where there is none, `velocity` is the
    place of the velocity over the same time."""

    name: str
    aggregate: Aggregate
    noun: str
    usual: tuple[int, float] | None = None
    velocity: int | None = None
    of_truth: bool = False

    @property
    def owner(self) -> str:
        """What its contribution counts for: the key that is remembered, `profile.card`."""
        return owner_of(self.aggregate)

    def words(self, value: float, profile: Sequence[float]) -> str:
        """What the value says; `profile` are all values of the event, in the plan's order."""
        subject = _subject(self.aggregate)
        if math.isnan(value):
            if self.aggregate.kind in _OF_KNOWN_FRAUD:
                return f"no fraud is known of {subject}"
            if self.aggregate.kind in _OF_SEEN:
                return f"nothing is remembered of {subject}"
            return f"too little is remembered of {subject} to compare with"
        of = f"{self.noun} of {subject}"
        if self.of_truth and self.aggregate.kind in _OF_TRUTH:
            part = f"{value:.0%}" if self.aggregate.kind is Kind.MEAN else f"{value:,.0f}"
            return f"{part} of the {of} {_within(self.aggregate)} had {self.aggregate.value}"
        said = _SAYING[self.aggregate.kind](self.aggregate, value, of)
        if self.usual is not None and profile[self.usual[0]] > 0:
            return f"{said}, usually {_rate(profile[self.usual[0]], self.usual[1])}"
        if self.velocity is not None and profile[self.velocity] > 0:
            expected = value / profile[self.velocity]
            return f"{said}, usually {_rate(expected, self.aggregate.horizon_seconds or _DAY)}"
        return said


def remembered_features(
    plan: ProfilePlan | None, variables: Sequence[Variable]
) -> tuple[Remembered, ...]:
    """The columns of a plan, in its order."""
    if plan is None:
        return ()
    types = {variable.variable_type for variable in variables}
    noun = "payments" if VariableType.PRICE in types else "events"
    if VariableType.ARE_CREDENTIALS_VALID in types and VariableType.PRICE not in types:
        noun = "logins"
    truths = {variable.name for variable in variables if variable.data_type is DataType.BOOLEAN}
    return tuple(
        Remembered(
            PREFIX + aggregate.name,
            aggregate,
            noun,
            _usual(aggregate, plan),
            _velocity_of(aggregate, plan),
            aggregate.value is not None and aggregate.value.variable in truths,
        )
        for aggregate in plan.aggregates
    )


def _usual(aggregate: Aggregate, plan: ProfilePlan) -> tuple[int, float] | None:
    if aggregate.kind is not Kind.COUNT or aggregate.horizon_seconds is None:
        return None
    longer = [
        (other.horizon_seconds, place)
        for place, other in enumerate(plan.aggregates)
        if other.kind is Kind.COUNT and other.by == aggregate.by and other.horizon_seconds
    ]
    seconds, place = max(longer)
    enough = max(_USUAL_SECONDS, 2 * aggregate.horizon_seconds)
    return (place, seconds) if seconds >= enough else None


def _velocity_of(aggregate: Aggregate, plan: ProfilePlan) -> int | None:
    if aggregate.kind is not Kind.COUNT or aggregate.horizon_seconds is None:
        return None
    wanted = (Kind.VELOCITY, aggregate.by, aggregate.horizon_seconds)
    kept = [(other.kind, other.by, other.horizon_seconds) for other in plan.aggregates]
    return kept.index(wanted) if wanted in kept else None


def _subject(aggregate: Aggregate) -> str:
    return " with ".join(f"this {_called(source)}" for source in aggregate.by)


def _called(source: Source) -> str:
    name = source.entity or source.variable or ""
    return name if source.part is None else f"{_PARTS[source.part]} of {name}"


_PARTS: Mapping[str, str] = {
    "mail_domain": "mail domain",
    "ip_16": "wide network",
    "ip_24": "network",
    "bin": "issuer",
    "without_numbers": "kind",
}


def _within(aggregate: Aggregate) -> str:
    if aggregate.horizon_seconds is not None:
        return f"in {_lasting(aggregate.horizon_seconds)}"
    return "so far" if aggregate.half_life_seconds is None else "lately"


def _lasting(seconds: float) -> str:
    """A duration as it is read out: `45 min`, `3 h`, `1.5 d`."""
    for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= unit:
            return f"{seconds / unit:,.1f}".removesuffix(".0") + f" {name}"
    return f"{seconds:.0f} s"


def _rate(count: float, seconds: float) -> str:
    for unit, name in ((_DAY, "day"), (_USUAL_SECONDS, "week")):
        if count * unit >= seconds:
            return f"{count * unit / seconds:,.1f}".removesuffix(".0") + f" a {name}"
    return f"{count:,.1f}".removesuffix(".0") + f" in {_lasting(seconds)}"


def _count(aggregate: Aggregate, value: float, of: str) -> str:
    if not value and aggregate.horizon_seconds is None and aggregate.half_life_seconds is None:
        return f"{_subject(aggregate)} was never seen before"
    number = f"{value:,.1f}".removesuffix(".0")
    return f"{number} {_one(of) if number == '1' else of} {_within(aggregate)}"


def _one(of: str) -> str:
    """`payment of this card` for `payments of this card`."""
    return of.replace("s of", " of", 1)


def _deviation(aggregate: Aggregate, value: float, of: str) -> str:
    side = "above" if value >= 0 else "below"
    return (
        f"{aggregate.value} is {abs(value):.1f} standard deviations {side} the mean of the {of} "
        f"{_within(aggregate)}"
    )


def _risk(aggregate: Aggregate, value: float, of: str) -> str:
    delay = _lasting(aggregate.delay_seconds)
    return f"{value:.1%} of the {of} {_within(aggregate)} were fraud, as known {delay} later"


def _shift(aggregate: Aggregate, value: float, of: str) -> str:
    return (
        f"{aggregate.value} of the {of} {_within(aggregate)} is on average {value:,.1f} times what "
        f"it is in {_lasting(aggregate.long_seconds or _DAY)}"
    )


def _peak(aggregate: Aggregate, value: float, of: str) -> str:
    return (
        f"the largest {aggregate.value} of the {of} {_within(aggregate)} is {value:,.1f} times the "
        f"mean in {_lasting(aggregate.long_seconds or _DAY)}"
    )


def _spread(aggregate: Aggregate, value: float, of: str) -> str:
    return (
        f"{aggregate.value} of the {of} {_within(aggregate)} varies by {value:.0%} around its mean"
    )


def _velocity(aggregate: Aggregate, value: float, of: str) -> str:
    return f"{value:,.1f} times as many {of} {_within(aggregate)} as usual"


# How a value of each kind is said, given the aggregate, the value, and `payments of this card`.
_SAYING: Mapping[Kind, Callable[[Aggregate, float, str], str]] = {
    Kind.COUNT: _count,
    Kind.SUM: lambda a, x, of: f"{a.value} of the {of} {_within(a)} adds up to {x:,.2f}",
    Kind.MEAN: lambda a, x, of: f"{a.value} of the {of} {_within(a)} is {x:,.2f} on average",
    Kind.DEVIATION: _deviation,
    Kind.RATIO: lambda a, x, of: f"{a.value} is {x:,.1f} times the mean of the {of} {_within(a)}",
    Kind.SHIFT: _shift,
    Kind.PEAK: _peak,
    Kind.SPREAD: _spread,
    Kind.DISTINCT: lambda a, x, of: f"about {x:,.0f} different {a.value} in the {of} {_within(a)}",
    Kind.SHARE: lambda a, x, of: f"{x:.0%} of the {of} {_within(a)} had this {a.value}",
    Kind.SINCE_LAST: lambda _, x, of: f"the last {_one(of)} was {_lasting(x)} before",
    Kind.AGE: lambda _, x, of: f"the first {_one(of)} was {_lasting(x)} before",
    Kind.VELOCITY: _velocity,
    Kind.DISTANCE: lambda _, x, of: f"{x:,.0f} km from the last {_one(of)}",
    Kind.SPEED: lambda _, x, of: f"{x:,.0f} km/h from the last {_one(of)} to here",
    Kind.RISK: _risk,
    Kind.SINCE_FRAUD: lambda _, x, of: (
        f"the last fraud known among the {of} was {_lasting(x)} before"
    ),
    Kind.FRAUD_AGE: lambda _, x, of: (
        f"the first fraud known among the {of} was {_lasting(x)} before"
    ),
}
