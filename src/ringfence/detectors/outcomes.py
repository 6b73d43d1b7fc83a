"""Outcomes: the names of what rules conclude, such as `approve` or `call-cardholder`."""

from __future__ import annotations

from sqlalchemy import Connection

from ringfence.detectors import tables
from ringfence.errors import InvalidInput
from ringfence.events.names import Register

OUTCOMES = Register(tables.outcomes, "an outcome")


def put_outcome(connection: Connection, name: str, description: str = "") -> None:
    """Create an outcome, or change its description. Raises `InvalidInput`."""
    OUTCOMES.put(connection, name, description)


def list_outcomes(connection: Connection) -> dict[str, str]:
    """Description by outcome name."""
    return {outcome.name: outcome.description for outcome in OUTCOMES.all(connection)}


def check_description(description: str) -> None:
    """Raise `InvalidInput` for a description that is too long to store."""
    if len(description) > 256:
        raise InvalidInput("too long", field="description", expected="at most 256 characters")
