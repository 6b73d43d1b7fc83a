"""Learning what keys mean: codes for few levels, fraud share and frequency for many.

A fraud share must not have seen the event whose feature it becomes, or the model would learn to
trust it more than it deserves. So the training events are cut into blocks by time, and the shares
of a block come from the blocks before it; as in service, where they come from before the training
ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

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


def learn(
    levels: Sequence[str],
    codes: NDArray[np.int64],
    is_fraud: NDArray[np.bool_],
    training: int,
) -> tuple[Encoding | None, NDArray[np.float64]]:
    """The encoding of one key, and its features for every event, out of time.

    `levels` are the distinct texts; `codes`, shape `(n_events,)` in order of time, index them, -1
    where the key is missing. The first `training` events are learned from. The features have shape
    `(n_events, 1)` for few levels, `(n_events, 2)` for many, `(n_events, 0)` when there is nothing
    to learn; those of the first block are as if nothing had been seen.
    """
    import numpy as np

    seen, frauds = codes[:training], is_fraud[:training]
    known = seen >= 0
    counts = np.bincount(seen[known], minlength=len(levels))
    if np.count_nonzero(counts) < 2:
        return None, np.empty((len(codes), 0))
    if np.count_nonzero(counts) <= _MAX_CODED:
        hits = np.bincount(seen[known], weights=frauds[known], minlength=len(levels))
        return _coded(levels, codes, counts, hits.astype(np.float64))
    if counts.max() < _MIN_KEPT:
        return None, np.empty((len(codes), 0))
    return _rated(levels, codes, frauds, training, counts)


def block_starts(training: int) -> NDArray[np.int64]:
    """Where each block of the training events begins, and last where the last one ends."""
    import numpy as np

    return np.arange(BLOCKS + 1, dtype=np.int64) * training // BLOCKS


def _coded(
    levels: Sequence[str],
    codes: NDArray[np.int64],
    counts: NDArray[np.int64],
    hits: NDArray[np.float64],
) -> tuple[Encoding | None, NDArray[np.float64]]:
    import numpy as np

    prior = hits.sum() / counts.sum()
    shares = (hits + _PRIOR_EVENTS * prior) / (counts + _PRIOR_EVENTS)
    common = [level for level in range(len(levels)) if counts[level] >= _MIN_CODED]
    common.sort(key=lambda level: (shares[level], levels[level]))
    if not common:
        return None, np.empty((len(codes), 0))
    table = {levels[level]: float(code) for code, level in enumerate(common)}
    of_level = np.array([table.get(level, -1.0) for level in levels] + [np.nan])
    return Levels(table), of_level[codes][:, None]


def _rated(
    levels: Sequence[str],
    codes: NDArray[np.int64],
    frauds: NDArray[np.bool_],
    training: int,
    counts: NDArray[np.int64],
) -> tuple[Encoding, NDArray[np.float64]]:
    import numpy as np

    # Ties in count are broken by text, so that the result does not depend on the file's order.
    common: list[int] = np.flatnonzero(counts >= _MIN_KEPT).tolist()
    ordered = sorted(common, key=lambda level: (-counts[level], levels[level]))
    kept = np.array(ordered[:_MAX_KEPT], dtype=np.int64)
    place = np.full(len(levels) + 1, -1, dtype=np.int64)
    place[kept] = np.arange(len(kept))
    places = place[codes]
    features = np.empty((len(codes), 2))
    totals, hits = np.zeros(len(kept)), np.zeros(len(kept))
    starts = block_starts(training)
    table = np.empty((0, 2))
    # After the last training block come the held-out events, with what service would know.
    for start, end in zip(starts, [*starts[1:], len(codes)], strict=True):
        table = _table(totals, hits, int(start), int(frauds[:start].sum()))
        features[start:end] = table[places[start:end]]
        if start < training:
            of_block = places[start:end]
            found = of_block >= 0
            totals += np.bincount(of_block[found], minlength=len(kept))
            hits += np.bincount(
                of_block[found], weights=frauds[start:end][found], minlength=len(kept)
            )
    features[codes < 0] = np.nan
    unknown = (float(table[-1, 0]), float(table[-1, 1]))
    rates = Rates(
        {
            levels[level]: (float(row[0]), float(row[1]))
            for level, row in zip(kept.tolist(), table[:-1], strict=True)
        },
        unknown,
    )
    return rates, features


def _table(
    totals: NDArray[np.float64], hits: NDArray[np.float64], events: int, frauds: int
) -> NDArray[np.float64]:
    """Log-odds and frequency by level; the last row is for a level not (well) known."""
    import numpy as np

    prior = (frauds + 0.5) / (events + 1.0)
    shares = (hits + _PRIOR_EVENTS * prior) / (totals + _PRIOR_EVENTS)
    table = np.empty((len(totals) + 1, 2))
    table[:-1, 0] = np.log(shares / (1 - shares))
    table[:-1, 1] = np.log1p(totals / max(events, 1) * _PER_EVENTS)
    table[-1] = np.log(prior / (1 - prior)), 0.0
    table[:-1][totals < _MIN_KEPT] = table[-1]
    return table
