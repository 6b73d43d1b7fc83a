"""Numbers of model versions: `1.0`, `2.0` for new ones, `1.01`, `1.02` for those trained again.

A number is taken when a training is asked for, and never given again while the model exists. It
knows the rows that have numbers, not what is in them.
"""

from __future__ import annotations

import re

from sqlalchemy import Connection, select

from ringfence.errors import Conflict, InvalidInput
from ringfence.models import tables

MAX_MAJOR, MAX_MINOR = 9_999, 99
_NUMBER = re.compile(r"([1-9][0-9]{0,3})\.([0-9]{1,2})")


def parts_of(version: str) -> tuple[int, int]:
    """Major and minor number, by which versions are ordered; `1.00` is `1.0`, `1.1` is `1.01`.

    Raises `InvalidInput`.
    """
    found = _NUMBER.fullmatch(version)
    if found is None:
        raise InvalidInput(
            f"{version!r} is not the number of a model version",
            field="version",
            expected="a number such as 1.0 or 1.01",
        )
    return int(found[1]), int(found[2])


def number_of(major: int, minor: int) -> str:
    """The one way in which a number is written: `1.0`, `1.01`, `12.0`."""
    return f"{major}.{minor:02d}" if minor else f"{major}.0"


def normal(version: str) -> str:
    """A number as it is stored, however it was written. Raises `InvalidInput`."""
    return number_of(*parts_of(version))


def next_major(connection: Connection, model_id: str) -> str:
    """The number of a model's next version. Raises `Conflict` when there is none left.

    Hold the model before: whoever else asks must wait until the number is taken.
    """
    major = max((major for major, _ in _taken(connection, model_id)), default=0) + 1
    if major > MAX_MAJOR:
        raise Conflict(
            f"model {model_id!r} has had {MAX_MAJOR:,} versions", field="model_id", expected="fewer"
        )
    return number_of(major, 0)


def next_minor(connection: Connection, model_id: str, major: int) -> str:
    """The number of the next retraining of a major version, which must exist; held likewise.

    Raises `Conflict` when there is none left.
    """
    minor = max((minor for of, minor in _taken(connection, model_id) if of == major), default=0) + 1
    if minor > MAX_MINOR:
        raise Conflict(
            f"version {major} of model {model_id!r} has been retrained {MAX_MINOR} times",
            field="version",
            expected="a new major version",
        )
    return number_of(major, minor)


def _taken(connection: Connection, model_id: str) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for table in (tables.model_versions, tables.model_trainings):
        rows = connection.execute(select(table.c.version).where(table.c.model_id == model_id))
        found += [parts_of(version) for version in rows.scalars()]
    return found
