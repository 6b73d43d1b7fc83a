"""Tables of the events room."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table, Text

from ringfence.storage import Instant, Json, metadata

event_types = Table(
    "event_types",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("definition", Json, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("created_at", Instant),
)

# Names that event types are made from. What an event carries is said by its event type.
variables = Table(
    "variables",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("data_type", String(16), nullable=False),
    Column("data_source", String(32), nullable=False),
    Column("default_value", Text),
    Column("variable_type", String(64)),
    Column("description", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
)

labels = Table(
    "labels",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("description", String(256), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
)

entity_types = Table(
    "entity_types",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("description", String(256), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
)

lists = Table(
    "lists",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("variable_type", String(64)),
    Column("description", String(128), nullable=False, default=""),
    Column("elements", Json, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("created_at", Instant),
)

events = Table(
    "events",
    metadata,
    Column("event_type", String(64), primary_key=True),
    Column("event_id", String(128), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("entities", Json, nullable=False),
    Column("variables", Json, nullable=False),
    Column("content_hash", LargeBinary(16), nullable=False),
    Column("label", String(64)),
    Column("label_at", Instant),
    Column("label_source", String(32)),
    Index("ix_events_at", "event_type", "at"),
)

# A number that every change of a definition raises, so that a running server notices what another
# process has published.
revisions = Table(
    "revisions",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("number", Integer, nullable=False),
)
