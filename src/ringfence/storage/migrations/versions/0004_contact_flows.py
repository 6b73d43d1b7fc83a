"""What an instance of Amazon Connect holds: flows, queues, numbers, contacts."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, and move the contact flows that are there into an instance."""
    op.create_table(
        "contact_messages",
        sa.Column("message_id", sa.String(length=36), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.String(length=512), nullable=True),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_contact_messages")),
    )
    op.create_table(
        "flow_logs",
        sa.Column("log_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("instance_id", sa.String(length=36), nullable=False),
        sa.Column("contact_id", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log_id", name=op.f("pk_flow_logs")),
    )
    op.create_index("ix_flow_logs_at", "flow_logs", ["at"], unique=False)
    op.create_index("ix_flow_logs_contact_id", "flow_logs", ["contact_id", "log_id"], unique=False)
    op.create_table(
        "functions",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("definition", sa.LargeBinary(), nullable=False),
        sa.Column("secrets", sa.LargeBinary(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_by", sa.String(length=128), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_functions")),
    )
    op.create_table(
        "instances",
        sa.Column("instance_id", sa.String(length=36), nullable=False),
        sa.Column("alias", sa.String(length=62), nullable=False),
        sa.Column("identity_management", sa.String(length=32), nullable=False),
        sa.Column("inbound_calls", sa.Boolean(), nullable=False),
        sa.Column("outbound_calls", sa.Boolean(), nullable=False),
        sa.Column("tags", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("instance_id", name=op.f("pk_instances")),
        sa.UniqueConstraint("alias", name=op.f("uq_instances_alias")),
    )
    op.create_table(
        "sent_messages",
        sa.Column("message_id", sa.String(length=36), nullable=False),
        sa.Column("contact_id", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("to", sa.String(length=256), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("subject", sa.String(length=512), nullable=False),
        sa.Column("sender", sa.String(length=256), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("detail", sa.String(length=512), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_sent_messages")),
    )
    op.create_index("ix_sent_messages_due", "sent_messages", ["state", "due_at"], unique=False)
    op.create_table(
        "agents",
        sa.Column("agent_id", sa.String(length=36), nullable=False),
        sa.Column("instance_id", sa.String(length=36), nullable=False),
        sa.Column("user_name", sa.String(length=128), nullable=False),
        sa.Column("first_name", sa.String(length=100), nullable=False),
        sa.Column("last_name", sa.String(length=100), nullable=False),
        sa.Column("phone_number", sa.String(length=32), nullable=False),
        sa.Column("queue_ids", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("status_at", sa.BigInteger(), nullable=False),
        sa.Column("status_until", sa.BigInteger(), nullable=True),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("place_id", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instances.instance_id"], name=op.f("fk_agents_instance_id")
        ),
        sa.PrimaryKeyConstraint("agent_id", name=op.f("pk_agents")),
        sa.UniqueConstraint("place_id", name=op.f("uq_agents_place_id")),
        sa.UniqueConstraint(
            "instance_id", "user_name", name=op.f("uq_agents_instance_id_user_name")
        ),
    )
    op.create_table(
        "bindings",
        sa.Column("instance_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("reference", sa.String(length=512), nullable=False),
        sa.Column("target", sa.String(length=256), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instances.instance_id"], name=op.f("fk_bindings_instance_id")
        ),
        sa.PrimaryKeyConstraint("instance_id", "kind", "reference", name=op.f("pk_bindings")),
    )
    op.create_table(
        "bots",
        sa.Column("bot_id", sa.String(length=36), nullable=False),
        sa.Column("instance_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=127), nullable=False),
        sa.Column("intents", sa.LargeBinary(), nullable=False),
        sa.Column("fallback", sa.String(length=127), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instances.instance_id"], name=op.f("fk_bots_instance_id")
        ),
        sa.PrimaryKeyConstraint("bot_id", name=op.f("pk_bots")),
        sa.UniqueConstraint("instance_id", "name", name=op.f("uq_bots_instance_id_name")),
    )
    op.create_table(
        "contacts",
        sa.Column("contact_id", sa.String(length=64), nullable=False),
        sa.Column("instance_id", sa.String(length=36), nullable=False),
        sa.Column("initial_contact_id", sa.String(length=64), nullable=False),
        sa.Column("previous_contact_id", sa.String(length=64), nullable=True),
        sa.Column("related_contact_id", sa.String(length=64), nullable=True),
        sa.Column("initiation_method", sa.String(length=32), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("flow_id", sa.String(length=36), nullable=True),
        sa.Column("flow_version", sa.Integer(), nullable=True),
        sa.Column("line", sa.String(length=32), nullable=False),
        sa.Column("customer_number", sa.String(length=32), nullable=False),
        sa.Column("system_number", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=512), nullable=False),
        sa.Column("description", sa.String(length=4096), nullable=False),
        sa.Column("customer_id", sa.String(length=256), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("attributes", sa.LargeBinary(), nullable=False),
        sa.Column("references", sa.LargeBinary(), nullable=False),
        sa.Column("tags", sa.LargeBinary(), nullable=False),
        sa.Column("segment_attributes", sa.LargeBinary(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("client_token", sa.String(length=500), nullable=True),
        sa.Column("queue_id", sa.String(length=36), nullable=True),
        sa.Column("enqueued_at", sa.BigInteger(), nullable=True),
        sa.Column("dequeued_at", sa.BigInteger(), nullable=True),
        sa.Column("agent_id", sa.String(length=36), nullable=True),
        sa.Column("agent_connected_at", sa.BigInteger(), nullable=True),
        sa.Column("answering_machine", sa.String(length=32), nullable=True),
        sa.Column("initiated_at", sa.BigInteger(), nullable=False),
        sa.Column("scheduled_at", sa.BigInteger(), nullable=True),
        sa.Column("dialled_at", sa.BigInteger(), nullable=True),
        sa.Column("connected_at", sa.BigInteger(), nullable=True),
        sa.Column("disconnected_at", sa.BigInteger(), nullable=True),
        sa.Column("disconnect_reason", sa.String(length=64), nullable=True),
        sa.Column("detail", sa.String(length=512), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instances.instance_id"], name=op.f("fk_contacts_instance_id")
        ),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_contacts")),
        sa.UniqueConstraint(
            "instance_id", "client_token", name=op.f("uq_contacts_instance_id_client_token")
        ),
    )
    op.create_index("ix_contacts_chain", "contacts", ["initial_contact_id"], unique=False)
    op.create_index("ix_contacts_initiated_at", "contacts", ["initiated_at"], unique=False)
    op.create_table(
        "flows",
        sa.Column("flow_id", sa.String(length=36), nullable=False),
        sa.Column("instance_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=127), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("description", sa.String(length=500), nullable=False),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("saved_content", sa.Text(), nullable=True),
        sa.Column("published_version", sa.Integer(), nullable=True),
        sa.Column("tags", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instances.instance_id"], name=op.f("fk_flows_instance_id")
        ),
        sa.PrimaryKeyConstraint("flow_id", name=op.f("pk_flows")),
        sa.UniqueConstraint(
            "instance_id", "kind", "name", name=op.f("uq_flows_instance_id_kind_name")
        ),
    )
    op.create_table(
        "hours_of_operation",
        sa.Column("hours_id", sa.String(length=36), nullable=False),
        sa.Column("instance_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=127), nullable=False),
        sa.Column("description", sa.String(length=250), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("periods", sa.LargeBinary(), nullable=False),
        sa.Column("overrides", sa.LargeBinary(), nullable=False),
        sa.Column("tags", sa.LargeBinary(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"],
            ["instances.instance_id"],
            name=op.f("fk_hours_of_operation_instance_id"),
        ),
        sa.PrimaryKeyConstraint("hours_id", name=op.f("pk_hours_of_operation")),
        sa.UniqueConstraint(
            "instance_id", "name", name=op.f("uq_hours_of_operation_instance_id_name")
        ),
    )
    op.create_table(
        "instance_functions",
        sa.Column("instance_id", sa.String(length=36), nullable=False),
        sa.Column("function_arn", sa.String(length=256), nullable=False),
        sa.Column("associated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"],
            ["instances.instance_id"],
            name=op.f("fk_instance_functions_instance_id"),
        ),
        sa.PrimaryKeyConstraint("instance_id", "function_arn", name=op.f("pk_instance_functions")),
    )
    op.create_table(
        "phone_numbers",
        sa.Column("number_id", sa.String(length=36), nullable=False),
        sa.Column("instance_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("description", sa.String(length=500), nullable=False),
        sa.Column("flow_id", sa.String(length=36), nullable=True),
        sa.Column("client_token", sa.String(length=500), nullable=True),
        sa.Column("tags", sa.LargeBinary(), nullable=False),
        sa.Column("claimed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instances.instance_id"], name=op.f("fk_phone_numbers_instance_id")
        ),
        sa.PrimaryKeyConstraint("number_id", name=op.f("pk_phone_numbers")),
        sa.UniqueConstraint("number", name=op.f("uq_phone_numbers_number")),
    )
    op.create_table(
        "prompts",
        sa.Column("prompt_id", sa.String(length=36), nullable=False),
        sa.Column("instance_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("description", sa.String(length=250), nullable=False),
        sa.Column("wav", sa.LargeBinary(), nullable=False),
        sa.Column("tags", sa.LargeBinary(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instances.instance_id"], name=op.f("fk_prompts_instance_id")
        ),
        sa.PrimaryKeyConstraint("prompt_id", name=op.f("pk_prompts")),
        sa.UniqueConstraint("instance_id", "name", name=op.f("uq_prompts_instance_id_name")),
    )
    op.create_table(
        "queues",
        sa.Column("queue_id", sa.String(length=36), nullable=False),
        sa.Column("instance_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("description", sa.String(length=250), nullable=False),
        sa.Column("caller_number", sa.String(length=32), nullable=False),
        sa.Column("caller_name", sa.String(length=255), nullable=False),
        sa.Column("hours_id", sa.String(length=36), nullable=True),
        sa.Column("outbound_flow_id", sa.String(length=36), nullable=True),
        sa.Column("most_contacts", sa.Integer(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("tags", sa.LargeBinary(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instances.instance_id"], name=op.f("fk_queues_instance_id")
        ),
        sa.PrimaryKeyConstraint("queue_id", name=op.f("pk_queues")),
        sa.UniqueConstraint("instance_id", "name", name=op.f("uq_queues_instance_id_name")),
    )
    op.create_table(
        "flow_versions",
        sa.Column("flow_id", sa.String(length=36), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("description", sa.String(length=500), nullable=False),
        sa.Column("created_by", sa.String(length=128), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["flow_id"], ["flows.flow_id"], name=op.f("fk_flow_versions_flow_id")
        ),
        sa.PrimaryKeyConstraint("flow_id", "version", name=op.f("pk_flow_versions")),
    )
    op.create_table(
        "queue_places",
        sa.Column("place_id", sa.String(length=36), nullable=False),
        sa.Column("queue_id", sa.String(length=36), nullable=False),
        sa.Column("contact_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("phone_number", sa.String(length=32), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("counts_from", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts_left", sa.Integer(), nullable=False),
        sa.Column("retry_seconds", sa.Float(), nullable=False),
        sa.Column("agent_id", sa.String(length=36), nullable=True),
        sa.Column("entered_at", sa.BigInteger(), nullable=False),
        sa.Column("connected_at", sa.BigInteger(), nullable=True),
        sa.Column("left_at", sa.BigInteger(), nullable=True),
        sa.Column("server", sa.String(length=128), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["queue_id"], ["queues.queue_id"], name=op.f("fk_queue_places_queue_id")
        ),
        sa.PrimaryKeyConstraint("place_id", name=op.f("pk_queue_places")),
    )
    op.create_index("ix_queue_places_waiting", "queue_places", ["queue_id", "state"], unique=False)
    op.create_table(
        "tasks",
        sa.Column("contact_id", sa.String(length=64), nullable=False),
        sa.Column("queue_id", sa.String(length=36), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("done_by", sa.String(length=128), nullable=True),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.contact_id"], name=op.f("fk_tasks_contact_id")
        ),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_tasks")),
    )
    op.create_index("ix_tasks_state", "tasks", ["state"], unique=False)

    _move_flows(op.get_bind())
    op.drop_table("contact_flows")


def _move_flows(connection: sa.Connection) -> None:
    """Give each flow an id, and the newest of its versions as the published one."""
    old = sa.table(
        "contact_flows", *(sa.column(n) for n in ("name", "version", "content", "created_at"))
    )
    rows = connection.execute(sa.select(old).order_by(old.c.name, old.c.version)).all()
    if not rows:
        return
    instance_id = str(uuid.uuid4())
    created_at = min(row.created_at for row in rows)
    _insert(
        connection,
        "instances",
        {
            "instance_id": instance_id,
            "alias": "ringfence",
            "identity_management": "CONNECT_MANAGED",
            "inbound_calls": True,
            "outbound_calls": True,
            "tags": b"{}",
            "created_at": created_at,
        },
    )
    newest = {row.name: row for row in rows}
    ids = {name: str(uuid.uuid4()) for name in newest}
    for name, row in newest.items():
        _insert(
            connection,
            "flows",
            {
                "flow_id": ids[name],
                "instance_id": instance_id,
                "kind": "contact flow",
                "name": name,
                "type": "CONTACT_FLOW",
                "description": "",
                "archived": False,
                "published_version": row.version,
                "tags": b"{}",
                "created_at": row.created_at,
                "updated_at": row.created_at,
            },
        )
    for row in rows:
        _insert(
            connection,
            "flow_versions",
            {
                "flow_id": ids[row.name],
                "version": row.version,
                "content": row.content,
                "description": "",
                "created_by": "",
                "created_at": row.created_at,
            },
        )


def _insert(connection: sa.Connection, table: str, values: dict[str, object]) -> None:
    columns: list[sa.ColumnClause[object]] = [sa.column(name) for name in values]
    connection.execute(sa.insert(sa.table(table, *columns)), values)
