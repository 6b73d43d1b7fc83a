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

from ringfence.cards.phones import read_time_zone
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
_A_DAY = timedelta(days=1)
_MOST_PERIODS, _MOST_OVERRIDES = 100, 50  # Amazon Connect's limits


class Period(msgspec.Struct, frozen=True):
    """From `start` to `end` on that day, as `HH:MM`; the end is not part of it.

    An end that is not later than the start is on the day after; the same time twice is a whole
    day, `00:00` twice being midnight to midnight.
    """

    day: Day
    start: str
    end: str


class OverrideType(StrEnum):
    """What an override does to the hours of its dates."""

    STANDARD = "STANDARD"  # its periods hold instead; without any it is closed
    OPEN = "OPEN"  # its periods hold too
    CLOSED = "CLOSED"  # its periods are taken away


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """What is different from the date `begins` to the date `ends`, both included, such as on a
    holiday. Of several that hold instead of the hours the first in the list counts; what is taken
    away is taken from the others, but not from those that hold instead."""

    name: str
    begins: date
    ends: date
    periods: tuple[Period, ...] = ()
    type: OverrideType = OverrideType.STANDARD
    override_id: str = ""
    description: str = ""

    def holds_on(self, day: date) -> bool:
        """Whether the date is one of its dates."""
        return self.begins <= day <= self.ends


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
    today = local.date()
    instead = _instead(hours, today)
    if instead is not None:
        # What the day before had been open for does not last into a day with hours of its own.
        days = [each for each in (today - _A_DAY, today) if _instead(hours, each) is instead]
        return any(_covers(instead.periods, day, local) for day in days)
    more, less = (
        [each for each in hours.overrides if each.type is kind]
        for kind in (OverrideType.OPEN, OverrideType.CLOSED)
    )
    return any(
        _covers(_on(hours, day), day, local)
        or any(_covers(each.periods, day, local) for each in more if each.holds_on(day))
        for day in (today - _A_DAY, today)
    ) and not any(
        _covers(each.periods, day, local)
        for day in (today - _A_DAY, today)
        for each in less
        if each.holds_on(day)
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
        time_zone=read_time_zone(time_zone),
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
        time_zone=time_zone if isinstance(time_zone, UnsetType) else read_time_zone(time_zone),
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


def _instead(hours: HoursOfOperation, day: date) -> Override | None:
    return next(
        (
            each
            for each in hours.overrides
            if each.type is OverrideType.STANDARD and each.holds_on(day)
        ),
        None,
    )


def _on(hours: HoursOfOperation, day: date) -> tuple[Period, ...]:
    """The periods of that date, which another day's hours may last into."""
    instead = _instead(hours, day)
    return hours.periods if instead is None else instead.periods


def _covers(periods: Sequence[Period], day: date, local: datetime) -> bool:
    """Whether one of the periods that begin on that date covers the local time."""
    weekday = _DAYS[day.weekday()]
    return any(each.day is weekday and _within(each, day, local) for each in periods)


def _within(period: Period, day: date, local: datetime) -> bool:
    start = datetime.combine(day, time.fromisoformat(period.start))
    end = datetime.combine(day, time.fromisoformat(period.end))
    if end <= start:
        end += _A_DAY
    return start <= local < end


def _checked(periods: Sequence[Period]) -> tuple[Period, ...]:
    if len(periods) > _MOST_PERIODS:
        raise InvalidInput(
            f"{len(periods)} periods", field="periods", expected=f"at most {_MOST_PERIODS}"
        )
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
    if len(overrides) > _MOST_OVERRIDES:
        raise InvalidInput(
            f"{len(overrides)} overrides", field="overrides", expected=f"at most {_MOST_OVERRIDES}"
        )
    for override in overrides:
        _checked(override.periods)
        if override.ends < override.begins:
            raise InvalidInput(
                f"{override.name!r} ends before it begins",
                field="overrides",
                expected="a later end",
            )
    return tuple(
        msgspec.structs.replace(each, override_id=each.override_id or new_id())
        for each in overrides
    )


def _hours(row: Row[tuple[Any, ...]]) -> HoursOfOperation:
    values = {
        **row._mapping,
        "periods": msgspec.convert(row.periods, tuple[Period, ...]),
        "overrides": msgspec.convert(row.overrides, tuple[Override, ...]),
    }
    return HoursOfOperation(**values)
