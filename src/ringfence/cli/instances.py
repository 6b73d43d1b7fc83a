"""The instance that commands are about: the one in which cases call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ringfence.cli.options import open_database, settings_of

if TYPE_CHECKING:
    from sqlalchemy import Connection


@contextmanager
def reading(data_dir: Path | None) -> Iterator[tuple[Connection, str]]:
    """A snapshot of the database, and the id of the instance."""
    from ringfence.contacts.instances import default_instance

    with open_database(settings_of(data_dir=data_dir)).read() as connection:
        yield connection, default_instance(connection).instance_id


@contextmanager
def writing(data_dir: Path | None) -> Iterator[tuple[Connection, str]]:
    """A transaction, and the id of the instance. Where anything is raised nothing is changed."""
    from ringfence.contacts.instances import ensure_instance

    with open_database(settings_of(data_dir=data_dir)).write() as connection:
        yield connection, ensure_instance(connection).instance_id
