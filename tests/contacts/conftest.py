"""An instance with queues and agents, on either kind of database."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from call_centres import Centre

from ringfence.storage import Database


@pytest.fixture(params=["sqlite", "postgresql"])
def any_centre(request: pytest.FixtureRequest, new_database: Callable[[str], Database]) -> Centre:
    """On both kinds, where the dialect matters."""
    database = new_database(request.param)
    return Centre(database)


@pytest.fixture
def centre(database: Database) -> Centre:
    """On SQLite."""
    return Centre(database)
