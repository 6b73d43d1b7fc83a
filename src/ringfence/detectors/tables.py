"""Tables of the detectors room."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKeyConstraint, Index, String, Table

from ringfence.storage import Instant, Json, metadata

outcomes = Table(
    "outcomes",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("description", String(256), nullable=False, default=""),
)

detectors = Table(
    "detectors",
    metadata,
    Column("detector_id", String(64), primary_key=True),
    Column("event_type", String(64), nullable=False),
    Column("description", String(256), nullable=False, default=""),
    Column("created_at", Instant, nullable=False),
)

rules = Table(
    "rules",
    metadata,
    Column("detector_id", String(64), primary_key=True),
    Column("rule_id", String(64), primary_key=True),
    Column("version", String(5), primary_key=True),
    Column("expression", String(4096), nullable=False),
    Column("outcomes", Json, nullable=False),
    Column("description", String(256), nullable=False, default=""),
    Column("created_at", Instant, nullable=False),
)

detector_versions = Table(
    "detector_versions",
    metadata,
    Column("detector_id", String(64), primary_key=True),
    Column("version", String(5), primary_key=True),
    Column("status", String(16), nullable=False),
    Column("rules", Json, nullable=False),
    Column("models", Json, nullable=False),
    Column("mode", String(16), nullable=False),
    Column("description", String(256), nullable=False, default=""),
    Column("created_at", Instant, nullable=False),
    Column("activated_at", Instant),
)

decisions = Table(
    "decisions",
    metadata,
    Column("event_type", String(64), primary_key=True),
    Column("event_id", String(128), primary_key=True),
    Column("detector_id", String(64), nullable=False),
    Column("detector_version", String(5), nullable=False),
    Column("decided_at", Instant, nullable=False),
    Column("scores", Json, nullable=False),
    Column("rule_results", Json, nullable=False),
    Column("outcomes", Json, nullable=False),
    Column("case_id", String(40)),
    Column("note", String(512)),
    Column("profile_values", Json),
    ForeignKeyConstraint(["event_type", "event_id"], ["events.event_type", "events.event_id"]),
    Index("ix_decisions_decided_at", "decided_at"),
)
