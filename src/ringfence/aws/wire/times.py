"""Times in requests and answers: texts in ISO 8601, in the forms that Fraud Detector writes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from ringfence.errors import InvalidInput


def instant(at: datetime) -> str:
    """`2021-05-21T07:12:54.032Z`, as resources have it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def second(at: datetime) -> str:
    """`2021-04-19T11:20:42Z`, as batch jobs have it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_instant(text: str, field: str) -> datetime:
    """The time that a text says, UTC where it names no offset; a bare date is its midnight.

    Raises `InvalidInput` naming `field`.
    """
    try:
        if len(text) == len("2021-04-19"):
            return datetime.combine(date.fromisoformat(text), time(), UTC)
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(
            "not a time", field=field, expected="ISO 8601 such as 2026-11-24T09:30:00Z"
        ) from None
