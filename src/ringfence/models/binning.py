"""Rows of a table of features, handed to LightGBM for binning: whole, or some at a time.

LightGBM keeps of each value only its bin, mostly one byte of eight; the table of all values of a
large data set need not exist for that. It knows LightGBM, not what the features mean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import lightgbm
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# A table up to this size is binned at once, which is quicker; the trees are the same.
_AT_ONCE_BYTES = 256 * 2**20
_ROWS = 8_192


def binned(
    values: Callable[[slice], NDArray[np.float64]],
    rows: int,
    is_fraud: NDArray[np.bool_],
    weights: NDArray[np.float64] | None,
    names: Sequence[str],
    *,
    parameters: Mapping[str, Any] | None = None,
    reference: lightgbm.Dataset | None = None,
) -> lightgbm.Dataset:
    """A data set for LightGBM, in bins of its own or in those of `reference`.

    `values` gives the features of some of its `rows` rows, shape `(n_rows, n_features)`.
    """
    at_once = rows * len(names) * 8 <= _AT_ONCE_BYTES
    return lightgbm.Dataset(
        values(slice(0, rows)) if at_once else _Parts(values, rows),
        is_fraud,
        weight=weights,
        feature_name=list(names),
        params=None if parameters is None else dict(parameters),
        reference=reference,
    )


class _Parts(lightgbm.Sequence):
    batch_size = _ROWS

    def __init__(self, values: Callable[[slice], NDArray[np.float64]], rows: int):
        self._values, self._rows = values, rows
        self._start = -1
        self._part: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, place: Any) -> NDArray[np.float64]:
        if isinstance(place, slice):
            return self._values(place)
        # LightGBM looks at single rows for where bins should lie: in order, so that neighbours
        # come from the same part.
        start = place // _ROWS * _ROWS
        if self._part is None or self._start != start:
            self._start = start
            self._part = self._values(slice(start, min(start + _ROWS, self._rows)))
        row: NDArray[np.float64] = self._part[place - start]
        return row
