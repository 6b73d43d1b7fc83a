"""Labels: what an event turned out to be, for the event log and for the profiles at once.

A verdict, an analyst and an import all label events by this one function, so that the risk of a
merchant or a device is learned in the transaction that labels the event.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from ringfence.detectors.plans import hold_plans, read_plan
from ringfence.events import get_event_type, stored_event
from ringfence.events import label_event as label_logged_event
from ringfence.profiles import LabelChange, ProfileStore

# States of a single event: there is nothing to remember.
_REMEMBERED = 1_000


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
    fraud_label = get_event_type(connection, event_type).fraud_label
    label_logged_event(connection, event_type, event_id, label, source=source, at=at)
    change = LabelChange(event, event.label == fraud_label, label == fraud_label)
    for plan_id in kept:
        store = ProfileStore(read_plan(connection, plan_id), remembered=_REMEMBERED)
        store.label(connection, [change])
