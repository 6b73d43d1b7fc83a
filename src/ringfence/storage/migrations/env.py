"""Runs the migration scripts on the connection, and in the transaction, that `schema` opened."""

from __future__ import annotations

from alembic import context

from ringfence.storage.schema import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
context.run_migrations()
