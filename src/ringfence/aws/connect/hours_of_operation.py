"""Hours of operation, and what is different from them on some dates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection

from ringfence.aws.connect.naming import arn_of, instance_of, summary, thing_of
from ringfence.aws.connect.operations import Call, Operations
from ringfence.aws.connect.service import Connect
from ringfence.aws.wire.paging import page
from ringfence.contacts import hours
from ringfence.contacts.hours import Day, HoursOfOperation, Override, OverrideType, Period
from ringfence.contacts.instances import ConnectInstance
from ringfence.contacts.naming import require_name, require_text
from ringfence.errors import Conflict, InvalidInput, NotFound
from ringfence.flows import ResourceKind

operations = Operations()


@operations.add("CreateHoursOfOperation")
def create(connect: Connect, call: Call) -> dict[str, Any]:
    """Hours of a week, in a time zone."""
    members = call.members
    if members.get("ParentHoursOfOperationConfigs"):
        raise InvalidInput(
            "hours that take others' hours are not kept here",
            field="ParentHoursOfOperationConfigs",
            expected="none, with the periods in Config",
        )
    with connect.write() as connection:
        instance = instance_of(connection, call)
        made = hours.create_hours(
            connection,
            instance.instance_id,
            members["Name"],
            time_zone=members["TimeZone"],
            periods=_periods(members["Config"]),
            description=members.get("Description", ""),
            tags=members.get("Tags"),
        )
    return _named(call, instance, made)


@operations.add("DescribeHoursOfOperation")
def describe(connect: Connect, call: Call) -> dict[str, Any]:
    """The hours of a week, without their overrides."""
    with connect.read() as connection:
        instance, found = _find(connection, call)
    return {
        "HoursOfOperation": {
            **_named(call, instance, found),
            "Name": found.name,
            "Description": found.description or None,
            "TimeZone": found.time_zone,
            "Config": _config(found.periods),
            "Tags": dict(found.tags),
            "LastModifiedTime": found.updated_at,
            "LastModifiedRegion": call.region,
        }
    }


@operations.add("ListHoursOfOperations")
def list_all(connect: Connect, call: Call) -> dict[str, Any]:
    """The hours of operation of an instance."""
    with connect.read() as connection:
        instance = instance_of(connection, call)
        found = hours.list_hours(connection, instance.instance_id)
    chosen, token = page(found, call, default=1000, key=lambda each: each.hours_id)
    return {
        "HoursOfOperationSummaryList": [
            summary(call, each.hours_id, _arn(call, instance, each), each) for each in chosen
        ],
        **token,
    }


@operations.add("UpdateHoursOfOperation")
def update(connect: Connect, call: Call) -> dict[str, Any]:
    """What is given; the periods take the place of all those before."""
    members = call.members
    with connect.write() as connection:
        _, found = _find(connection, call)
        hours.update_hours(
            connection,
            found.hours_id,
            name=members.get("Name", UNSET),
            description=members.get("Description", UNSET),
            time_zone=members.get("TimeZone", UNSET),
            periods=_periods(members["Config"]) if "Config" in members else UNSET,
        )
    return {}


@operations.add("DeleteHoursOfOperation")
def delete(connect: Connect, call: Call) -> dict[str, Any]:
    """Not while a queue keeps them."""
    with connect.write() as connection:
        _, found = _find(connection, call)
        hours.delete_hours(connection, found.hours_id)
    return {}


@operations.add("CreateHoursOfOperationOverride")
def create_override(connect: Connect, call: Call) -> dict[str, Any]:
    """What is different on some dates; without periods of its own it is closed then."""
    with connect.write() as connection:
        _, found = _find(connection, call)
        blank = Override(name="", begins=date.min, ends=date.min)
        # The newest is the first: of several on a date, the one that was made last holds.
        written = _write(connection, found, _changed(blank, call), before=found.overrides)
    return {"HoursOfOperationOverrideId": written.override_id}


@operations.add("DescribeHoursOfOperationOverride")
def describe_override(connect: Connect, call: Call) -> dict[str, Any]:
    """One override."""
    with connect.read() as connection:
        instance, found = _find(connection, call)
    override = _override(found, call)
    return {"HoursOfOperationOverride": _told(call, instance, found, override)}


@operations.add("ListHoursOfOperationOverrides")
def list_overrides(connect: Connect, call: Call) -> dict[str, Any]:
    """The overrides of hours of operation."""
    with connect.read() as connection:
        instance, found = _find(connection, call)
    chosen, token = page(found.overrides, call, default=100, key=lambda each: each.override_id)
    return {
        "HoursOfOperationOverrideList": [_told(call, instance, found, each) for each in chosen],
        "LastModifiedTime": found.updated_at,
        "LastModifiedRegion": call.region,
        **token,
    }


@operations.add("UpdateHoursOfOperationOverride")
def update_override(connect: Connect, call: Call) -> dict[str, Any]:
    """What is given of an override."""
    with connect.write() as connection:
        _, found = _find(connection, call)
        override = _override(found, call)
        _write(connection, found, _changed(override, call), before=found.overrides)
    return {}


@operations.add("DeleteHoursOfOperationOverride")
def delete_override(connect: Connect, call: Call) -> dict[str, Any]:
    """Let the hours hold again on the dates of an override."""
    with connect.write() as connection:
        _, found = _find(connection, call)
        gone = _override(found, call)
        left = [each for each in found.overrides if each is not gone]
        hours.update_hours(connection, found.hours_id, overrides=left)
    return {}


def _find(connection: Connection, call: Call) -> tuple[ConnectInstance, HoursOfOperation]:
    instance = instance_of(connection, call)
    named: str = call.members["HoursOfOperationId"]
    hours_id = thing_of(connection, instance, ResourceKind.HOURS, named, "hours_id")
    return instance, hours.get_hours(connection, hours_id)


def _override(found: HoursOfOperation, call: Call) -> Override:
    wanted: str = call.members["HoursOfOperationOverrideId"]
    for override in found.overrides:
        if override.override_id == wanted:
            return override
    raise NotFound(f"{found.name!r} has no override {wanted!r}", field="HoursOfOperationOverrideId")


def _changed(override: Override, call: Call) -> Override:
    """An override with what a request gives of it."""
    members = call.members
    if "RecurrenceConfig" in members:
        raise InvalidInput(
            "overrides that recur are not kept here",
            field="RecurrenceConfig",
            expected="none, and an override for each time",
        )
    read: dict[str, tuple[str, Callable[[Any], Any]]] = {
        "name": ("Name", require_name),
        "description": ("Description", lambda text: require_text(text, "description")),
        "begins": ("EffectiveFrom", lambda text: _date(text, "EffectiveFrom")),
        "ends": ("EffectiveTill", lambda text: _date(text, "EffectiveTill")),
        "periods": ("Config", _periods),
        "type": ("OverrideType", OverrideType),
    }
    given = {
        field: reading(members[member])
        for field, (member, reading) in read.items()
        if member in members
    }
    changed = msgspec.structs.replace(override, **given)
    if changed.ends < changed.begins:
        raise InvalidInput(
            "is before EffectiveFrom",
            field="EffectiveTill",
            expected="the same date or a later one",
        )
    return changed


def _write(
    connection: Connection, found: HoursOfOperation, override: Override, before: Sequence[Override]
) -> Override:
    """Keep a new override before the others, or a changed one in its place."""
    ids = [each.override_id for each in before]
    place = ids.index(override.override_id) if override.override_id in ids else None
    others = [each for at, each in enumerate(before) if at != place]
    if any(each.name == override.name for each in others):
        raise Conflict(f"there is an override {override.name!r} already", field="name")
    others.insert(place or 0, override)
    return hours.update_hours(connection, found.hours_id, overrides=others).overrides[place or 0]


def _date(text: str, field: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput("not a date", field=field, expected="such as 2026-12-24") from None


def _periods(config: Iterable[Mapping[str, Any]]) -> tuple[Period, ...]:
    return tuple(
        Period(
            Day(_member(each, "Day")),
            _clock(_member(each, "StartTime")),
            _clock(_member(each, "EndTime")),
        )
        for each in config
    )


def _member(period: Mapping[str, Any], name: str) -> Any:
    if period.get(name) is None:
        raise InvalidInput(
            f"a period has no {name}", field="Config", expected="Day, StartTime and EndTime"
        )
    return period[name]


def _clock(time: Mapping[str, int]) -> str:
    return f"{time['Hours']:02}:{time['Minutes']:02}"


def _config(periods: Iterable[Period]) -> list[dict[str, Any]]:
    return [
        {
            "Day": str(period.day),
            "StartTime": _time(period.start),
            "EndTime": _time(period.end),
        }
        for period in periods
    ]


def _time(clock: str) -> dict[str, int]:
    hour, minute = clock.split(":")
    return {"Hours": int(hour), "Minutes": int(minute)}


def _arn(call: Call, instance: ConnectInstance, found: HoursOfOperation) -> str:
    return arn_of(call, instance, f"operating-hours/{found.hours_id}")


def _named(call: Call, instance: ConnectInstance, found: HoursOfOperation) -> dict[str, Any]:
    return {
        "HoursOfOperationId": found.hours_id,
        "HoursOfOperationArn": _arn(call, instance, found),
    }


def _told(
    call: Call, instance: ConnectInstance, found: HoursOfOperation, override: Override
) -> dict[str, Any]:
    return {
        **_named(call, instance, found),
        "HoursOfOperationOverrideId": override.override_id,
        "Name": override.name,
        "Description": override.description or None,
        "Config": _config(override.periods),
        "EffectiveFrom": override.begins.isoformat(),
        "EffectiveTill": override.ends.isoformat(),
        "OverrideType": str(override.type),
    }
