"""An engine on a database that something is published in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from publishing import OTHER_PLAN, prepare, publish, rule, trained_on_habits

from ringfence.detectors import DecisionEngine
from ringfence.models import Trained
from ringfence.storage import Database


@pytest.fixture(params=["sqlite", "postgresql"])
def published(request: pytest.FixtureRequest, new_database: Callable[[str], Database]) -> Database:
    """A database whose detector `guard` decides with three rules."""
    opened = new_database(request.param)
    with opened.write() as connection:
        prepare(connection)
        publish(connection, rule("large"), rule("odd"), rule("any"))
    return opened


@pytest.fixture
async def engine(published: Database) -> AsyncIterator[DecisionEngine]:
    opened = DecisionEngine(published)
    yield opened
    await asyncio.to_thread(opened.close)


@pytest.fixture(scope="session")
def habits(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A model with a plan of profiles."""
    return trained_on_habits(tmp_path_factory.mktemp("habits"))


@pytest.fixture(scope="session")
def other_habits(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A model with another plan."""
    return trained_on_habits(tmp_path_factory.mktemp("other"), OTHER_PLAN)
