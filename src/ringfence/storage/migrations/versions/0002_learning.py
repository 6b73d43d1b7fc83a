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
