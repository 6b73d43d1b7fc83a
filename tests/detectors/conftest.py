"""An engine on a database that something is published in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from publishing import prepare, publish, rule

from ringfence.detectors import DecisionEngine
from ringfence.storage import Database, migrate


@pytest.fixture(params=["sqlite", "postgresql"])
def published(request: pytest.FixtureRequest, new_database: Callable[[str], Database]) -> Database:
    """A database whose detector `guard` decides with three rules."""
    opened = new_database(request.param)
    migrate(opened)
    with opened.write() as connection:
        prepare(connection)
        publish(connection, rule("large"), rule("odd"), rule("any"))
    return opened


@pytest.fixture
async def engine(published: Database) -> AsyncIterator[DecisionEngine]:
    opened = DecisionEngine(published)
    yield opened
    await asyncio.to_thread(opened.close)
