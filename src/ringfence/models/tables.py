"""Tables of the models room."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, LargeBinary, String, Table

from ringfence.storage import Instant, Json, metadata

models = Table(
    "models",
    metadata,
    Column("model_id", String(64), primary_key=True),
    Column("event_type", String(64), nullable=False),
    Column("model_type", String(32), nullable=False),
    Column("description", String(256), nullable=False, default=""),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant),
)

# A version is written once and never changed. The artifact is what scores; everything else is
# there to be read.
model_versions = Table(
    "model_versions",
    metadata,
    Column("model_id", String(64), ForeignKey("models.model_id"), primary_key=True),
    Column("version", String(8), primary_key=True),
    Column("facts", Json, nullable=False),
    Column("metrics", Json, nullable=False),
    Column("importance", Json, nullable=False),
    Column("messages", Json, nullable=False),
    Column("artifact", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
    # What its data looked like, to tell when events no longer do.
    Column("baseline", Json),
)

# The life of a version beside its row above: from the moment it was asked for, when its number is
# taken, to the one when it is gone. `activated_at` is set while it is deployed, and `plan_id` says
# then which profiles it needs. A version that was neither asked for nor deployed has no row.
model_trainings = Table(
    "model_trainings",
    metadata,
    Column("model_id", String(64), ForeignKey("models.model_id"), primary_key=True),
    Column("version", String(8), primary_key=True),
    Column("status", String(16), nullable=False),
    Column("request", Json),
    Column("messages", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", String(128), nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("activated_at", Instant),
    Column("plan_id", String(16)),
)

# Models that were made elsewhere. `definition` is what it looks at, what it gives and where it is
# asked; `content` is the file, of an ONNX model. Secret header values are in `secrets` alone, so
# that whoever reads definitions cannot show them.
external_models = Table(
    "external_models",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("event_type", String(64), nullable=False),
    Column("definition", Json, nullable=False),
    Column("secrets", Json),
    Column("content", LargeBinary),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
)
