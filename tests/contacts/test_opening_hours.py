from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from call_centres import NOON, Centre
from hypothesis import given
from hypothesis import strategies as st

from ringfence.contacts.hours import (
    Day,
    HoursOfOperation,
    Override,
    OverrideType,
    Period,
    create_hours,
    delete_hours,
    get_hours,
    is_open,
    list_hours,
    update_hours,
)
from ringfence.errors import Conflict, InvalidInput, NotFound

BERLIN = ZoneInfo("Europe/Berlin")
WORKING_DAYS = tuple(Period(day, "09:00", "17:00") for day in tuple(Day)[:5])


def hours(
    *periods: Period, overrides: tuple[Override, ...] = (), zone: str = "Europe/Berlin"
) -> HoursOfOperation:
    return HoursOfOperation(
        hours_id="h",
        instance_id="i",
        name="Hours",
        time_zone=zone,
        periods=periods,
        overrides=overrides,
        updated_at=NOON,
    )


def local(text: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "open_"),
    [
        ("2026-03-02 08:59:59", False),
        ("2026-03-02 09:00", True),
        ("2026-03-02 16:59:59", True),
        ("2026-03-02 17:00", False),
        ("2026-03-07 12:00", False),
    ],
)
def test_the_end_is_not_part_of_the_hours(at: str, open_: bool) -> None:
    assert is_open(hours(*WORKING_DAYS), local(at)) is open_


def test_midnight_at_the_end_is_that_of_the_day_and_twice_is_a_whole_day() -> None:
    evening, day = Period(Day.MONDAY, "10:00", "00:00"), Period(Day.TUESDAY, "00:00", "00:00")
    shown = hours(evening, day)
    assert is_open(shown, local("2026-03-02 23:59:59"))
    assert is_open(shown, local("2026-03-03 00:00"))
    assert is_open(shown, local("2026-03-03 23:59:59"))
    assert not is_open(shown, local("2026-03-04 00:00"))


def test_hours_last_past_midnight_and_past_the_end_of_the_week() -> None:
    night = hours(Period(Day.SUNDAY, "22:00", "06:00"))
    assert is_open(night, local("2026-03-01 23:00"))
    assert is_open(night, local("2026-03-02 05:59:59"))
    assert not is_open(night, local("2026-03-02 06:00"))
    assert not is_open(night, local("2026-03-01 05:00"))


def test_the_clock_on_the_wall_counts_on_days_when_it_is_changed() -> None:
    night = hours(Period(Day.SUNDAY, "02:00", "04:00"))
    # In spring 02:00 to 03:00 does not exist, in autumn it comes twice.
    assert not is_open(night, datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC))
    assert is_open(night, datetime(2026, 3, 29, 1, 0, tzinfo=UTC))  # 03:00
    assert is_open(night, local("2026-10-25 02:30", fold=0))
    assert is_open(night, local("2026-10-25 02:30", fold=1))
    assert not is_open(night, local("2026-10-25 04:00"))


def test_an_override_holds_instead_and_cuts_off_the_night_before() -> None:
    monday = date(2026, 3, 2)
    night = Period(Day.SUNDAY, "22:00", "06:00")
    holiday = Override(name="Holiday", begins=monday, ends=monday)
    shown = hours(night, *WORKING_DAYS, overrides=(holiday,))
    assert not is_open(shown, local("2026-03-02 10:00"))
    assert is_open(shown, local("2026-03-01 23:00"))
    assert not is_open(shown, local("2026-03-02 01:00"))
    assert is_open(shown, local("2026-03-03 10:00"))


def test_hours_of_an_override_last_past_midnight_within_it_and_after_it() -> None:
    sale = tuple(Period(day, "20:00", "02:00") for day in Day)
    shown = hours(
        overrides=(
            Override(name="Sale", begins=date(2026, 3, 2), ends=date(2026, 3, 3), periods=sale),
        )
    )
    assert [is_open(shown, local(f"2026-03-0{day} 01:00")) for day in (2, 3, 4, 5)] == [
        False,
        True,
        True,
        False,
    ]


