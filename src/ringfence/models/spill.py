"""A table of numbers that waits on disk until rows of it are asked for.

What is remembered of five million events takes 1.6 GB, and is looked at twice: when it is binned
and when held-out events are scored. It is read, not mapped, so that it takes no memory in between.
"""

from __future__ import annotations

import os
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from ringfence.errors import Unavailable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ROWS = 50_000


class Spill:
    """Rows of 8-byte numbers in a temporary file (`TMPDIR`), which is gone with this object.

    Raises `Unavailable` when there is no room for it.
    """

    def __init__(self, values: NDArray[np.float64]):
        self.shape: tuple[int, int] = (values.shape[0], values.shape[1])
        # Closed and thereby deleted by the garbage collector: it has no name.
        self._file = TemporaryFile(prefix="ringfence-", buffering=0)  # noqa: SIM115
        try:
            for start in range(0, len(values), _ROWS):
                part = memoryview(values[start : start + _ROWS].tobytes())
                while part:
                    part = part[self._file.write(part) :]
        except OSError as error:
            self._file.close()
            text = f"what is remembered cannot be put aside: {error.strerror}"
            raise Unavailable(
                text, field="TMPDIR", expected=f"{values.nbytes / 1e9:.1f} GB of disk"
            ) from None

    def write(self, rows: NDArray[np.int64], out: NDArray[np.float64]) -> None:
        """Rows by their numbers, ascending, into `out`, shape `(n_rows, n_columns)`."""
        for start in range(0, len(rows), _ROWS):
            some = rows[start : start + _ROWS]
            first, last = int(some[0]), int(some[-1])
            # Of rows that lie far apart no more is read at once than of neighbours.
            if last - first >= 4 * _ROWS:
                for place, row in enumerate(some.tolist()):
                    out[start + place] = self._read(row, row + 1)[0]
            else:
                out[start : start + len(some)] = self._read(first, last + 1)[some - first]

    def _read(self, start: int, stop: int) -> NDArray[np.float64]:
        import numpy as np

        row_bytes = 8 * self.shape[1]
        read = os.pread(self._file.fileno(), (stop - start) * row_bytes, start * row_bytes)
        return np.frombuffer(read, dtype=np.float64).reshape(stop - start, self.shape[1])
