"""The baseline of a version: what its data looked like, to tell when events no longer do.

Made at the end of training (`baseline_counting.py`) and kept with the version. It holds counts,
never a value that points at a person (`bins.py`).
"""

from __future__ import annotations

import msgspec

from ringfence.models.bins import Bins
from ringfence.models.segments import Segment
from ringfence.models.stability import share_range


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """A variable or a remembered value: its bins, and how many events each had.

    `by_period` is the stability index of each period of training against all of training.
    """

    bins: Bins
    training: tuple[int, ...]
    held_out: tuple[int, ...]
    by_period: tuple[float, ...] = ()

    @property
    def expected(self) -> tuple[int, ...]:
        """What later events are compared with.

        The held-out events alone where time itself moves the shares: texts grow out of those that
        training knew, and more is remembered the longer it goes on.
        """
        if self.bins.remembered or self.bins.classes:
            return self.held_out
        return tuple(map(sum, zip(self.training, self.held_out, strict=True)))


class ScoreBin(msgspec.Struct, frozen=True):
    """Held-out events of one bin of the score, 50 wide: all that have a label, and frauds."""

    events: int
    frauds: int

    @property
    def fraud_range(self) -> tuple[float, float]:
        """The 95 % range of the share of fraud."""
        return share_range(self.frauds, self.events)


class Period(msgspec.Struct, frozen=True):
    """A stretch of the training events: from its label (a month, a week or a day) to the next."""

    label: str
    events: int
    frauds: int


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """What a version's data looked like.

    `score` are the counts of the held-out events by score bin, those without a label too, and
    `calibration` those with a label. `threshold` is the suggested one, `alerts` how many held-out
    events reach it. `label_delay_days` are the median and the ninth decile of how long labels took,
    None where the data does not say; `label_sources` how many labels came from where.
    """

    training_events: int
    training_frauds: int
    held_out_events: int
    held_out_frauds: int
    periods: tuple[Period, ...]
    watched: tuple[Watched, ...]
    score: tuple[int, ...]
    calibration: tuple[ScoreBin, ...]
    threshold: float
    alerts: int
    label_delay_days: tuple[float, float] | None = None
    label_sources: dict[str, int] = {}
    segments: tuple[Segment, ...] = ()
