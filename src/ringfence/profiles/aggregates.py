"""Aggregates: what is worth remembering of a card, a merchant, a device, as declarations.

An aggregate says what is counted (`kind`), for whom (`by`), of which value and over which time. It
knows nothing of how that is remembered.
"""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec

from ringfence.errors import InvalidInput
from ringfence.events.definitions import EventType
from ringfence.events.variables import DataType

_NAME = re.compile(r"[a-z0-9][a-z0-9_.~-]{0,199}")
_NUMBERS = (DataType.FLOAT, DataType.INTEGER)
# Yes counts as 1 and no as 0, so that their mean is the share of yes.
_COUNTED = (*_NUMBERS, DataType.BOOLEAN)
_LONGEST_SECONDS = 10 * 366 * 86_400.0
_MOST_BUCKETS = 512


class Kind(StrEnum):
    """What an aggregate tells about the events of its key before this one."""

    COUNT = "count"
    SUM = "sum"
    MEAN = "mean"
    DEVIATION = "deviation"
    """By how many standard deviations this event's number lies above the mean."""
    RATIO = "ratio"
    """This event's number, divided by the mean."""
    SHIFT = "shift"
    """The mean over the short horizon, divided by the mean over the long one."""
    PEAK = "peak"
    """The largest number in the short horizon, divided by the mean over the long one."""
    SPREAD = "spread"
    """The standard deviation, divided by the mean."""
    DISTINCT = "distinct"
    """How many different values, within about 5% up to 250 of them."""
    SHARE = "share"
    """The part of the events, 0 to 1, that had the value of this event."""
    SINCE_LAST = "since_last"
    """Seconds since the newest event."""
    AGE = "age"
    """Seconds since the oldest event."""
    VELOCITY = "velocity"
    """Events in the short horizon, divided by what the long one lets expect."""
    DISTANCE = "distance"
    """Kilometres from the place of the newest event."""
    SPEED = "speed"
    """Kilometres an hour that the way from there would have taken."""
    RISK = "risk"
    """The share of confirmed fraud, 0 to 1."""
    SINCE_FRAUD = "since_fraud"
    """Seconds since the newest fraud that is known."""
    FRAUD_AGE = "fraud_age"
    """Seconds since the oldest fraud that is known: whether it may be over by now."""


OF_NUMBERS = frozenset(
    {Kind.SUM, Kind.MEAN, Kind.DEVIATION, Kind.RATIO, Kind.SHIFT, Kind.PEAK, Kind.SPREAD}
)
OF_TEXTS = frozenset({Kind.DISTINCT, Kind.SHARE})
OF_PLACES = frozenset({Kind.DISTANCE, Kind.SPEED})
_TWO_HORIZONS = frozenset({Kind.VELOCITY, Kind.SHIFT, Kind.PEAK})
OF_FRAUD = frozenset({Kind.RISK, Kind.SINCE_FRAUD, Kind.FRAUD_AGE})
_FADING = (OF_NUMBERS | {Kind.COUNT, Kind.SHARE}) - _TWO_HORIZONS
_TIMELESS = OF_PLACES | {Kind.SINCE_LAST, Kind.AGE}
_ON_TIME = _TWO_HORIZONS | OF_FRAUD


class Part(StrEnum):
    """A part of a text that many share, though the texts differ."""

    MAIL_DOMAIN = "mail_domain"
    IP_16 = "ip_16"
    """The first 16 bits of an IPv4 address; the first 32 of an IPv6 address."""
    IP_24 = "ip_24"
    """The first 24 bits of an IPv4 address; the first 48 of an IPv6 address."""
    BIN = "bin"
    """The first six digits of a card: who issued it."""
    WITHOUT_NUMBERS = "without_numbers"
    """A text without its numbers: of a user agent browser and system, whatever their versions."""


