"""Times in rules: ISO 8601 text, compared as instants. No clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def instant(text: str) -> datetime:
    """The instant that a text such as `2019-11-30T01:01:01Z` names; without an offset, UTC.

    Raises `ValueError`.
    """
    return aware(datetime.fromisoformat(text.strip()))


def aware(at: datetime) -> datetime:
    """The same time in UTC. One without an offset is taken as UTC. Raises `ValueError`."""
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        raise ValueError("the time is out of range") from None


def written(at: datetime) -> str:
    """An instant as rules see it: `2019-11-30T01:01:01Z`, with milliseconds if there are any."""
    precision = "milliseconds" if at.microsecond else "seconds"
    return aware(at).replace(tzinfo=None).isoformat(timespec=precision) + "Z"


def epoch_milliseconds(at: datetime) -> int:
    """Whole milliseconds since 1970-01-01T00:00:00Z; negative before it."""
    return (at - _EPOCH) // _MILLISECOND
