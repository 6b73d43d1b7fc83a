"""Which events are learned from and which are held out: by time, the last ones held out."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

HELD_OUT = 0.15
# Labels of the last days before the held-out events were not known when these happened.
_LABEL_DELAY = timedelta(days=7)
# What is remembered of the first events is little, unlike in service.
_WARM_UP = timedelta(days=30)
# Neither takes more than this part of the time that the data spans.
_MOST = 0.1


@dataclass(frozen=True, slots=True)
class Split:
    """Rows in order of time: `start` up to `stop` are learned from, those from `held_out` on are
    held out."""

    start: int
    stop: int
    held_out: int


def split(rows: int) -> Split:
    """All but the last 15% are learned from."""
    held_out = rows - round(rows * HELD_OUT)
    return Split(0, held_out, held_out)


def split_remembering(times: Sequence[datetime], first: datetime) -> Split:
    """The same for events with profiles, `times` in order: left out are a warm-up after `first`,
    when remembering began, and a gap before the held-out events, whose labels came late. They take
    30 and 7 days, each at most a tenth of the time that there is."""
    whole = split(len(times))
    if not times or whole.held_out == len(times):
        return whole
    start = bisect_left(times, first + min(_WARM_UP, (times[-1] - first) * _MOST))
    gap = min(_LABEL_DELAY, (times[-1] - times[0]) * _MOST)
    stop = bisect_left(times, times[whole.held_out] - gap)
    return Split(start, stop, whole.held_out) if start < stop else whole