class Source(msgspec.Struct, frozen=True):
    """Where a text comes from: an entity type or a variable (exactly one), or a part of it."""

    entity: str | None = None
    variable: str | None = None
    part: Part | None = None

    def __str__(self) -> str:
        name = self.entity or self.variable or ""
        return f"{name}.{self.part}" if self.part else name


class Aggregate(msgspec.Struct, frozen=True, kw_only=True):
    """One declared aggregate.

    `by` is whose events are looked at: one source, or two for a pair such as card and merchant.
    `value` is the number (`sum`, `mean`, `deviation`, `ratio`, `shift`, `peak`, `spread`; of a
    BOOLEAN 1 or 0) or the text (`distinct`, `share`) that is looked at. `horizon_seconds` is how
    far back, at a resolution of `buckets`; or what an event counts for halves every
    `half_life_seconds`; with neither it is for ever.

    `velocity`, `shift` and `peak` compare `horizon_seconds` with `long_seconds`: the number of
    events, the mean of `value` (2 when a card lately pays twice what it used to), and its largest
    with its mean (6 when lately it once paid six times as much). `spread` is 0 for one who
    always pays the same, and 1 where amounts differ as much as they are large. `distance` and
    `speed` read `latitude` and `longitude` (numeric variables, degrees), or look `place` up in
    `places` (latitude and longitude by text). `risk`, `since_fraud` and `fraud_age` see no event
    younger than `delay_seconds`, as its fraud cannot be known yet, nor one before the horizon.
    `risk` counts `smoothing` more events of which the part `base_rate` is fraud; the other two tell
    times as exactly as their buckets are wide, and nothing where there is no fraud.
    """

    name: str
    kind: Kind
    by: tuple[Source, ...]
    value: Source | None = None
    horizon_seconds: float | None = None
    half_life_seconds: float | None = None
    buckets: int = 24
    long_seconds: float | None = None
    latitude: str | None = None
    longitude: str | None = None
    place: Source | None = None
    places: dict[str, tuple[float, float]] = {}
    delay_seconds: float = 7 * 86_400.0
    smoothing: float = 10.0
    base_rate: float = 0.01

    def check(self, event_type: EventType, field: str = "aggregate") -> None:
        """Raise `InvalidInput` for the first thing that does not fit; `field` is the path of this
        aggregate."""
        if not _NAME.fullmatch(self.name):
            raise _wrong(field, "name", "not a name", "1 to 200 of a-z 0-9 _ . ~ -")
        if not 1 <= len(self.by) <= 2:
            raise _wrong(field, "by", "whose events?", "one source, or two for a pair")
        for position, source in enumerate(self.by):
            _check_source(source, event_type, f"{field}.by[{position}]")
        if len(set(self.by)) != len(self.by):
            raise _wrong(field, "by", "a source is named twice", "two different sources")
        self._check_value(event_type, field)
        self._check_times(field)
        self._check_place(event_type, field)
        if not 0 <= self.smoothing <= 1e9:
            raise _wrong(field, "smoothing", "out of range", "0 to 1e9 events")
        if not 0 <= self.base_rate <= 1:
            raise _wrong(field, "base_rate", "out of range", "0 to 1")

    def _check_value(self, event_type: EventType, field: str) -> None:
        if self.kind in OF_NUMBERS:
            kinds = {v.name: v.data_type for v in event_type.variables}
            value = self.value
            if value is None or value.entity or value.part or not value.variable:
                raise _wrong(field, "value", f"{self.kind} of what?", "a numeric variable")
            if kinds.get(value.variable) not in _COUNTED:
                raise _wrong(
                    field,
                    "value",
                    f"{value.variable} is no number",
                    "a FLOAT, INTEGER or BOOLEAN variable",
                )
        elif self.kind in OF_TEXTS:
            if self.value is None:
                raise _wrong(field, "value", f"{self.kind} of what?", "a source")
            _check_source(self.value, event_type, f"{field}.value")
        elif self.value is not None:
            raise _wrong(field, "value", f"{self.kind} looks at no value", "none")

    def _check_times(self, field: str) -> None:
        for name in ("horizon_seconds", "half_life_seconds", "long_seconds"):
            seconds = getattr(self, name)
            if seconds is not None and not 1 <= seconds <= _LONGEST_SECONDS:
                raise _wrong(field, name, "out of range", "1 second to 10 years")
        if not 0 <= self.delay_seconds <= _LONGEST_SECONDS:
            raise _wrong(field, "delay_seconds", "out of range", "0 seconds to 10 years")
        if not 4 <= self.buckets <= _MOST_BUCKETS:
            raise _wrong(field, "buckets", "out of range", f"4 to {_MOST_BUCKETS}")
        if self.half_life_seconds is not None:
            if self.kind not in _FADING:
                raise _wrong(field, "half_life_seconds", f"{self.kind} does not fade", "none")
            if self.horizon_seconds is not None:
                raise _wrong(field, "half_life_seconds", "there is a horizon", "one of the two")
        if self.kind in _TIMELESS and self.horizon_seconds is not None:
            raise _wrong(field, "horizon_seconds", f"{self.kind} has no horizon", "none")
        if self.kind in _ON_TIME and self.horizon_seconds is None:
            raise _wrong(field, "horizon_seconds", f"{self.kind} needs a horizon", "seconds")
        if self.kind in _TWO_HORIZONS:
            if self.long_seconds is None or self.long_seconds <= (self.horizon_seconds or 0):
                raise _wrong(
                    field, "long_seconds", "compared with what?", "more than horizon_seconds"
                )
        elif self.long_seconds is not None:
            raise _wrong(field, "long_seconds", f"{self.kind} has one horizon", "none")
        if self.kind in OF_FRAUD and self.horizon_seconds:
            needed = self.buckets * (1 + self.delay_seconds / self.horizon_seconds) + 2
            if needed > _MOST_BUCKETS:
                raise _wrong(
                    field,
                    "buckets",
                    f"{needed:.0f} buckets would be kept to span horizon and delay",
                    f"few enough to keep at most {_MOST_BUCKETS}",
                )

    def _check_place(self, event_type: EventType, field: str) -> None:
        if self.kind not in OF_PLACES:
            for name in ("latitude", "longitude", "place"):
                if getattr(self, name) is not None:
                    raise _wrong(field, name, f"{self.kind} looks at no place", "none")
            return
        if self.place is not None:
            _check_source(self.place, event_type, f"{field}.place")
            if self.latitude is not None or self.longitude is not None:
                raise _wrong(field, "place", "there are coordinates", "one of the two")
            if not self.places:
                raise _wrong(field, "places", "no place is known", "coordinates by text")
            for latitude, longitude in self.places.values():
                if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
                    raise _wrong(field, "places", "not a place", "latitude and longitude, degrees")
            return
        numeric = {v.name for v in event_type.variables if v.data_type in _NUMBERS}
        for name in ("latitude", "longitude"):
            if getattr(self, name) not in numeric:
                raise _wrong(field, name, "not a numeric variable", "a variable in degrees")


def _check_source(source: Source, event_type: EventType, field: str) -> None:
    if (source.entity is None) == (source.variable is None):
        raise InvalidInput("from where?", field=field, expected="an entity or a variable")
    if source.entity is not None and source.entity not in event_type.entity_types:
        raise InvalidInput(
            f"{source.entity!r} is not an entity type of {event_type.name}",
            field=f"{field}.entity",
            expected="one of " + ", ".join(event_type.entity_types),
        )
    names = [variable.name for variable in event_type.variables]
    if source.variable is not None and source.variable not in names:
        raise InvalidInput(
            f"{source.variable!r} is not a variable of {event_type.name}",
            field=f"{field}.variable",
            expected="one of " + ", ".join(names),
        )


def _wrong(field: str, name: str, message: str, expected: str) -> InvalidInput:
    return InvalidInput(message, field=f"{field}.{name}", expected=expected)
