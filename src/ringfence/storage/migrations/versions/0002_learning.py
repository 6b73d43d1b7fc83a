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
