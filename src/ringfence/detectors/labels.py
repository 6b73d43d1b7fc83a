"""Labels: what an event turned out to be, for the event log and for the profiles at once.

A verdict, an analyst and an import all label events by this one function, so that the risk of a
merchant or a device is learned in the transaction that labels the event.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from ringfence.detectors.plans import begin_building_anew, hold_plans, read_plan
from ringfence.events import get_event_type, stored_event
from ringfence.events import label_event as label_logged_event
from ringfence.events.log import EventLabel, StoredEvent, label_stored_events
from ringfence.profiles import LabelChange, ProfileStore
from ringfence.storage import now

# States of a single event: there is nothing to remember.
_REMEMBERED = 1_000
_LATE = timedelta(seconds=1)


def label_event(
    connection: Connection,
    event_type: str,
    event_id: str,
    label: str | None,
    *,
    source: str,
    at: datetime | None = None,
) -> None:
    """Give an event its label, or take it away, and let every kept profile know.

    `source` says who knew (`phone`, `analyst`, `import`), `at` when; now, if it is left out.
    Raises `NotFound`. Who locks anything else before, calls `hold_plans` first.
    """
    kept = hold_plans(connection, [event_type]).get(event_type, ())
    if not kept:
        label_logged_event(connection, event_type, event_id, label, source=source, at=at)
        return
    event = stored_event(connection, event_type, event_id)
    label_logged_event(connection, event_type, event_id, label, source=source, at=at)
    _tell_profiles(connection, event_type, kept, [(event, label)])
    if at is not None:
        _mind_the_builders(connection, kept, [at])


def label_events(
    connection: Connection, event_type: str, labels: Sequence[tuple[StoredEvent, EventLabel]]
) -> None:
    """Give events of the log, as they are stored, the labels that have become known, and let every
    kept profile know. For labels in their thousands; who locks anything else before, calls
    `hold_plans` first."""
    if not labels:
        return
    kept = hold_plans(connection, [event_type]).get(event_type, ())
    label_stored_events(connection, event_type, {e.event_id: given for e, given in labels})
    if kept:
        _tell_profiles(connection, event_type, kept, [(e, given.label) for e, given in labels])
        _mind_the_builders(connection, kept, [given.at for _, given in labels])


def _tell_profiles(
    connection: Connection,
    event_type: str,
    kept: Sequence[str],
    labels: Sequence[tuple[StoredEvent, str | None]],
) -> None:
    frauds = get_event_type(connection, event_type).fraud_labels
    changes = [
        LabelChange(event, event.label in frauds, label in frauds) for event, label in labels
    ]
    for plan_id in kept:
        store = ProfileStore(read_plan(connection, plan_id), remembered=_REMEMBERED)
        store.label(connection, changes)


def _mind_the_builders(
    connection: Connection, kept: Sequence[str], ats: Sequence[datetime]
) -> None:
    # Whoever builds profiles from the log looks at the end for the labels that came meanwhile, by
    # their times: one that is older than it is late would be missed.
    if min(ats) < now() - _LATE:
        begin_building_anew(connection, kept)
