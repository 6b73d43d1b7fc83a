"""Tables of the streams room."""

from __future__ import annotations

from sqlalchemy import Column, String, Table

from ringfence.storage import Instant, Json, metadata

# What is still to be published. The id is made of the time, so that its order is that of the
# decisions. `refused` is why the target will not take this one whatever is tried.
decision_messages = Table(
    "decision_messages",
    metadata,
    Column("message_id", String(36), primary_key=True),
    Column("content", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("refused", String(512)),
)

# Who publishes, of several servers on one database, and until when that is so.
publisher_leases = Table(
    "publisher_leases",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("holder", String(128), nullable=False),
    Column("held_until", Instant, nullable=False),
)
