"""Which events are learned from and which are held out: by time, the last ones held out."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HELD_OUT = 0.15
# Labels of the last days before the held-out events were not known when these happened.
_LABEL_DELAY = timedelta(days=7)
# What is remembered of the first events is little, unlike in service.
_WARM_UP = timedelta(days=30)
# Neither takes more than this part of the time that the data spans.
_MOST = 0.1
# Into how many stretches few data are cut, and how many frauds each needs.
_CROSSED, _FEWEST_CROSSED = 5, 5


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


@dataclass(frozen=True, slots=True)
class Fold:
    """Rows to learn from, and rows to judge by what was learned; both ascending, shape `(n,)`."""

    learned: NDArray[np.int64]
    judged: NDArray[np.int64]


def later_fold(rows: Split, at: NDArray[np.int64]) -> Fold:
    """The last 15% of the rows that are learned from, to choose by, and what came before them.

    `at` are the times of all rows, in order. As long a gap is left between the two as there is
    before the held-out rows, at most a tenth of the time.
    """
    import numpy as np

    judged = rows.stop - max(1, round((rows.stop - rows.start) * HELD_OUT))
    stop = judged
    if rows.stop < rows.held_out < len(at):
        gap = min(
            int(at[rows.held_out] - at[rows.stop - 1]),
            int((at[rows.stop - 1] - at[rows.start]) * _MOST),
        )
        stop = max(rows.start + 1, int(np.searchsorted(at, at[judged] - gap)))
    return Fold(np.arange(rows.start, stop), np.arange(judged, rows.stop))


def crossed_folds(start: int, is_fraud: NDArray[np.bool_]) -> tuple[Fold, ...]:
    """Every row from `start` on is judged twice, each time by what all but its stretch of time
    tells. For data with so few frauds that the last ones say little.

    The stretches of a round hold equally many frauds; those of the second round lie across the
    edges of the first.
    """
    import numpy as np

    every = np.arange(start, len(is_fraud))
    frauds = start + np.flatnonzero(is_fraud[start:])
    count = max(2, min(_CROSSED, len(frauds) // _FEWEST_CROSSED))
    folds = []
    for shift in (0.0, 0.5):
        places = (np.arange(1, count + (shift > 0)) - shift) / count * len(frauds)
        edges = frauds[np.clip(places.astype(np.int64), 0, len(frauds) - 1)]
        stretch = np.searchsorted(edges, every, side="right")
        # Of the second round the first and the last stretch are halves of one.
        stretch[stretch == count] = 0
        folds += [Fold(every[stretch != part], every[stretch == part]) for part in range(count)]
    return tuple(folds)
