"""What the columns of a file of events are: variables, the event's own facts, whose it is.

The names are those of Amazon Fraud Detector's batch jobs. Files that `ringfence events export` and
`ringfence simulate` write name entities by columns of their own, such as `card_id`.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from ringfence.carddata import mask_card_numbers
from ringfence.errors import InvalidInput
from ringfence.events.definitions import EventType

EVENT_ID, EVENT_TIMESTAMP = "EVENT_ID", "EVENT_TIMESTAMP"
ENTITY_TYPE, ENTITY_ID = "ENTITY_TYPE", "ENTITY_ID"
EVENT_LABEL, LABEL_TIMESTAMP, LABEL_SOURCE = "EVENT_LABEL", "LABEL_TIMESTAMP", "LABEL_SOURCE"
_OWN = (
    EVENT_ID,
    EVENT_TIMESTAMP,
    ENTITY_TYPE,
    ENTITY_ID,
    EVENT_LABEL,
    LABEL_TIMESTAMP,
    LABEL_SOURCE,
)
_FIELD = "file header"
_NAMES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Columns:
    """The places of everything in a record; None where a file does not have it.

    `entities` are the columns of entity types that have one of their own, `variables` those of
    variables, each with its place.
    """

    names: tuple[str, ...]
    event_id: int
    at: int
    entity_type: int | None
    entity_id: int | None
    entities: tuple[tuple[str, int], ...]
    label: int | None
    label_at: int | None
    label_source: int | None
    variables: tuple[tuple[str, int], ...]


def read_header(names: Sequence[str], event_type: EventType) -> Columns:
    """What the columns of these names are.

    Raises `InvalidInput` naming a column that is missing, twice there, or nobody knows: a variable
    with a typing error in its name would silently count as left out.
    """
    stripped = tuple(name.strip() for name in names)
    places = {name: place for place, name in enumerate(stripped)}
    if len(places) != len(stripped):
        twice = next(name for name in stripped if stripped.count(name) > 1)
        raise InvalidInput(
            f"the column {_shown(twice)} is there twice", field=_FIELD, expected="each column once"
        )
    variables = {variable.name for variable in event_type.variables}
    entities = _entity_columns(places, event_type)
    known = variables | set(_OWN) | {stripped[place] for _, place in entities}
    for name in stripped:
        if name not in known:
            raise _unknown(name, known, event_type)
    for name in (EVENT_ID, EVENT_TIMESTAMP):
        _require(name, places)
    if not entities or ENTITY_ID in places or ENTITY_TYPE in places:
        for name in (ENTITY_TYPE, ENTITY_ID):
            _require(name, places)
    named = tuple((name, places[name]) for name in stripped if name in variables)
    if not named:
        raise InvalidInput(
            f"there is no variable of event type {event_type.name!r}",
            field=_FIELD,
            expected="columns such as " + ", ".join(sorted(variables)[:_NAMES_SHOWN]),
        )
    return Columns(
        names=stripped,
        event_id=places[EVENT_ID],
        at=places[EVENT_TIMESTAMP],
        entity_type=places.get(ENTITY_TYPE),
        entity_id=places.get(ENTITY_ID),
        entities=entities,
        label=places.get(EVENT_LABEL),
        label_at=places.get(LABEL_TIMESTAMP),
        label_source=places.get(LABEL_SOURCE),
        variables=named,
    )


def _entity_columns(places: dict[str, int], event_type: EventType) -> tuple[tuple[str, int], ...]:
    """As `models.history.entity_columns` finds them."""
    found = []
    for entity in event_type.entity_types:
        names = [name for name in (f"{entity}_id", entity) if name in places]
        found += [(entity, places[name]) for name in names[:1]]
    return tuple(found)


def _require(name: str, places: dict[str, int]) -> None:
    if name not in places:
        raise InvalidInput(
            f"the column {name} is missing",
            field=_FIELD,
            expected=f"the columns {ENTITY_ID}, {ENTITY_TYPE}, {EVENT_ID}, {EVENT_TIMESTAMP} and "
            "the variables of the event type",
        )


def _unknown(name: str, known: set[str], event_type: EventType) -> InvalidInput:
    near = difflib.get_close_matches(name[:64], known, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    some = [variable.name for variable in event_type.variables][:_NAMES_SHOWN]
    return InvalidInput(
        f"event type {event_type.name!r} has no variable {_shown(name)}{hint}",
        field=_FIELD,
        expected="the event type's variables, such as " + ", ".join(some),
    )


def _shown(name: str) -> str:
    shown = mask_card_numbers(name)
    return repr(shown if len(shown) <= 64 else shown[:64] + "…")
