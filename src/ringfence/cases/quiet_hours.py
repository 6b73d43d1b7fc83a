"""The hours in which no telephone rings, by every clock that the cardholder may live by."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

# The clocks of a number and of an address may leave no common hour. Looked for this long.
_LOOK_AHEAD = timedelta(days=3)


class QuietHours(msgspec.Struct, frozen=True):
    """No call starts from `start` until `end`, in any time zone that the cardholder may be in."""

    start: time = time(21, 0)
    end: time = time(8, 0)

    def next_allowed(self, at: datetime, *time_zones: str) -> datetime:
        """A moment from `at` on that is outside the quiet hours in all these zones.

        It is `at`, or when the quiet hours next end. Zones that leave no common hour are told
        apart by their order: the first alone counts then. Where clocks are turned back past the
        end of the quiet hours, these end twice.
        """
        latest, allowed = at + _LOOK_AHEAD, at
        while True:
            outside = max(self._outside(allowed, ZoneInfo(zone)) for zone in time_zones)
            if outside == allowed:
                return allowed
            if outside > latest:
                return self._outside(at, ZoneInfo(time_zones[0]))
            allowed = outside

    def _outside(self, at: datetime, zone: ZoneInfo) -> datetime:
        # Two rounds at most: hours that would end in the hour that a clock leaves out end a
        # day later when they have begun again by then.
        while self._cover(at.astimezone(zone).time()):
            at = self._next_end(at, zone)
        return at

    def _cover(self, clock: time) -> bool:
        if self.start <= self.end:
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end

    def _next_end(self, at: datetime, zone: ZoneInfo) -> datetime:
        day = at.astimezone(zone).date()
        ends = (
            datetime.combine(day + timedelta(days=days), self.end.replace(fold=fold), zone)
            for days in (0, 1)
            for fold in (0, 1)
        )
        return next(end for each in ends if (end := each.astimezone(at.tzinfo)) > at)
