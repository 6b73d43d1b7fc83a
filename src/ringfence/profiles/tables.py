"""Tables of the profiles room."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, LargeBinary, String, Table

from ringfence.storage import Instant, Json, metadata

# `states_id` says which states are the plan's, so that a rebuild can replace all of them at once;
# `building_id` which ones a rebuild is making. `stamp` changes with every change of the states: a
# process that kept states in memory sees by it whether they are still those of the database.
# `outdated_at` is since when they hold events that are gone from the log, until they are rebuilt.
profile_plans = Table(
    "profile_plans",
    metadata,
    Column("plan_id", String(16), primary_key=True),
    Column("event_type", String(64), nullable=False),
    Column("definition", Json, nullable=False),
    Column("states_id", BigInteger, nullable=False),
    Column("building_id", BigInteger),
    Column("stamp", LargeBinary(8), nullable=False),
    Column("built_at", Instant),
    Column("outdated_at", Instant),
)

# The state of one key: numbers, no texts. The key itself is hashed.
profile_states = Table(
    "profile_states",
    metadata,
    Column("states_id", BigInteger, primary_key=True, autoincrement=False),
    Column("key_hash", LargeBinary(16), primary_key=True),
    Column("state", LargeBinary, nullable=False),
)
