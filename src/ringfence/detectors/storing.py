"""Events that are stored without being decided about: sent for the record, or imported.

They take part in everything that stored events take part in: profiles learn from them in the
transaction that stores them, and the next model learns from them with their labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec
from sqlalchemy import Connection

from ringfence.detectors.labels import label_events
from ringfence.detectors.profiles import Profiles
from ringfence.events import get_event_type
from ringfence.events.log import (
    EventLabel,
    StoredEvent,
    append_labelled_events,
    content_hashes,
    stored_events,
)
from ringfence.events.reading import Event
from ringfence.storage import now


class Arriving(msgspec.Struct, frozen=True):
    """An event to be stored, with the label that is known of it. The label must be one of the
    event type."""

    event: Event
    label: EventLabel | None = None


class Stored(StrEnum):
    """What became of an event that was to be stored."""

    NEW = "new"
    """It is in the log now."""
    SAME = "same"
    """It was in the log already, with the same content."""
    LABELLED = "labelled"
    """It was in the log already, with the same content, and got its label now."""
    OTHER = "other"
    """Another event of this id is in the log; nothing was changed."""


def store_events(
    connection: Connection, arriving: Sequence[Arriving], profiles: Profiles | None = None
) -> list[Stored]:
    """Store events, in the given transaction, and add them to all profiles that are kept; what
    became of each, in their order.

    An event is the same as a stored one if it says the same, whether or not it leaves out what has
    a default. Profiles take a batch in order of time, and batches as they come: import a history
    from its beginning. Whoever stores many batches passes the same `profiles` with each, so that
    what they remember need not be read again. Takes some 10 µs an event, and as much again for
    each key of the profiles that are kept.
    """
    profiles = Profiles() if profiles is None else profiles
    by_type: dict[str, list[int]] = {}
    for position, item in enumerate(arriving):
        by_type.setdefault(item.event.event_type, []).append(position)
    kept = profiles.hold(connection, by_type)
    # Read while the plans are held: profiles take events in the order of these times.
    received_at = now()
    found: list[Stored] = [Stored.NEW] * len(arriving)
    for event_type, positions in by_type.items():
        items = [arriving[position] for position in positions]
        of_type = _store_of_type(
            connection, event_type, items, profiles, kept.get(event_type, ()), received_at
        )
        for position, stored in zip(positions, of_type, strict=True):
            found[position] = stored
    return found


def _store_of_type(
    connection: Connection,
    event_type: str,
    arriving: Sequence[Arriving],
    profiles: Profiles,
    kept: Sequence[str],
    received_at: datetime,
) -> list[Stored]:
    known = content_hashes(connection, event_type, {item.event.event_id for item in arriving})
    fresh: dict[str, Arriving] = {}
    others: list[int] = []
    for position, item in enumerate(arriving):
        if item.event.event_id in known or item.event.event_id in fresh:
            others.append(position)
        else:
            fresh[item.event.event_id] = item
    if fresh:
        _append(connection, event_type, list(fresh.values()), profiles, kept, received_at)
    found = [Stored.NEW] * len(arriving)
    if others:
        again = [arriving[position] for position in others]
        stored = stored_events(connection, event_type, {item.event.event_id for item in again})
        hashes = known | {event_id: item.event.content_hash for event_id, item in fresh.items()}
        for position, said in zip(
            others, _label_again(connection, event_type, again, stored, hashes), strict=True
        ):
            found[position] = said
    return found


def _append(
    connection: Connection,
    event_type: str,
    arriving: Sequence[Arriving],
    profiles: Profiles,
    kept: Sequence[str],
    received_at: datetime,
) -> None:
    append_labelled_events(connection, [(i.event, i.label) for i in arriving], received_at)
    if not kept:
        return
    profiles.advance(connection, kept, {}, [item.event for item in arriving], received_at)
    frauds = get_event_type(connection, event_type).fraud_labels
    profiles.learn(
        connection,
        kept,
        [item.event for item in arriving if item.label is not None and item.label.label in frauds],
        received_at,
    )


def _label_again(
    connection: Connection,
    event_type: str,
    arriving: Sequence[Arriving],
    stored: Mapping[str, StoredEvent],
    hashes: Mapping[str, bytes],
) -> list[Stored]:
    """What becomes of events whose ids are in the log, by now."""
    found: list[Stored] = []
    labels: dict[str, EventLabel] = {}
    for item in arriving:
        event_id = item.event.event_id
        if not _is_same(item.event, stored[event_id], hashes[event_id]):
            found.append(Stored.OTHER)
        elif item.label is None or _is_known(item.label, stored[event_id], labels.get(event_id)):
            found.append(Stored.SAME)
        else:
            found.append(Stored.LABELLED)
            labels[event_id] = item.label
    label_events(connection, event_type, [(stored[i], given) for i, given in labels.items()])
    return found


def _is_same(event: Event, stored: StoredEvent, content_hash: bytes) -> bool:
    return content_hash == event.content_hash or (
        (event.at, event.entities, event.variables)
        == (stored.at, stored.entities, stored.variables)
    )


def _is_known(label: EventLabel, stored: StoredEvent, given: EventLabel | None) -> bool:
    """Whether the event has this label: from the log, or `given` by this batch."""
    known = (stored.label, stored.label_at) if given is None else (given.label, given.at)
    return (label.label, label.at) == known
