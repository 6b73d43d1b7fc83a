"""Functions on times. Their clock is the event's time, which the compiler hands in."""

from __future__ import annotations

import operator
from datetime import datetime

from ringfence.rules.functions.function import Function
from ringfence.rules.kinds import Kind
from ringfence.rules.times import epoch_milliseconds

NOW = Function("getcurrentdatetime", (), Kind.DATE, "the time of the event, ISO 8601 in UTC")


def _hour(at: datetime) -> int:
    return at.hour


def _minute(at: datetime) -> int:
    return at.minute


def _day(at: datetime) -> int:
    return at.day


FUNCTIONS = (
    NOW,
    Function(
        "isbefore",
        (Kind.DATE, Kind.DATE),
        Kind.BOOLEAN,
        "whether the first time is before the second",
        operator.lt,
    ),
    Function(
        "isafter",
        (Kind.DATE, Kind.DATE),
        Kind.BOOLEAN,
        "whether the first time is after the second",
        operator.gt,
    ),
    Function(
        "getepochmilliseconds",
        (Kind.DATE,),
        Kind.NUMBER,
        "milliseconds since 1970-01-01T00:00:00Z",
        epoch_milliseconds,
    ),
    Function("gethour", (Kind.DATE,), Kind.NUMBER, "0 to 23, UTC", _hour, extension=True),
    Function("getminute", (Kind.DATE,), Kind.NUMBER, "0 to 59", _minute, extension=True),
    Function(
        "getdayofweek",
        (Kind.DATE,),
        Kind.NUMBER,
        "1 (Monday) to 7 (Sunday), UTC",
        datetime.isoweekday,
        extension=True,
    ),
    Function("getdayofmonth", (Kind.DATE,), Kind.NUMBER, "1 to 31, UTC", _day, extension=True),
)
