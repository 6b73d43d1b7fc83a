"""Tables of the detectors room."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKeyConstraint, Index, String, Table, text

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
    # Names of models that were made elsewhere; none in versions that are older than the column.
    Column("external_models", Json),
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

# One row for each time that a version was started as a shadow; `ready_at` is when a server first
# had it loaded and its profiles built, `trouble` why one cannot load it.
shadows = Table(
    "shadows",
    metadata,
    Column("detector_id", String(64), primary_key=True),
    Column("version", String(5), primary_key=True),
    Column("started_at", Instant, primary_key=True),
    Column("started_by", String(128), nullable=False),
    Column("ready_at", Instant),
    Column("trouble", String(512)),
    Column("stopped_at", Instant),
    Column("stopped_by", String(128)),
    Index(
        "uq_shadows_running",
        "detector_id",
        "version",
        unique=True,
        sqlite_where=text("stopped_at IS NULL"),
        postgresql_where=text("stopped_at IS NULL"),
    ),
)

# What a shadow said of an event, or `failure`: why it could not say anything.
shadow_decisions = Table(
    "shadow_decisions",
    metadata,
    Column("event_type", String(64), primary_key=True),
    Column("event_id", String(128), primary_key=True),
    Column("detector_id", String(64), primary_key=True),
    Column("version", String(5), primary_key=True),
    Column("decided_at", Instant, nullable=False),
    Column("scores", Json, nullable=False),
    Column("rule_results", Json, nullable=False),
    Column("outcomes", Json, nullable=False),
    Column("failure", String(256)),
    ForeignKeyConstraint(
        ["event_type", "event_id"], ["decisions.event_type", "decisions.event_id"]
    ),
    Index("ix_shadow_decisions_decided_at", "detector_id", "version", "decided_at"),
)
