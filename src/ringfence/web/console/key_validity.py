"""How long keys are valid, as both kinds of keys ask for it and show it."""

from __future__ import annotations

from datetime import datetime, timedelta

from markupsafe import Markup

from ringfence.storage import now
from ringfence.web.console import markup
from ringfence.web.console.forms import Form, choice_field

_FIELD = "expires_at"
_LIFETIMES = {"0": "never", "30": "in 30 days", "90": "in 90 days", "365": "in a year"}


def add_lifetime(form: Form) -> None:
    """Add the field that asks how long a new key is to be valid."""
    form.add(_FIELD, choice_field("Expires", _LIFETIMES, "0"))


def days_of(form: Form) -> int:
    """For how many days a new key is to be valid; 0 for good."""
    return int(form.fields[_FIELD].value or 0)


def expiry(days: int, at: datetime) -> datetime | None:
    """When a key that is made at that moment expires; None for never."""
    return at + timedelta(days=days) if days else None


def validity(revoked_by: str | None, expires_at: datetime | None) -> Markup:
    """Whether a key is valid; `revoked_by` is who revoked it, None for one that nobody has."""
    if revoked_by is not None:
        return markup.pill(f"revoked by {revoked_by}", "plain")
    if expires_at is not None and expires_at <= now():
        return markup.pill("expired", "warn")
    return markup.pill("valid", "good")
