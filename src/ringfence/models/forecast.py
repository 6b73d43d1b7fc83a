"""How far a training is: the share of the time that it will have taken, as far as one can tell.

Growing trees costs the more the more rows there are; how much on this machine is learned from the
first ones. It knows of the work only how much there is. Times are in seconds.
"""

from __future__ import annotations

from collections.abc import Callable

# Per row, feature and tree, until trees have grown: two cores that do nothing else.
_FIRST_RATE = 6e-9
# At least this share of a table's time is enriching, the rest binning, calibrating and measuring.
_AFTER_TABLE = 0.15


class Forecast:
    """Tells a share of the work (0 to 1, never less than before) and what is being done."""

    def __init__(self, progress: Callable[[float, str], None] | None, clock: Callable[[], float]):
        self._progress = progress
        self._clock = clock
        self._began = clock()
        self._share = 0.0
        self._table_seconds = 0.0
        self._cells_left = 0.0
        self._cells_done = 0.0
        self._grow_began: float | None = None
        self._reserved = 0.0

    @property
    def elapsed(self) -> float:
        """Seconds since the training began."""
        return self._clock() - self._began

    @property
    def seconds_a_cell(self) -> float:
        """What a row, feature and tree takes, measured as soon as trees have grown."""
        if self._grow_began is None or self._cells_done <= 0:
            return _FIRST_RATE
        return (self._clock() - self._grow_began) / self._cells_done

    def plan(self, cells: float) -> None:
        """So many cells (rows times features times trees) are still to be grown."""
        self._cells_left = cells

    def enriching(self, done: float, what: str) -> None:
        """A share of the table is made; growing comes after."""
        self._table_seconds = self.elapsed
        left = self._table_seconds * (1 - done) / done if done > 0 else 0.0
        self._tell(left + _FIRST_RATE * self._cells_left if done > 0 else None, what)

    def growing(self, cells: float, what: str) -> None:
        """So many more cells have been grown."""
        self.measured(cells)
        self._cells_left = max(0.0, self._cells_left - cells)
        self._tell(self._cells_left * self.seconds_a_cell, what)

    def measured(self, cells: float) -> None:
        """So many cells have been grown that were not planned."""
        if self._grow_began is None:
            self._grow_began = self._clock()
        else:
            self._cells_done += cells

    def tuning(self, until: float, what: str) -> None:
        """Recipes are tried until so many seconds after the training began; the growing that is
        planned comes after."""
        left = max(0.0, until - self.elapsed) + self._cells_left * self.seconds_a_cell
        self._tell(left, what)

    def closing(self, what: str) -> None:
        """Only calibrating and measuring is left."""
        self._cells_left = 0.0
        self._tell(_AFTER_TABLE * self._table_seconds, what)

    def end(self, what: str) -> None:
        """All is done."""
        self._share = 1.0
        if self._progress:
            self._progress(1.0, what)

    def _tell(self, left: float | None, what: str) -> None:
        elapsed = self.elapsed
        if left is not None and elapsed + left > 0:
            self._share = min(0.99, max(self._share, elapsed / (elapsed + left)))
        if self._progress:
            self._progress(self._share, what)
