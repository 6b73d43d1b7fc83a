"""Generated logins in the event log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec
import polars as pl
from sqlalchemy import Connection

from ringfence.events import Entity, EventReader, EventType, SentEvent
from ringfence.events.log import append_events
from ringfence.examples import read_example
from ringfence.simulation.logins import LOGIN_VARIABLES

LOGIN = msgspec.json.decode(read_example("login_event_type.json"), type=EventType)


def sent(row: Mapping[str, object], event_id: str, at: datetime) -> SentEvent:
    return SentEvent(
        event_id=event_id,
        at=at,
        entities=(Entity("account", str(row["ENTITY_ID"])),),
        variables={name: row[name] for name in LOGIN_VARIABLES},
    )


def log(connection: Connection, logins: pl.DataFrame) -> None:
    """Put logins into the log as if they had come at their time, without a label."""
    reader = EventReader(LOGIN)
    for row in logins.iter_rows(named=True):
        at = datetime.fromisoformat(row["EVENT_TIMESTAMP"])
        append_events(connection, [reader.read(sent(row, row["EVENT_ID"], at), at)], at)
