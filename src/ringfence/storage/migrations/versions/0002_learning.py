"""What models learn and how they are watched: baselines, challengers, shadows, external models."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.add_column("model_versions", sa.Column("baseline", sa.LargeBinary(), nullable=True))
    op.create_table(
        "shadows",
        sa.Column("detector_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=5), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("started_by", sa.String(length=128), nullable=False),
        sa.Column("ready_at", sa.BigInteger(), nullable=True),
        sa.Column("trouble", sa.String(length=512), nullable=True),
        sa.Column("stopped_at", sa.BigInteger(), nullable=True),
        sa.Column("stopped_by", sa.String(length=128), nullable=True),
        sa.PrimaryKeyConstraint("detector_id", "version", "started_at", name=op.f("pk_shadows")),
    )
    op.create_index(
        "uq_shadows_running",
        "shadows",
        ["detector_id", "version"],
        unique=True,
        sqlite_where=sa.text("stopped_at IS NULL"),
        postgresql_where=sa.text("stopped_at IS NULL"),
    )
    op.create_table(
        "shadow_decisions",
        sa.Column("event_type", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.String(length=128), nullable=False),
        sa.Column("detector_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=5), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("scores", sa.LargeBinary(), nullable=False),
        sa.Column("rule_results", sa.LargeBinary(), nullable=False),
        sa.Column("outcomes", sa.LargeBinary(), nullable=False),
        sa.Column("failure", sa.String(length=256), nullable=True),
        sa.ForeignKeyConstraint(
            ["event_type", "event_id"],
            ["decisions.event_type", "decisions.event_id"],
            name=op.f("fk_shadow_decisions_event_type_event_id"),
        ),
        sa.PrimaryKeyConstraint(
            "event_type",
            "event_id",
            "detector_id",
            "version",
            name=op.f("pk_shadow_decisions"),
        ),
    )
    op.create_index(
        "ix_shadow_decisions_decided_at",
        "shadow_decisions",
        ["detector_id", "version", "decided_at"],
        unique=False,
    )
    op.add_column(
        "detector_versions", sa.Column("external_models", sa.LargeBinary(), nullable=True)
    )
    op.create_table(
        "external_models",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("event_type", sa.String(length=64), nullable=False),
        sa.Column("definition", sa.LargeBinary(), nullable=False),
        sa.Column("secrets", sa.LargeBinary(), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_external_models")),
    )
    op.create_table(
        "challengers",
        sa.Column("model_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=8), nullable=False),
        sa.Column("champion_version", sa.String(length=8), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=128), nullable=False),
        sa.Column("learned_until", sa.BigInteger(), nullable=False),
        sa.Column("labels", sa.LargeBinary(), nullable=False),
        sa.Column("evaluation", sa.LargeBinary(), nullable=False),
        sa.Column("policy", sa.LargeBinary(), nullable=True),
        sa.Column("policy_met", sa.Boolean(), nullable=True),
        sa.Column("policy_reasons", sa.LargeBinary(), nullable=False),
        sa.Column("drafts", sa.LargeBinary(), nullable=False),
        sa.Column("decided_by", sa.String(length=128), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(length=512), nullable=True),
        sa.ForeignKeyConstraint(
            ["model_id", "version"],
            ["model_versions.model_id", "model_versions.version"],
            name=op.f("fk_challengers_model_id_version"),
        ),
        sa.PrimaryKeyConstraint("model_id", "version", name=op.f("pk_challengers")),
    )
    op.create_table(
        "challenger_decisions",
        sa.Column("decision_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("model_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=8), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("decided_by", sa.String(length=128), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=512), nullable=False),
        sa.Column("switches", sa.LargeBinary(), nullable=False),
        sa.Column("policy", sa.LargeBinary(), nullable=True),
        sa.Column("evaluation", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("decision_id", name=op.f("pk_challenger_decisions")),
    )
    op.create_index(
        "ix_challenger_decisions_model_id",
        "challenger_decisions",
        ["model_id", "decision_id"],
        unique=False,
    )
    op.create_table(
        "retraining_schedules",
        sa.Column("model_id", sa.String(length=64), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("every_days", sa.Float(), nullable=True),
        sa.Column("cron", sa.String(length=128), nullable=True),
        sa.Column("policy", sa.LargeBinary(), nullable=True),
        sa.Column("options", sa.LargeBinary(), nullable=False),
        sa.Column("updated_by", sa.String(length=128), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("model_id", name=op.f("pk_retraining_schedules")),
    )
    op.create_table(
        "retraining_runs",
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("model_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("started_by", sa.String(length=128), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("heartbeat_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("stage", sa.String(length=256), nullable=False),
        sa.Column("version", sa.String(length=8), nullable=True),
        sa.Column("message", sa.String(length=1024), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_retraining_runs")),
    )
    op.create_index(
        "uq_retraining_runs_running",
        "retraining_runs",
        ["status"],
        unique=True,
        sqlite_where=sa.text("status = 'running'"),
        postgresql_where=sa.text("status = 'running'"),
    )
    op.create_index(
        "ix_retraining_runs_model_id", "retraining_runs", ["model_id", "started_at"], unique=False
    )
    op.create_table(
        "drift_checks",
        sa.Column("model_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=8), nullable=False),
        sa.Column("checked_at", sa.BigInteger(), nullable=False),
        sa.Column("report", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id", "version"],
            ["model_versions.model_id", "model_versions.version"],
            name=op.f("fk_drift_checks_model_id_version"),
        ),
        sa.PrimaryKeyConstraint("model_id", "version", name=op.f("pk_drift_checks")),
    )
    op.create_table(
        "drift_rounds",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_drift_rounds")),
    )
    op.create_table(
        "drift_alerts",
        sa.Column("alert_id", sa.String(length=40), nullable=False),
        sa.Column("model_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=8), nullable=False),
        sa.Column("measure", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=256), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("bound", sa.Float(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("raised_at", sa.BigInteger(), nullable=False),
        sa.Column("cleared_at", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_by", sa.String(length=128), nullable=True),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["model_id", "version"],
            ["model_versions.model_id", "model_versions.version"],
            name=op.f("fk_drift_alerts_model_id_version"),
        ),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_drift_alerts")),
    )
    op.create_index("ix_drift_alerts_raised_at", "drift_alerts", ["raised_at"], unique=False)
    op.create_index(
        "uq_drift_alerts_open",
        "drift_alerts",
        ["model_id", "version", "measure", "subject"],
        unique=True,
        sqlite_where=sa.text("cleared_at IS NULL"),
        postgresql_where=sa.text("cleared_at IS NULL"),
    )
