from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Table, delete, insert, select

from ringfence.storage import Database, Instant, Json, now

things = Table(
    "things",
    MetaData(),
    Column("place", Integer, primary_key=True),
    Column("at", Instant),
    Column("document", Json),
)

offsets = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
instants = st.datetimes(
    datetime(2, 1, 1), datetime(9998, 12, 31), timezones=st.one_of(st.just(UTC), offsets)
)
documents = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.fixture(params=["sqlite", "postgresql"])
def shelf(request: pytest.FixtureRequest, empty_database: Callable[[str], Database]) -> Database:
    """A database with the table of this module."""
    opened = empty_database(request.param)
    things.metadata.create_all(opened.engine)
    return opened


many = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _kept(database: Database, column: str, values: list[Any]) -> list[Any]:
    with database.write() as connection:
        connection.execute(delete(things))
        connection.execute(
            insert(things), [{"place": n, column: value} for n, value in enumerate(values)]
        )
        rows = connection.execute(select(things.c[column]).order_by(things.c.place))
        return list(rows.scalars())


@many
@given(st.lists(st.none() | instants, min_size=1, max_size=10))
def test_an_instant_comes_back_as_the_same_moment_in_utc(
    shelf: Database, values: list[datetime | None]
) -> None:
    kept = _kept(shelf, "at", values)
    assert kept == values
    assert all(value.tzinfo is UTC for value in kept if value is not None)


@many
@given(st.lists(instants, min_size=2, max_size=10))
def test_the_database_sorts_instants_as_time_does(shelf: Database, values: list[datetime]) -> None:
    _kept(shelf, "at", values)
    with shelf.read() as connection:
        rows = connection.execute(select(things.c.at).order_by(things.c.at))
        assert list(rows.scalars()) == sorted(values)
        later = select(things.c.at).where(things.c.at > values[0])
        assert len(connection.execute(later).all()) == sum(v > values[0] for v in values)


def test_a_naive_datetime_is_refused(shelf: Database) -> None:
    with pytest.raises(Exception, match="naive"):
        _kept(shelf, "at", [datetime(2026, 1, 1)])


@many
@given(st.lists(documents, min_size=1, max_size=5))
def test_a_json_document_comes_back_equal(shelf: Database, values: list[Any]) -> None:
    assert _kept(shelf, "document", values) == values


def test_now_is_an_aware_utc_time() -> None:
    assert now().tzinfo is UTC
