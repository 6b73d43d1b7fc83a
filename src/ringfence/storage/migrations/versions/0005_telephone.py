"""What real telephone calls need on record."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, and widen what is there."""
    op.create_table(
        "call_recordings",
        sa.Column("contact_id", sa.String(length=64), nullable=False),
        sa.Column("instance_id", sa.String(length=36), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.Column("deleted_by", sa.String(length=128), nullable=True),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_call_recordings")),
    )
    op.create_index(
        "ix_call_recordings_expires_at", "call_recordings", ["expires_at"], unique=False
    )
    op.create_table(
        "case_texts",
        sa.Column("message_id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=40), nullable=False),
        sa.Column("to_number", sa.String(length=16), nullable=False),
        sa.Column("link_id", sa.String(length=32), nullable=True),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name=op.f("fk_case_texts_case_id")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_case_texts")),
        sa.UniqueConstraint("case_id", name=op.f("uq_case_texts_case_id")),
        sa.UniqueConstraint("link_id", name=op.f("uq_case_texts_link_id")),
    )
    op.create_index("ix_case_texts_to_number", "case_texts", ["to_number", "sent_at"], unique=False)
    op.create_table(
        "heard_texts",
        sa.Column("text_id", sa.String(length=128), nullable=False),
        sa.Column("heard_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("text_id", name=op.f("pk_heard_texts")),
    )
    op.create_table(
        "contact_permissions",
        sa.Column("entry_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("customer_id", sa.String(length=256), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(length=128), nullable=False),
        sa.Column("by", sa.String(length=128), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.customer_id"],
            name=op.f("fk_contact_permissions_customer_id"),
        ),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_contact_permissions")),
    )
    op.create_index(
        "ix_contact_permissions_customer_id",
        "contact_permissions",
        ["customer_id", "entry_id"],
        unique=False,
    )
    # The numbers that are known were given to the bank, as those that are stored from now on.
    op.execute(
        "INSERT INTO contact_permissions "
        '(customer_id, channel, purpose, given, source, "by", at) '
        "SELECT customer_id, channel, 'fraud_alerts', true, 'number given to the bank', "
        "updated_by, phone_changed_at FROM customers "
        "CROSS JOIN (SELECT 'voice' AS channel UNION ALL SELECT 'sms') AS channels"
    )
    op.create_table(
        "do_not_call",
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=256), nullable=False),
        sa.Column("added_by", sa.String(length=128), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_do_not_call")),
    )
    op.add_column("attempts", sa.Column("answered_by", sa.String(length=16), nullable=True))
