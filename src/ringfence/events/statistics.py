"""How much is stored of the events of a type."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import Connection, LargeBinary, func, select, type_coerce

from ringfence.events.tables import events

# So many of the latest events tell how large one is; reading all of them would take minutes.
_LOOKED_AT = 1_000


class EventStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """How many events there are, and between which times they happened.

    `size_bytes` is an estimate: the mean size of the latest ones, times their number.
    `last_received_at` is when the last of those came.
    """

    events: int
    size_bytes: int
    first_at: datetime | None = None
    last_at: datetime | None = None
    last_received_at: datetime | None = None


def event_statistics(connection: Connection, event_type: str) -> EventStatistics:
    """What is stored of an event type."""
    of_type = events.c.event_type == event_type
    count, first, last = connection.execute(
        select(func.count(), func.min(events.c.at), func.max(events.c.at)).where(of_type)
    ).one()
    if not count:
        return EventStatistics(events=0, size_bytes=0)
    latest = (
        select(
            events.c.received_at,
            (
                func.length(events.c.event_id)
                + func.length(type_coerce(events.c.entities, LargeBinary))
                + func.length(type_coerce(events.c.variables, LargeBinary))
            ).label("size"),
        )
        .where(of_type)
        .order_by(events.c.at.desc())
        .limit(_LOOKED_AT)
        .subquery()
    )
    size, received = connection.execute(
        select(func.avg(latest.c.size), func.max(latest.c.received_at))
    ).one()
    return EventStatistics(
        events=count,
        size_bytes=round(float(size) * count),
        first_at=first,
        last_at=last,
        last_received_at=received,
    )
