"""Events as Fraud Detector's clients send them: every value is a text, or null."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ringfence.aws.wire.times import read_instant
from ringfence.errors import InvalidInput, TooLarge
from ringfence.events.reading import Entity, SentEvent
from ringfence.events.variables import Value

# As Amazon Fraud Detector documents them for one prediction.
MAX_VARIABLES = 5_000
MAX_BYTES = 256 * 1024


def read_sent(members: Mapping[str, Any]) -> SentEvent:
    """The event of a request. Raises `InvalidInput`, `TooLarge`."""
    variables: Mapping[str, str | None] = members["eventVariables"]
    entities = tuple(Entity(one["entityType"], one["entityId"]) for one in members["entities"])
    if not entities:
        raise InvalidInput(
            "empty",
            field="entities",
            expected="the entity that the event is about; the id `unknown` if it is not known",
        )
    if len(variables) > MAX_VARIABLES:
        raise TooLarge(
            "too many variables", field="eventVariables", expected=f"at most {MAX_VARIABLES:,}"
        )
    # A character has four bytes at most: only what may be too long is measured.
    characters = sum(len(name) + len(value or "") for name, value in variables.items())
    if characters * 4 > MAX_BYTES and _measured(variables) > MAX_BYTES:
        raise TooLarge(
            "the event is too large",
            field="eventVariables",
            expected=f"at most {MAX_BYTES:,} bytes",
        )
    return SentEvent(
        event_id=members["eventId"],
        at=read_instant(members["eventTimestamp"], "eventTimestamp"),
        entities=entities,
        variables=variables,
    )


def written(value: Value) -> str:
    """A value as a text, as clients write it themselves."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _measured(variables: Mapping[str, str | None]) -> int:
    return sum(
        len(text.encode(errors="replace")) for pair in variables.items() for text in pair if text
    )
