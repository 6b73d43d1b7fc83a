"""What every room's tests may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ringfence.storage import Database, migrate


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A migrated database of its own, in a file."""
    opened = Database(f"sqlite:///{tmp_path / 'ringfence.db'}")
    migrate(opened)
    yield opened
    opened.dispose()
