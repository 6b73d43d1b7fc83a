"""Tables of the detectors room."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    text,
)

from ringfence.storage import Instant, Json, metadata

outcomes = Table(
    "outcomes",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("description", String(256), nullable=False, default=""),
    Column("created_at", Instant),
    Column("updated_at", Instant),
)

detectors = Table(
    "detectors",
    metadata,
    Column("detector_id", String(64), primary_key=True),
    Column("event_type", String(64), nullable=False),
    Column("description", String(256), nullable=False, default=""),
    Column("created_at", Instant, nullable=False),
    # Rows that are older than these columns have none of them.
    Column("updated_at", Instant),
    # The number that was given last, so that none is given twice.
    Column("last_version", Integer),
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
    Column("updated_at", Instant),
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
    Column("updated_at", Instant),
    # When its models, rules or mode last changed, if they changed after it was made.
    Column("redefined_at", Instant),
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
    Column("external_texts", Json),
    ForeignKeyConstraint(["event_type", "event_id"], ["events.event_type", "events.event_id"]),
    Index("ix_decisions_decided_at", "decided_at"),
)

# What a detector version said of an event that is not stored, or not any more.
predictions = Table(
    "predictions",
    metadata,
    Column(
        "prediction_id",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    Column("event_type", String(64), nullable=False),
    Column("event_id", String(128), nullable=False),
    Column("event_at", Instant, nullable=False),
    Column("entities", Json, nullable=False),
    Column("variables", Json, nullable=False),
    Column("detector_id", String(64), nullable=False),
    Column("detector_version", String(5), nullable=False),
    Column("predicted_at", Instant, nullable=False),
    Column("scores", Json, nullable=False),
    Column("rule_results", Json, nullable=False),
    Column("outcomes", Json, nullable=False),
    Column("note", String(512)),
    Column("profile_values", Json),
    Column("external_texts", Json),
    Index("ix_predictions_event_id", "event_id"),
    Index("ix_predictions_predicted_at", "predicted_at"),
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

# Model versions that were trained to take a champion's place, and how they compared with it.
challengers = Table(
    "challengers",
    metadata,
    Column("model_id", String(64), primary_key=True),
    Column("version", String(8), primary_key=True),
    Column("champion_version", String(8), nullable=False),
    Column("status", String(16), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", String(128), nullable=False),
    Column("learned_until", Instant, nullable=False),
    Column("labels", Json, nullable=False),
    Column("evaluation", Json, nullable=False),
    Column("policy", Json),
    Column("policy_met", Boolean),
    Column("policy_reasons", Json, nullable=False),
    Column("drafts", Json, nullable=False),
    Column("decided_by", String(128)),
    Column("decided_at", Instant),
    Column("reason", String(512)),
    ForeignKeyConstraint(
        ["model_id", "version"], ["model_versions.model_id", "model_versions.version"]
    ),
)

# Who put which version in a champion's place, who did not want it, who went back, and why. Rows
# are only ever added.
challenger_decisions = Table(
    "challenger_decisions",
    metadata,
    Column("decision_id", Integer, primary_key=True, autoincrement=True),
    Column("model_id", String(64), nullable=False),
    Column("version", String(8), nullable=False),
    Column("action", String(16), nullable=False),
    Column("decided_by", String(128), nullable=False),
    Column("decided_at", Instant, nullable=False),
    Column("reason", String(512), nullable=False),
    Column("switches", Json, nullable=False),
    Column("policy", Json),
    Column("evaluation", Json),
    Index("ix_challenger_decisions_model_id", "model_id", "decision_id"),
)

retraining_schedules = Table(
    "retraining_schedules",
    metadata,
    Column("model_id", String(64), primary_key=True),
    Column("enabled", Boolean, nullable=False),
    Column("every_days", Float),
    Column("cron", String(128)),
    Column("policy", Json),
    Column("options", Json, nullable=False),
    Column("updated_by", String(128), nullable=False),
    Column("updated_at", Instant, nullable=False),
)

# One row for each time that a model was, or is being, trained anew or measured anew. Whoever works
# says so again and again in `heartbeat_at`.
retraining_runs = Table(
    "retraining_runs",
    metadata,
    Column("run_id", String(40), primary_key=True),
    Column("model_id", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("status", String(16), nullable=False),
    Column("started_by", String(128), nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("heartbeat_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("share", Float, nullable=False),
    Column("stage", String(256), nullable=False),
    Column("version", String(8)),
    Column("message", String(1024), nullable=False),
    # One at a time, whatever number of servers there is.
    Index(
        "uq_retraining_runs_running",
        "status",
        unique=True,
        sqlite_where=text("status = 'running'"),
        postgresql_where=text("status = 'running'"),
    ),
    Index("ix_retraining_runs_model_id", "model_id", "started_at"),
)

# The last check of a model version for drift; replaced by the next one.
drift_checks = Table(
    "drift_checks",
    metadata,
    Column("model_id", String(64), primary_key=True),
    Column("version", String(8), primary_key=True),
    Column("checked_at", Instant, nullable=False),
    Column("report", Json, nullable=False),
    ForeignKeyConstraint(
        ["model_id", "version"], ["model_versions.model_id", "model_versions.version"]
    ),
)

# When the next check is due, so that of several servers one does it.
drift_rounds = Table(
    "drift_rounds",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("next_at", Instant, nullable=False),
)

# One row for each time that something went beyond its bound. `since` to `until` is the window in
# which it was last seen there.
drift_alerts = Table(
    "drift_alerts",
    metadata,
    Column("alert_id", String(40), primary_key=True),
    Column("model_id", String(64), nullable=False),
    Column("version", String(8), nullable=False),
    Column("measure", String(16), nullable=False),
    Column("subject", String(256), nullable=False),
    Column("value", Float, nullable=False),
    Column("bound", Float, nullable=False),
    Column("since", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("raised_at", Instant, nullable=False),
    Column("cleared_at", Instant),
    Column("acknowledged_by", String(128)),
    Column("acknowledged_at", Instant),
    ForeignKeyConstraint(
        ["model_id", "version"], ["model_versions.model_id", "model_versions.version"]
    ),
    Index(
        "uq_drift_alerts_open",
        "model_id",
        "version",
        "measure",
        "subject",
        unique=True,
        sqlite_where=text("cleared_at IS NULL"),
        postgresql_where=text("cleared_at IS NULL"),
    ),
    Index("ix_drift_alerts_raised_at", "raised_at"),
)
