"""Where everything is kept: one database by URL, SQLite unless told otherwise.

The bottom room. It knows how to open, read, write and commit; it does not know what is stored.
Each room declares its own tables on `metadata` in its `tables.py`.
"""

from ringfence.storage.columns import Instant, Json, now
from ringfence.storage.database import Database
from ringfence.storage.groupcommit import GroupCommit
from ringfence.storage.metadata import metadata
from ringfence.storage.ordered_ids import OrderedIds
from ringfence.storage.rows import RowInsert
from ringfence.storage.schema import migrate

__all__ = [
    "Database",
    "GroupCommit",
    "Instant",
    "Json",
    "OrderedIds",
    "RowInsert",
    "metadata",
    "migrate",
    "now",
]
