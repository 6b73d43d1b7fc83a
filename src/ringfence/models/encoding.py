"""Learning what keys mean: codes for few levels, fraud share and frequency for many.

A fraud share must not have seen the event whose feature it becomes, or the model would learn to
trust it more than it deserves. So the training events are cut into blocks by time, and the shares
of a block come from the blocks before it; as in service, where they come from before the training
ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ringfence.models.artifact import Encoding, Levels, Rates

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCKS = 20
_MAX_CODED = 24
_MIN_CODED = 10
_MAX_KEPT = 10_000
# A level seen less often says too little, and might point at a person.
_MIN_KEPT = 3
_PRIOR_EVENTS = 20.0
_PER_EVENTS = 10_000.0


@dataclass(frozen=True, slots=True)
class Learned:
    """What was learned of one key, and its features out of time.

    Block by block, from the event numbers `starts` on, a level's features stand in `tables`, shape
    `(n_blocks, n_places, width)`, at the place that `places` gives for the level; its last element
    is for a missing key.
    """

    encoding: Encoding
    starts: NDArray[np.int64]
    tables: NDArray[np.float64]
    places: NDArray[np.int32]

    @property
    def width(self) -> int:
        """How many features the key has: 1 for few levels, 2 for many."""
        return int(self.tables.shape[2])

    def features(self, rows: NDArray[np.int64], places: NDArray[np.int32]) -> NDArray[np.float64]:
        """The features of events by their numbers and places, shape `(n_rows, width)`."""
        import numpy as np

        if len(self.starts) == 1:
            of_rows: NDArray[np.float64] = self.tables[0, places]
        else:
            block = np.searchsorted(self.starts, rows, side="right") - 1
            of_rows = self.tables[block, places]
        return of_rows


def learn(
    levels: Sequence[str],
    codes: NDArray[np.integer[Any]],
    is_fraud: NDArray[np.bool_],
    training: int,
) -> Learned | None:
    """The encoding of one key, and its features for every event, out of time.

    `levels` are the distinct texts; `codes`, shape `(n_events,)` in order of time, index them, -1
    where the key is missing. The first `training` events are learned from; the features of the
    first block are as if nothing had been seen. None when there is nothing to learn.
    """
    import numpy as np

    seen, frauds = codes[:training], is_fraud[:training]
    known = seen >= 0
    counts = np.bincount(seen[known], minlength=len(levels))
    if np.count_nonzero(counts) < 2:
        return None
    if np.count_nonzero(counts) <= _MAX_CODED:
        hits = np.bincount(seen[known], weights=frauds[known], minlength=len(levels))
        return _coded(levels, counts, hits.astype(np.float64))
    if counts.max() < _MIN_KEPT:
        return None
    return _rated(levels, seen, frauds, counts)


def block_starts(training: int) -> NDArray[np.int64]:
    """Where each block of the training events begins, and last where the last one ends."""
    import numpy as np

    return np.arange(BLOCKS + 1, dtype=np.int64) * training // BLOCKS


def _coded(
    levels: Sequence[str], counts: NDArray[np.int64], hits: NDArray[np.float64]
) -> Learned | None:
    import numpy as np

    prior = hits.sum() / counts.sum()
    shares = (hits + _PRIOR_EVENTS * prior) / (counts + _PRIOR_EVENTS)
    common: list[int] = np.flatnonzero(counts >= _MIN_CODED).tolist()
    common.sort(key=lambda level: (shares[level], levels[level]))
    if not common:
        return None
    # After the codes come the places of what is not common and of what is missing.
    table = np.array([*range(len(common)), -1.0, np.nan])[None, :, None]
    places = np.full(len(levels) + 1, len(common), dtype=np.int32)
    places[common] = np.arange(len(common))
    places[-1] = len(common) + 1
    encoding = Levels({levels[level]: float(code) for code, level in enumerate(common)})
    return Learned(encoding, np.zeros(1, np.int64), table, places)


def _rated(
    levels: Sequence[str],
    codes: NDArray[np.integer[Any]],
    frauds: NDArray[np.bool_],
    counts: NDArray[np.int64],
) -> Learned:
    import numpy as np

    # Ties in count are broken by text, so that the result does not depend on the file's order.
    common: list[int] = np.flatnonzero(counts >= _MIN_KEPT).tolist()
    ordered = sorted(common, key=lambda level: (-counts[level], levels[level]))
    kept = np.array(ordered[:_MAX_KEPT], dtype=np.int64)
    places = np.full(len(levels) + 1, len(kept), dtype=np.int32)
    places[kept] = np.arange(len(kept))
    places[-1] = len(kept) + 1
    totals, hits = np.zeros(len(kept)), np.zeros(len(kept))
    starts = block_starts(len(codes))
    # The last table, of all blocks, is for the held-out events: what service would know.
    tables = np.empty((len(starts), len(kept) + 2, 2))
    for block, start in enumerate(starts):
        tables[block] = _table(totals, hits, int(start), int(frauds[:start].sum()))
        if block < BLOCKS:
            of_block = slice(start, starts[block + 1])
            found = places[codes[of_block]]
            known = found < len(kept)
            totals += np.bincount(found[known], minlength=len(kept))
            hits += np.bincount(found[known], weights=frauds[of_block][known], minlength=len(kept))
    *rows, unknown, _ = tables[-1].tolist()
    of_level = {levels[level]: tuple(row) for level, row in zip(kept, rows, strict=True)}
    return Learned(Rates(of_level, tuple(unknown)), starts, tables, places)


def _table(
    totals: NDArray[np.float64], hits: NDArray[np.float64], events: int, frauds: int
) -> NDArray[np.float64]:
    """Log-odds and frequency by level; then those of a level not (well) known, and of none."""
    import numpy as np

    prior = (frauds + 0.5) / (events + 1.0)
    shares = (hits + _PRIOR_EVENTS * prior) / (totals + _PRIOR_EVENTS)
    table = np.empty((len(totals) + 2, 2))
    table[:-2, 0] = np.log(shares / (1 - shares))
    table[:-2, 1] = np.log1p(totals / max(events, 1) * _PER_EVENTS)
    table[-2] = np.log(prior / (1 - prior)), 0.0
    table[:-2][totals < _MIN_KEPT] = table[-2]
    table[-1] = np.nan
    return table
