"""Tables of the cases room."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    text,
)

from ringfence.storage import Instant, Json, metadata

contact_plans = Table(
    "contact_plans",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("definition", Json, nullable=False),
    Column("updated_at", Instant, nullable=False),
)

cases = Table(
    "cases",
    metadata,
    Column("case_id", String(40), primary_key=True),
    Column("reference", String(8), nullable=False),
    Column("event_type", String(64), nullable=False),
    Column("event_id", String(128), nullable=False),
    Column("customer_id", String(256), nullable=False),
    Column("card_id", String(64), nullable=False),
    Column("outcomes", Json, nullable=False),
    Column("plan", Json, nullable=False),
    Column("flow_name", String(127), nullable=False),
    Column("flow_version", Integer, nullable=False),
    Column("attributes", Json, nullable=False),
    Column("open", Boolean, nullable=False),
    Column("for_analyst", Boolean, nullable=False, default=False),
    Column("verdict", String(16)),
    Column("verdict_by", String(128)),
    Column("verdict_at", Instant),
    Column("opened_at", Instant, nullable=False),
    Column("closed_at", Instant),
    # One open case per card, whatever crashes or races.
    Index(
        "uq_cases_open_card",
        "card_id",
        unique=True,
        sqlite_where=text("open = 1"),
        postgresql_where=text("open"),
    ),
    Index("ix_cases_opened_at", "opened_at"),
    Index("ix_cases_reference", "reference"),
)

case_events = Table(
    "case_events",
    metadata,
    Column("case_id", String(40), ForeignKey("cases.case_id"), primary_key=True),
    Column("event_type", String(64), primary_key=True),
    Column("event_id", String(128), primary_key=True),
    Column("joined_at", Instant, nullable=False),
)

attempts = Table(
    "attempts",
    metadata,
    Column("attempt_id", String(48), primary_key=True),
    Column("case_id", String(40), ForeignKey("cases.case_id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("line", String(32), nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("answered_at", Instant),
    Column("ended_at", Instant),
    Column("end", String(16)),
    Column("detail", String(512), nullable=False, default=""),
    Column("answered_by", String(16)),
    UniqueConstraint("case_id", "number"),
)

timeline = Table(
    "timeline",
    metadata,
    Column("entry_id", Integer, primary_key=True, autoincrement=True),
    Column("case_id", String(40), ForeignKey("cases.case_id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("text", String(2000), nullable=False),
    Index("ix_timeline_case_id", "case_id", "entry_id"),
)

# The SMS that a case was asked about in, and what its link answered.
case_texts = Table(
    "case_texts",
    metadata,
    Column("message_id", String(36), primary_key=True),
    Column("case_id", String(40), ForeignKey("cases.case_id"), nullable=False, unique=True),
    Column("to_number", String(16), nullable=False),
    Column("link_id", String(32), unique=True),
    Column("sent_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("answered_at", Instant),
    Index("ix_case_texts_to_number", "to_number", "sent_at"),
)

# SMS that came in, by what their gateway calls them: each is heard once.
heard_texts = Table(
    "heard_texts",
    metadata,
    Column("text_id", String(128), primary_key=True),
    Column("heard_at", Instant, nullable=False),
)
