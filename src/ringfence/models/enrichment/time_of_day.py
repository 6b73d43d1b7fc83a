"""When it happened: hour and weekday, in UTC; and how long after another time of the event."""

from __future__ import annotations

from datetime import UTC, datetime

from ringfence.models.enrichment.part import Enrichment, Number, Parts

_NAN = float("nan")
_DAY_SECONDS = 86_400


def split_time(at: datetime) -> Parts:
    """Hour (0 to under 24, with fractions) and weekday (Monday is 0)."""
    days, seconds = divmod(at.timestamp(), _DAY_SECONDS)
    return (seconds / 3600, (days + 3) % 7), ()


def split_elapsed(since: str, at: datetime) -> Parts:
    """Hours from the time `since` (ISO 8601; UTC when it has no offset) to the event."""
    try:
        earlier = datetime.fromisoformat(since)
    except ValueError:
        return (_NAN,), ()
    if earlier.tzinfo is None:
        earlier = earlier.replace(tzinfo=UTC)
    return ((at.timestamp() - earlier.timestamp()) / 3600,), ()


TIME = Enrichment(
    numbers=(
        Number("hour", "the hour is {x:.1f} UTC"),
        Number("weekday", "the weekday is number {x:.0f} (Monday is 0)"),
    ),
    keys=(),
    split=split_time,
    repeats=False,
)

ELAPSED = Enrichment(
    numbers=(Number("hours", "it was {x:,.1f} hours before the event"),),
    keys=(),
    split=split_elapsed,
    repeats=False,
)
