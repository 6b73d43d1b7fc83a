"""What clients of Amazon Fraud Detector name and ask for, and the ways out to AWS."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "aws_tags",
        sa.Column("resource", sa.String(length=256), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("value", sa.String(length=256), nullable=False),
        sa.PrimaryKeyConstraint("resource", "key", name=op.f("pk_aws_tags")),
    )
    op.create_table(
        "aws_jobs",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("job_id", sa.String(length=192), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("created_by", sa.String(length=128), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger()),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("heartbeat_at", sa.BigInteger()),
        sa.Column("processed", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer()),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("stage", sa.String(length=256), nullable=False),
        sa.Column("failure", sa.String(length=1024)),
        sa.Column("place", sa.LargeBinary()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claim", sa.String(length=32)),
        sa.PrimaryKeyConstraint("kind", "job_id", name=op.f("pk_aws_jobs")),
    )
    op.create_index("ix_aws_jobs_status", "aws_jobs", ["status"])
    op.create_table(
        "aws_job_outputs",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("job_id", sa.String(length=192), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "job_id", "number", name=op.f("pk_aws_job_outputs")),
    )
    op.add_column("detectors", sa.Column("updated_at", sa.BigInteger(), nullable=True))
    op.add_column("detectors", sa.Column("last_version", sa.Integer(), nullable=True))
    op.add_column("rules", sa.Column("updated_at", sa.BigInteger(), nullable=True))
    op.add_column("detector_versions", sa.Column("updated_at", sa.BigInteger(), nullable=True))
    op.add_column("detector_versions", sa.Column("redefined_at", sa.BigInteger(), nullable=True))
    op.create_table(
        "decision_messages",
        sa.Column("message_id", sa.String(length=36), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.String(length=512)),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_decision_messages")),
    )
    op.create_table(
        "publisher_leases",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("holder", sa.String(length=128), nullable=False),
        sa.Column("held_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_publisher_leases")),
    )
    op.add_column("models", sa.Column("updated_at", sa.BigInteger(), nullable=True))
    op.create_table(
        "model_trainings",
        sa.Column("model_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=8), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("request", sa.LargeBinary()),
        sa.Column("messages", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=128), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("activated_at", sa.BigInteger()),
        sa.Column("plan_id", sa.String(length=16)),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.model_id"], name=op.f("fk_model_trainings_model_id")
        ),
        sa.PrimaryKeyConstraint("model_id", "version", name=op.f("pk_model_trainings")),
    )
    op.create_table(
        "customer_masters",
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("table_name", sa.String(length=255), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("purpose", name=op.f("pk_customer_masters")),
    )
    op.create_table(
        "customer_items",
        sa.Column("card_id", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.String(length=256), nullable=False),
        sa.Column("sort_key", sa.String(length=64), nullable=False),
        sa.Column("attributes", sa.LargeBinary(), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("as_of", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["card_id"], ["cards.card_id"], name=op.f("fk_customer_items_card_id")
        ),
        sa.PrimaryKeyConstraint("card_id", name=op.f("pk_customer_items")),
    )
    op.create_index("ix_customer_items_customer_id", "customer_items", ["customer_id"])
    op.create_table(
        "customer_writes",
        sa.Column("customer_id", sa.String(length=256), nullable=False),
        sa.Column("edits", sa.LargeBinary(), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("noted_at", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try_at", sa.BigInteger(), nullable=False),
        sa.Column("failure", sa.String(length=512), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.customer_id"],
            name=op.f("fk_customer_writes_customer_id"),
        ),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_customer_writes")),
    )
    op.create_index("ix_customer_writes_next_try_at", "customer_writes", ["next_try_at"])
    op.create_table(
        "access_keys",
        sa.Column("access_key_id", sa.String(length=20), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary()),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("permissions", sa.LargeBinary(), nullable=False),
        sa.Column("created_by", sa.String(length=128), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger()),
        sa.Column("revoked_by", sa.String(length=128)),
        sa.Column("revoked_at", sa.BigInteger()),
        sa.Column("last_used_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("access_key_id", name=op.f("pk_access_keys")),
    )
    op.add_column("event_types", sa.Column("created_at", sa.BigInteger(), nullable=True))
    op.add_column("lists", sa.Column("created_at", sa.BigInteger(), nullable=True))
    op.create_table(
        "variables",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("data_type", sa.String(length=16), nullable=False),
        sa.Column("data_source", sa.String(length=32), nullable=False),
        sa.Column("default_value", sa.Text(), nullable=True),
        sa.Column("variable_type", sa.String(length=64), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_variables")),
    )
    for name in ("labels", "entity_types"):
        op.create_table(
            name,
            sa.Column("name", sa.String(length=64), nullable=False),
            sa.Column("description", sa.String(length=256), nullable=False),
            sa.Column("created_at", sa.BigInteger(), nullable=False),
            sa.Column("updated_at", sa.BigInteger(), nullable=False),
            sa.PrimaryKeyConstraint("name", name=op.f(f"pk_{name}")),
        )
    _register_what_event_types_name()
    op.add_column("outcomes", sa.Column("created_at", sa.BigInteger(), nullable=True))
    op.add_column("outcomes", sa.Column("updated_at", sa.BigInteger(), nullable=True))
    # When they were made was never written down; the detectors came after them.
    first = "coalesce((SELECT min(created_at) FROM detectors), 0)"
    op.execute(f"UPDATE outcomes SET created_at = {first}, updated_at = {first}")  # noqa: S608
    op.create_table(
        "aws_encryption",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("key_arn", sa.String(length=256), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_aws_encryption")),
    )
    op.create_table(
        "predictions",
        sa.Column(
            "prediction_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("event_type", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.String(length=128), nullable=False),
        sa.Column("event_at", sa.BigInteger(), nullable=False),
        sa.Column("entities", sa.LargeBinary(), nullable=False),
        sa.Column("variables", sa.LargeBinary(), nullable=False),
        sa.Column("detector_id", sa.String(length=64), nullable=False),
        sa.Column("detector_version", sa.String(length=5), nullable=False),
        sa.Column("predicted_at", sa.BigInteger(), nullable=False),
        sa.Column("scores", sa.LargeBinary(), nullable=False),
        sa.Column("rule_results", sa.LargeBinary(), nullable=False),
        sa.Column("outcomes", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.String(length=512)),
        sa.Column("profile_values", sa.LargeBinary()),
        sa.Column("external_texts", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("prediction_id", name=op.f("pk_predictions")),
    )
    op.create_index("ix_predictions_event_id", "predictions", ["event_id"])
    op.create_index("ix_predictions_predicted_at", "predictions", ["predicted_at"])
    op.add_column("decisions", sa.Column("external_texts", sa.LargeBinary(), nullable=True))
    op.add_column("profile_plans", sa.Column("outdated_at", sa.BigInteger(), nullable=True))


def _register_what_event_types_name() -> None:
    """Event types that exist are as good as any: variables, labels and entity types of theirs are
    registered, each as the first of them has it."""
    connection = op.get_bind()
    for table in ("event_types", "lists"):
        connection.execute(sa.text(f"UPDATE {table} SET created_at = updated_at"))  # noqa: S608
    event_types = sa.table(
        "event_types", sa.column("definition", sa.LargeBinary), sa.column("updated_at")
    )
    rows: dict[str, dict[str, dict[str, object]]] = {
        "variables": {},
        "labels": {},
        "entity_types": {},
    }
    query = sa.select(event_types).order_by(event_types.c.updated_at)
    for definition, at in connection.execute(query):
        times = {"created_at": at, "updated_at": at}
        event_type = json.loads(definition)
        for variable in event_type["variables"]:
            default = variable.get("default")
            if isinstance(default, bool):
                default = "true" if default else "false"
            rows["variables"].setdefault(
                variable["name"],
                {
                    "name": variable["name"],
                    "data_type": variable["data_type"],
                    "data_source": "EVENT",
                    "default_value": None if default is None else str(default),
                    "variable_type": variable["variable_type"],
                    "description": variable.get("description", ""),
                    **times,
                },
            )
        for kind in ("labels", "entity_types"):
            for name in event_type[kind]:
                rows[kind].setdefault(name, {"name": name, "description": "", **times})
    for table, found in rows.items():
        if found:
            names: list[sa.ColumnClause[object]] = [
                sa.column(n) for n in next(iter(found.values()))
            ]
            connection.execute(sa.insert(sa.table(table, *names)), list(found.values()))
