from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from workbench import Workbench

from ringfence.storage import Database


@pytest.fixture
async def bench(database: Database, tmp_path: Path) -> AsyncIterator[Workbench]:
    """A workbench whose processes end with the test."""
    folder = tmp_path / "handlers"
    folder.mkdir()
    made = Workbench(database, folder)
    yield made
    await made.runner.close()
