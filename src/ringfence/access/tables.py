"""Tables of the access room. No token and no password is in them, only what checks one.

The secrets of access keys are there sealed: to check a signature one must make it again.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
)

from ringfence.storage import Instant, Json, metadata

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", String(8), primary_key=True),
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
    Column("name", String(64), nullable=False),
    Column("scopes", Json, nullable=False),
    Column("created_by", String(128), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_by", String(128)),
    Column("revoked_at", Instant),
)

access_keys = Table(
    "access_keys",
    metadata,
    Column("access_key_id", String(20), primary_key=True),
    Column("sealed_secret", LargeBinary),  # gone once revoked
    Column("name", String(64), nullable=False),
    Column("permissions", Json, nullable=False),
    Column("created_by", String(128), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_by", String(128)),
    Column("revoked_at", Instant),
    Column("last_used_at", Instant),
)

users = Table(
    "users",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("password_hash", String(255), nullable=False),
    Column("password_changed_at", Instant, nullable=False),
    Column("role", String(16), nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("created_by", String(128), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_by", String(128), nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("signed_in_at", Instant),
)

# Kept by name whether or not there is such a user, so that a lock tells nothing about that.
sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("locked_until", Instant),
    Index("ix_sign_in_failures_last_at", "last_at"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("user_name", String(64), ForeignKey("users.name"), nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Index("ix_sessions_user_name", "user_name"),
    Index("ix_sessions_expires_at", "expires_at"),
)