def test_overrides_open_more_and_close_some() -> None:
    saturday, monday = date(2026, 3, 7), date(2026, 3, 2)
    shown = hours(
        *WORKING_DAYS,
        overrides=(
            Override(
                name="More",
                begins=saturday,
                ends=saturday,
                periods=(Period(Day.SATURDAY, "10:00", "12:00"),),
                type=OverrideType.OPEN,
            ),
            Override(
                name="Meeting",
                begins=monday,
                ends=monday,
                periods=(Period(Day.MONDAY, "12:00", "13:00"),),
                type=OverrideType.CLOSED,
            ),
        ),
    )
    assert is_open(shown, local("2026-03-07 11:00"))
    assert is_open(shown, local("2026-03-02 11:00"))
    assert not is_open(shown, local("2026-03-02 12:30"))
    assert is_open(shown, local("2026-03-09 12:30"))


minutes = st.integers(0, 1439)
periods = st.lists(st.tuples(st.sampled_from(tuple(Day)), minutes, minutes), max_size=5)
moments = st.datetimes(datetime(2025, 12, 1), datetime(2027, 1, 31), timezones=st.just(UTC)).map(
    lambda at: at.replace(microsecond=0)
)


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


@given(periods, moments, st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata"]))
def test_hours_agree_with_a_week_that_is_written_out_minute_by_minute(
    given_: list[tuple[Day, int, int]], at: datetime, zone: str
) -> None:
    week = [False] * (7 * 1440)
    for day, start, end in given_:
        length = end - start if end > start else end - start + 1440
        for minute in range(length):
            week[(tuple(Day).index(day) * 1440 + start + minute) % len(week)] = True
    on_the_wall = at.astimezone(ZoneInfo(zone))
    minute = on_the_wall.weekday() * 1440 + on_the_wall.hour * 60 + on_the_wall.minute
    shown = hours(*(Period(day, clock(start), clock(end)) for day, start, end in given_), zone=zone)
    assert is_open(shown, at) is week[minute]


def test_hours_are_kept_changed_and_removed(centre: Centre) -> None:
    made = centre.write(
        create_hours,
        centre.instance_id,
        "Day",
        time_zone="Europe/Berlin",
        periods=WORKING_DAYS,
        overrides=[Override(name="Off", begins=date(2026, 5, 1), ends=date(2026, 5, 1))],
    )
    kept = centre.read(get_hours, made.hours_id)
    assert kept == made
    assert kept.overrides[0].override_id
    changed = centre.write(update_hours, made.hours_id, name="Night", periods=())
    assert (changed.name, changed.periods, changed.overrides) == ("Night", (), made.overrides)
    queue_id = centre.queue(hours_id=made.hours_id)
    with pytest.raises(Conflict):
        centre.write(delete_hours, made.hours_id)
    from ringfence.contacts.queues import update_queue

    centre.write(update_queue, queue_id, hours_id=None)
    centre.write(delete_hours, made.hours_id)
    assert centre.read(list_hours, centre.instance_id) == []
    with pytest.raises(NotFound):
        centre.read(get_hours, made.hours_id)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"time_zone": "Europe/Atlantis"}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
        ({"periods": [Period(Day.MONDAY, "9:00", "17:00")]}, "periods"),
        ({"periods": [Period(Day.MONDAY, "09:00", "24:00")]}, "periods"),
        ({"name": " "}, "name"),
        (
            {"overrides": [Override(name="x", begins=date(2026, 2, 2), ends=date(2026, 2, 1))]},
            "overrides",
        ),
    ],
)
def test_hours_that_nobody_can_keep_are_refused(
    change: dict[str, object], field: str, centre: Centre
) -> None:
    values: dict[str, object] = {"name": "Day", "time_zone": "UTC"} | change
    name = values.pop("name")
    with pytest.raises(InvalidInput) as refused:
        centre.write(create_hours, centre.instance_id, name, **values)
    assert refused.value.field == field
