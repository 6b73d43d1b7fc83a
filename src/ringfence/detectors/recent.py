"""The latest decisions with the events they are about, for those who watch."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import Connection, func, select

from ringfence.detectors import tables
from ringfence.detectors.decisions import Decision, decision_of
from ringfence.events import tables as event_tables
from ringfence.events.variables import Value


class RecentDecision(msgspec.Struct, frozen=True):
    """A decision, and the variables of its event."""

    decision: Decision
    variables: dict[str, Value]


def recent_decisions(
    connection: Connection, *, since: datetime | None = None, limit: int = 50
) -> list[RecentDecision]:
    """The latest decisions, newest first; with `since`, only those made then or later.

    Decisions of one commit share their time, so asking again with the newest time repeats some.
    """
    decisions, events = tables.decisions, event_tables.events
    query = (
        select(decisions, events.c.variables)
        .join(
            events,
            (events.c.event_type == decisions.c.event_type)
            & (events.c.event_id == decisions.c.event_id),
        )
        .order_by(decisions.c.decided_at.desc())
        .limit(limit)
    )
    if since is not None:
        query = query.where(decisions.c.decided_at >= since)
    return [
        RecentDecision(
            decision_of(row),
            row.variables,
        )
        for row in connection.execute(query)
    ]


def count_decisions(connection: Connection, since: datetime) -> int:
    """How many decisions were made since then."""
    decided_at = tables.decisions.c.decided_at
    return connection.execute(select(func.count()).where(decided_at >= since)).scalar_one()
