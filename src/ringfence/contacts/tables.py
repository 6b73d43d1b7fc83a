"""Tables of the contacts room: what an instance holds."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from ringfence.storage import Instant, Json, metadata

instances = Table(
    "instances",
    metadata,
    Column("instance_id", String(36), primary_key=True),
    Column("alias", String(62), nullable=False, unique=True),
    Column("identity_management", String(32), nullable=False),
    Column("inbound_calls", Boolean, nullable=False),
    Column("outbound_calls", Boolean, nullable=False),
    Column("tags", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
)

# A flow, or a flow module. The content that callers hear is that of `published_version`;
# `saved_content` is a draft that nobody hears yet.
flows = Table(
    "flows",
    metadata,
    Column("flow_id", String(36), primary_key=True),
    Column("instance_id", String(36), ForeignKey("instances.instance_id"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("name", String(127), nullable=False),
    Column("type", String(32), nullable=False),
    Column("description", String(500), nullable=False),
    Column("archived", Boolean, nullable=False),
    Column("saved_content", Text),
    Column("published_version", Integer),
    Column("tags", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("instance_id", "kind", "name"),
)

flow_versions = Table(
    "flow_versions",
    metadata,
    Column("flow_id", String(36), ForeignKey("flows.flow_id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("content", Text, nullable=False),
    Column("description", String(500), nullable=False),
    Column("created_by", String(128), nullable=False),
    Column("created_at", Instant, nullable=False),
)

# The resource map: what is meant here by an ARN, or a name, in somebody's flow.
bindings = Table(
    "bindings",
    metadata,
    Column("instance_id", String(36), ForeignKey("instances.instance_id"), primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("reference", String(512), primary_key=True),
    Column("target", String(256), nullable=False),
    Column("updated_at", Instant, nullable=False),
)

queues = Table(
    "queues",
    metadata,
    Column("queue_id", String(36), primary_key=True),
    Column("instance_id", String(36), ForeignKey("instances.instance_id"), nullable=False),
    Column("name", String(256), nullable=False),
    Column("description", String(250), nullable=False),
    Column("caller_number", String(32), nullable=False),
    Column("caller_name", String(255), nullable=False),
    Column("hours_id", String(36)),
    Column("outbound_flow_id", String(36)),
    Column("most_contacts", Integer),
    Column("enabled", Boolean, nullable=False),
    Column("tags", Json, nullable=False),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("instance_id", "name"),
)

agents = Table(
    "agents",
    metadata,
    Column("agent_id", String(36), primary_key=True),
    Column("instance_id", String(36), ForeignKey("instances.instance_id"), nullable=False),
    Column("user_name", String(128), nullable=False),
    Column("first_name", String(100), nullable=False),
    Column("last_name", String(100), nullable=False),
    Column("phone_number", String(32), nullable=False),
    Column("queue_ids", Json, nullable=False),
    Column("status", String(32), nullable=False),
    Column("status_at", Instant, nullable=False),
    # When a status ends by itself, such as that of work after a contact.
    Column("status_until", Instant),
    Column("seen_at", Instant, nullable=False),
    # The one place whose contact the agent has, or is offered.
    Column("place_id", String(36), unique=True),
    UniqueConstraint("instance_id", "user_name"),
)

# Contacts that wait for an agent, or have one. A row goes on to exist when its place was left.
queue_places = Table(
    "queue_places",
    metadata,
    Column("place_id", String(36), primary_key=True),
    Column("queue_id", String(36), ForeignKey("queues.queue_id"), nullable=False),
    Column("contact_id", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("phone_number", String(32), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("counts_from", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("attempts_left", Integer, nullable=False),
    Column("retry_seconds", Float, nullable=False),
    Column("agent_id", String(36)),
    Column("entered_at", Instant, nullable=False),
    Column("connected_at", Instant),
    Column("left_at", Instant),
    # Who waits: a process, and when it was last known to be there.
    Column("server", String(128), nullable=False),
    Column("seen_at", Instant, nullable=False),
    Index("ix_queue_places_waiting", "queue_id", "state"),
)

hours_of_operation = Table(
    "hours_of_operation",
    metadata,
    Column("hours_id", String(36), primary_key=True),
    Column("instance_id", String(36), ForeignKey("instances.instance_id"), nullable=False),
    Column("name", String(127), nullable=False),
    Column("description", String(250), nullable=False),
    Column("time_zone", String(64), nullable=False),
    Column("periods", Json, nullable=False),
    Column("overrides", Json, nullable=False),
    Column("tags", Json, nullable=False),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("instance_id", "name"),
)

prompts = Table(
    "prompts",
    metadata,
    Column("prompt_id", String(36), primary_key=True),
    Column("instance_id", String(36), ForeignKey("instances.instance_id"), nullable=False),
    Column("name", String(256), nullable=False),
    Column("description", String(250), nullable=False),
    Column("wav", LargeBinary, nullable=False),
    Column("tags", Json, nullable=False),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("instance_id", "name"),
)

bots = Table(
    "bots",
    metadata,
    Column("bot_id", String(36), primary_key=True),
    Column("instance_id", String(36), ForeignKey("instances.instance_id"), nullable=False),
    Column("name", String(127), nullable=False),
    Column("intents", Json, nullable=False),
    Column("fallback", String(127), nullable=False),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("instance_id", "name"),
)

phone_numbers = Table(
    "phone_numbers",
    metadata,
    Column("number_id", String(36), primary_key=True),
    Column("instance_id", String(36), ForeignKey("instances.instance_id"), nullable=False),
    Column("number", String(32), nullable=False, unique=True),
    Column("country", String(2), nullable=False),
    Column("type", String(32), nullable=False),
    Column("description", String(500), nullable=False),
    Column("flow_id", String(36)),
    Column("client_token", String(500)),
    Column("tags", Json, nullable=False),
    Column("claimed_at", Instant, nullable=False),
)

# Functions that AWS clients have associated; others are found by their names all the same.
instance_functions = Table(
    "instance_functions",
    metadata,
    Column("instance_id", String(36), ForeignKey("instances.instance_id"), primary_key=True),
    Column("function_arn", String(256), primary_key=True),
    Column("associated_at", Instant, nullable=False),
)

contacts = Table(
    "contacts",
    metadata,
    Column("contact_id", String(64), primary_key=True),
    Column("instance_id", String(36), ForeignKey("instances.instance_id"), nullable=False),
    Column("initial_contact_id", String(64), nullable=False),
    Column("previous_contact_id", String(64)),
    Column("related_contact_id", String(64)),
    Column("initiation_method", String(32), nullable=False),
    Column("channel", String(16), nullable=False),
    Column("flow_id", String(36)),
    Column("flow_version", Integer),
    Column("line", String(32), nullable=False),
    Column("customer_number", String(32), nullable=False),
    Column("system_number", String(32), nullable=False),
    Column("name", String(512), nullable=False),
    Column("description", String(4096), nullable=False),
    Column("customer_id", String(256), nullable=False),
    Column("language", String(16), nullable=False),
    Column("attributes", Json, nullable=False),
    Column("references", Json, nullable=False),
    Column("tags", Json, nullable=False),
    Column("segment_attributes", Json, nullable=False),
    # What its request asked for: ring time-out, traffic type, campaign, answering machines.
    Column("request", Json, nullable=False),
    Column("client_token", String(500)),
    Column("queue_id", String(36)),
    Column("enqueued_at", Instant),
    Column("dequeued_at", Instant),
    Column("agent_id", String(36)),
    Column("agent_connected_at", Instant),
    Column("answering_machine", String(32)),
    Column("initiated_at", Instant, nullable=False),
    Column("scheduled_at", Instant),
    Column("dialled_at", Instant),
    Column("connected_at", Instant),
    Column("disconnected_at", Instant),
    Column("disconnect_reason", String(64)),
    Column("detail", String(512), nullable=False),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("instance_id", "client_token"),
    Index("ix_contacts_initiated_at", "initiated_at"),
    Index("ix_contacts_chain", "initial_contact_id"),
)

# Contact events and contact records that are still to be published.
contact_messages = Table(
    "contact_messages",
    metadata,
    Column("message_id", String(36), primary_key=True),
    Column("content", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("refused", String(512)),
)

flow_logs = Table(
    "flow_logs",
    metadata,
    Column("log_id", Integer, primary_key=True, autoincrement=True),
    Column("instance_id", String(36), nullable=False),
    Column("contact_id", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    Column("content", Json, nullable=False),
    Index("ix_flow_logs_contact_id", "contact_id", "log_id"),
    Index("ix_flow_logs_at", "at"),
)

tasks = Table(
    "tasks",
    metadata,
    Column("contact_id", String(64), ForeignKey("contacts.contact_id"), primary_key=True),
    Column("queue_id", String(36)),
    Column("state", String(16), nullable=False),
    Column("done_by", String(128)),
    Column("done_at", Instant),
    Index("ix_tasks_state", "state"),
)

sent_messages = Table(
    "sent_messages",
    metadata,
    Column("message_id", String(36), primary_key=True),
    Column("contact_id", String(64), nullable=False),
    Column("channel", String(8), nullable=False),
    Column("to", String(256), nullable=False),
    Column("text", Text, nullable=False),
    Column("subject", String(512), nullable=False),
    Column("sender", String(256), nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("detail", String(512), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Index("ix_sent_messages_due", "state", "due_at"),
)

# The sound itself is in a file beside the database. What is deleted stays on record as such.
call_recordings = Table(
    "call_recordings",
    metadata,
    Column("contact_id", String(64), primary_key=True),
    Column("instance_id", String(36), nullable=False),
    Column("size", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("key_id", String(16), nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("deleted_at", Instant),
    Column("deleted_by", String(128)),
    Index("ix_call_recordings_expires_at", "expires_at"),
)
