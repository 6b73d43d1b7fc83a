"""A SQLite connection on which DBOS works whatever the age of the SQLite library.

From Python 3.12 on DBOS asks SQLite for `unixepoch('subsec')`, which came with SQLite 3.42; many
a Python is linked with an older one, where that is null and no workflow can be stored.
"""

from __future__ import annotations

import sqlite3
import time
from typing import Any

_SUBSECONDS_SINCE = (3, 42)


class WorkflowConnection(sqlite3.Connection):
    """Gives `unixepoch('subsec')` to a SQLite that does not have it. For `connect(factory=...)`."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if sqlite3.sqlite_version_info < _SUBSECONDS_SINCE:
            self.create_function("unixepoch", 1, _unixepoch)


def _unixepoch(modifier: object) -> float:
    """Seconds since 1970, to the millisecond. Raises `ValueError` for another form than DBOS's."""
    if modifier != "subsec":
        raise ValueError("only unixepoch('subsec') is there in this SQLite")
    return round(time.time(), 3)
