"""Declaring aggregates in a few words: over a time, or for ever, under a name that says so."""

from __future__ import annotations

from ringfence.profiles.aggregates import Aggregate, Kind, Source

HOUR, DAY = 3_600.0, 86_400.0
WEEK, MONTH, QUARTER, YEAR = 7 * DAY, 30 * DAY, 90 * DAY, 365 * DAY
LENGTHS = {HOUR: "1h", DAY: "1d", WEEK: "7d", MONTH: "30d", QUARTER: "90d", YEAR: "365d"}
"""How the lengths that are used are written in names, by seconds."""


def over(
    kind: Kind, by: tuple[Source, ...], seconds: float, value: Source | None = None
) -> Aggregate:
    """An aggregate over so many seconds, one of `LENGTHS`."""
    return Aggregate(
        name=name_of(kind, by, value, LENGTHS[seconds]),
        kind=kind,
        by=by,
        value=value,
        horizon_seconds=seconds,
    )


def ever(kind: Kind, by: tuple[Source, ...], value: Source | None = None) -> Aggregate:
    """An aggregate without a horizon."""
    return Aggregate(name=name_of(kind, by, value), kind=kind, by=by, value=value)


def name_of(kind: Kind, by: tuple[Source, ...], value: Source | None, *length: str) -> str:
    """A name such as `customer~merchant_id.count.30d`: whose, of what, which kind, how long."""
    owner = "~".join(str(source) for source in by)
    parts = (owner, *(() if value is None else (str(value),)), kind.value, *length)
    return ".".join(parts).lower()
