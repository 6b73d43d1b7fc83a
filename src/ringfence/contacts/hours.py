"""Hours of operation: when a queue, or whoever answers a call, is there.

Times are those of a clock on the wall in the hours' time zone, also on days when it is changed.
Source: "Set the hours of operation and timezone for a queue", Amazon Connect Administrator Guide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Connection, Row, delete, insert, select

from ringfence.contacts import tables
from ringfence.contacts.naming import (
    change,
    given,
    held_by,
    new_id,
    rename,
    require_free,
    require_name,
    require_text,
)
from ringfence.errors import Conflict, InvalidInput, NotFound
from ringfence.storage import now


class Day(StrEnum):
    """A day of the week."""

    MONDAY = "MONDAY"
    TUESDAY = "TUESDAY"
    WEDNESDAY = "WEDNESDAY"
    THURSDAY = "THURSDAY"
    FRIDAY = "FRIDAY"
    SATURDAY = "SATURDAY"
    SUNDAY = "SUNDAY"


_DAYS = tuple(Day)


class Period(msgspec.Struct, frozen=True):
    """From `start` to `end` on that day, as `HH:MM`; the end is not part of it.

    An end that is not later than the start is on the day after; the same time twice is a whole
    day, `00:00` twice being midnight to midnight.
    """

    day: Day
    start: str
    end: str


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """What holds instead from the date `begins` to the date `ends`, both included, such as a
    holiday; closed without periods."""

    name: str
    begins: date
    ends: date
    periods: tuple[Period, ...] = ()


class HoursOfOperation(msgspec.Struct, frozen=True, kw_only=True):
    """When somebody is there. `time_zone` is a name such as `Europe/Berlin`."""

    hours_id: str
    instance_id: str
    name: str
    description: str = ""
    time_zone: str
    periods: tuple[Period, ...] = ()
    overrides: tuple[Override, ...] = ()
    tags: Mapping[str, str] = {}
    updated_at: datetime


def is_open(hours: HoursOfOperation, at: datetime) -> bool:
    """Whether the aware time `at` is within the hours."""
    local = at.astimezone(ZoneInfo(hours.time_zone)).replace(tzinfo=None)
    # What began the day before may last into this day.
    return any(
        _within(period, day, local)
        for day in (local.date() - timedelta(days=1), local.date())
        for period in _periods_on(hours, day)
    )


def create_hours(
    connection: Connection,
    instance_id: str,
    name: str,
    *,
    time_zone: str,
    periods: Sequence[Period] = (),
    overrides: Sequence[Override] = (),
    description: str = "",
    tags: Mapping[str, str] | None = None,
) -> HoursOfOperation:
    """Make hours of operation.

    Raises `InvalidInput` naming what does not fit, `Conflict` for a name that is taken, `NotFound`
    for an instance that is not there.
    """
    require_free(
        connection,
        tables.hours_of_operation,
        instance_id,
        require_name(name),
        "hours of operation",
    )
    hours = HoursOfOperation(
        hours_id=new_id(),
        instance_id=instance_id,
        name=name,
        description=require_text(description, "description"),
        time_zone=_checked_zone(time_zone),
        periods=_checked(periods),
        overrides=_checked_overrides(overrides),
        tags=dict(tags or {}),
        updated_at=now(),
    )
    connection.execute(insert(tables.hours_of_operation).values(**msgspec.structs.asdict(hours)))
    return hours


def get_hours(connection: Connection, hours_id: str) -> HoursOfOperation:
    """The hours of that id. Raises `NotFound`."""
    table = tables.hours_of_operation
    row = connection.execute(select(table).where(table.c.hours_id == hours_id)).first()
    if row is None:
        raise NotFound(f"there are no hours of operation {hours_id!r}", field="hours_id")
    return _hours(row)


def list_hours(connection: Connection, instance_id: str) -> list[HoursOfOperation]:
    """The hours of an instance by name."""
    table = tables.hours_of_operation
    rows = connection.execute(
        select(table).where(table.c.instance_id == instance_id).order_by(table.c.name)
    )
    return [_hours(row) for row in rows]


def update_hours(
    connection: Connection,
    hours_id: str,
    *,
    name: str | UnsetType = UNSET,
    description: str | UnsetType = UNSET,
    time_zone: str | UnsetType = UNSET,
    periods: Sequence[Period] | UnsetType = UNSET,
    overrides: Sequence[Override] | UnsetType = UNSET,
    tags: Mapping[str, str] | UnsetType = UNSET,
) -> HoursOfOperation:
    """Change what is given; raises as `create_hours` does."""
    hours, table = get_hours(connection, hours_id), tables.hours_of_operation
    rename(connection, table, hours.instance_id, hours.name, name, "hours of operation")
    if not isinstance(description, UnsetType):
        require_text(description, "description")
    values = given(
        name=name,
        description=description,
        time_zone=time_zone if isinstance(time_zone, UnsetType) else _checked_zone(time_zone),
        periods=periods if isinstance(periods, UnsetType) else _checked(periods),
        overrides=overrides if isinstance(overrides, UnsetType) else _checked_overrides(overrides),
        tags=tags,
    )
    change(connection, table, "hours_id", hours_id, "hours of operation", values)
    return get_hours(connection, hours_id)


def delete_hours(connection: Connection, hours_id: str) -> None:
    """Remove hours of operation. Raises `NotFound`, and `Conflict` while a queue keeps them."""
    hours, table = get_hours(connection, hours_id), tables.hours_of_operation
    if held_by(connection, tables.queues, "hours_id", hours_id):
        raise Conflict(f"a queue keeps the hours {hours.name!r}", field="hours_id")
    connection.execute(delete(table).where(table.c.hours_id == hours_id))


def _periods_on(hours: HoursOfOperation, day: date) -> Sequence[Period]:
    for override in hours.overrides:
        if override.begins <= day <= override.ends:
            return [each for each in override.periods if each.day is _DAYS[day.weekday()]]
    return [each for each in hours.periods if each.day is _DAYS[day.weekday()]]


def _within(period: Period, day: date, local: datetime) -> bool:
    start = datetime.combine(day, time.fromisoformat(period.start))
    end = datetime.combine(day, time.fromisoformat(period.end))
    if end <= start:
        end += timedelta(days=1)
    return start <= local < end


def _checked_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError):
        raise InvalidInput(
            f"{name[:64]!r} is no time zone", field="time_zone", expected="such as Europe/Berlin"
        ) from None
    return name


def _checked(periods: Sequence[Period]) -> tuple[Period, ...]:
    for period in periods:
        for text in (period.start, period.end):
            try:
                right = time.fromisoformat(text).strftime("%H:%M") == text
            except ValueError:
                right = False
            if not right:
                raise InvalidInput(
                    f"{text[:16]!r} is no time of day", field="periods", expected="such as 08:30"
                )
    return tuple(periods)


def _checked_overrides(overrides: Sequence[Override]) -> tuple[Override, ...]:
    for override in overrides:
        _checked(override.periods)
        if override.ends < override.begins:
            raise InvalidInput(
                f"{override.name!r} ends before it begins",
                field="overrides",
                expected="a later end",
            )
    return tuple(overrides)


def _hours(row: Row[tuple[Any, ...]]) -> HoursOfOperation:
    values = {
        **row._mapping,
        "periods": msgspec.convert(row.periods, tuple[Period, ...]),
        "overrides": msgspec.convert(row.overrides, tuple[Override, ...]),
    }
    return HoursOfOperation(**values)
