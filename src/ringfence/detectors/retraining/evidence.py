"""What has come in since a champion was trained: the events on which it can be compared fairly.

Fairly means that neither version has learned from them or was measured on them, and that their
labels have had the time to come.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection, func, select

from ringfence.detectors.backtest.history import Window
from ringfence.errors import Conflict
from ringfence.events import EventType, tables
from ringfence.models.weights import Unlabelled, UnlabelledTreatment, resolve_treatment

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

# As many of the latest labelled frauds as the two are compared on: enough to tell differences of
# a few hundredths. Never more than half of those that are new, or nothing new would be learned.
_COMPARED_FRAUDS = 200
_DELAY_SHARE = 0.1
_MICROSECOND = timedelta(microseconds=1)


class NothingNew(Conflict):
    """No event that counts has come since the champion was trained: there is nothing to compare
    on."""


def resolved(
    connection: Connection, event_type: EventType, unlabelled: Unlabelled, until: datetime
) -> Unlabelled:
    """The same with `AUTO` decided, by the events of the log that are old enough."""
    if unlabelled.treatment is not UnlabelledTreatment.AUTO:
        return unlabelled
    events = tables.events.c
    old, labelled = connection.execute(
        select(func.count(), func.count(events.label)).where(
            events.event_type == event_type.name,
            events.at <= until - timedelta(days=unlabelled.days),
        )
    ).one()
    return msgspec.structs.replace(unlabelled, treatment=resolve_treatment(labelled, old))


def comparison_window(
    connection: Connection,
    event_type: EventType,
    champion_until: datetime,
    until: datetime,
    unlabelled: Unlabelled,
    label_delay_days: float,
    *,
    least_frauds: int = 1,
) -> Window:
    """The time to compare on; the challenger may learn from everything before it.

    It begins after the last event that the champion has learned from or was measured on, and ends
    where labels are still to come. Of the new frauds it has the latest half, 200 at most; where
    that would be fewer than `least_frauds`, it has the latest half of all events that count. Raises
    `NothingNew` when none counts there.
    """
    mature = mature_until(champion_until, until, unlabelled, label_delay_days)
    frauds, others = count_new(connection, event_type, champion_until, mature, unlabelled)
    events = tables.events.c
    query = select(events.at).where(*_new(event_type, champion_until, mature))
    by_frauds = frauds > 0 and max(1, frauds // 2) >= least_frauds
    if by_frauds:
        query = query.where(events.label.in_(event_type.fraud_labels))
        place = min(_COMPARED_FRAUDS, max(1, frauds // 2))
    else:
        if unlabelled.treatment is not UnlabelledTreatment.LEGIT:
            query = query.where(events.label.is_not(None))
        place = max(1, (frauds + others) // 2)
    first = connection.execute(query.order_by(events.at.desc()).offset(place - 1).limit(1)).scalar()
    return Window(first or champion_until + _MICROSECOND, mature)


def mature_until(
    champion_until: datetime, until: datetime, unlabelled: Unlabelled, label_delay_days: float
) -> datetime:
    """The moment from which on labels, or the lack of complaints, cannot be relied on yet."""
    delay = min(
        timedelta(days=label_delay_days), max(until - champion_until, timedelta()) * _DELAY_SHARE
    )
    if unlabelled.treatment is UnlabelledTreatment.LEGIT:
        delay = max(delay, timedelta(days=unlabelled.days))
    return until - delay


def count_new(
    connection: Connection,
    event_type: EventType,
    after: datetime,
    before: datetime,
    unlabelled: Unlabelled,
) -> tuple[int, int]:
    """How many frauds, and how many other events that count, there are after one moment and before
    another. Raises `NothingNew` when there is none of both."""
    events = tables.events.c
    total, labelled, frauds = connection.execute(
        select(
            func.count(),
            func.count(events.label),
            func.count().filter(events.label.in_(event_type.fraud_labels)),
        ).where(*_new(event_type, after, before))
    ).one()
    assumed = unlabelled.treatment is UnlabelledTreatment.LEGIT
    others = (total if assumed else labelled) - frauds
    if not frauds and not others:
        between = f"after {after:%Y-%m-%d %H:%M} and before {before:%Y-%m-%d %H:%M} UTC"
        if assumed:
            raise NothingNew(
                f"no event of type {event_type.name!r} happened {between}",
                field="model_id",
                expected="events that came since the champion was trained and are old enough",
            )
        raise NothingNew(
            f"no event of type {event_type.name!r} that happened {between} has a label",
            field="model_id",
            expected="labels of events that came since the champion was trained, from calls, "
            "analysts or imports",
        )
    return frauds, others


def _new(
    event_type: EventType, after: datetime, before: datetime
) -> tuple[ColumnElement[bool], ...]:
    events = tables.events.c
    return (events.event_type == event_type.name, events.at > after, events.at < before)
