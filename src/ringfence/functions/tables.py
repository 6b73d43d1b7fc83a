"""Tables of the functions room."""

from __future__ import annotations

from sqlalchemy import Column, LargeBinary, String, Table

from ringfence.storage import Instant, Json, metadata

# `secrets` is what an endpoint is sent and nobody is shown, sealed.
functions = Table(
    "functions",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("definition", Json, nullable=False),
    Column("secrets", LargeBinary),
    Column("updated_at", Instant, nullable=False),
    Column("updated_by", String(128), nullable=False),
)
