"""The course of a training: which rows trees are grown on, how many of them, and what is measured.

Between the table of features and the version. It knows rows and recipes, not what is made of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringfence.models.boosting import Grower, Grown, best_trees, more_trees
from ringfence.models.forecast import Forecast
from ringfence.models.splitting import Fold, crossed_folds, later_fold
from ringfence.models.trials import Recipe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# With fewer frauds to judge by, one more or less moves what is measured by more than 3%.
_FEW = 30


@dataclass(frozen=True, slots=True)
class Result:
    """What was grown. `raw` are the log-odds of `rows`, none of them by a model that learned from
    it; `learned_rows` is how many rows such a model learned from."""

    final: Grown
    measured: Grown | None
    trees: int
    rows: NDArray[np.int64]
    raw: NDArray[np.float64]
    learned_rows: int


class Course:
    """The growing of a training: of what rows, and how many trees.

    `folds` are to count trees and to choose recipes by. They are crosswise where the latest rows
    hold too few frauds, and so are the measures (`crossed`) where the held-out ones do.
    """

    def __init__(self, grower: Grower, at: NDArray[np.int64], forecast: Forecast):
        import numpy as np

        table = grower.table
        rows = table.rows
        self.table = table
        self.grower = grower
        self._forecast = forecast
        self._every = np.arange(rows.start, len(table.is_fraud))
        self._learned = np.arange(rows.start, rows.stop)
        self._held_out = np.arange(rows.held_out, len(table.is_fraud))
        self.crossed = self._few(self._held_out)
        later = later_fold(rows, at)
        self.folds: tuple[Fold, ...] = (later,)
        if self.crossed:
            self.folds = crossed_folds(rows.start, table.is_fraud)
        elif self._few(later.judged):
            self.folds = crossed_folds(rows.start, table.is_fraud[: rows.stop])

    def cells(self, trees: int, *, counting: bool = False) -> float:
        """Rows times features times trees of growing so many trees, once they are counted or
        with `counting` them before."""
        rows = len(self._every) + (0 if self.crossed else len(self._learned))
        if counting or self.crossed:
            rows += sum(len(fold.learned) for fold in self.folds)
        return float(rows * trees * len(self.table.features))

    def run(self, recipe: Recipe, counted: int | None) -> Result:
        """Count the trees, measure, and grow the version itself. `counted` is the number of trees
        where it is known."""
        grown: list[tuple[Grown, Fold]] = []
        if counted is None or self.crossed:
            most = int(recipe.parameters["num_iterations"])
            self._forecast.plan(self.cells(most * recipe.averaged, counting=True))
            self._watch("counting the trees")
            grown = [(self._grow(recipe, f.learned, most, f.judged), f) for f in self.folds]
            counted = best_trees(grown)
        trees = more_trees(counted)
        self._forecast.plan(self.cells(trees * recipe.averaged))
        if self.crossed:
            rows, raw = self._every, self._crosswise(grown, counted)
            measured, learned_rows = None, sum(len(f.learned) for f in self.folds)
            learned_rows //= len(self.folds)
        else:
            self._watch("growing the model to measure")
            rows, measured = self._held_out, self._grow(recipe, self._learned, trees)
            raw, learned_rows = self.grower.raw(measured, rows, trees), len(self._learned)
        self._watch("growing the version on all events")
        final = self._grow(recipe, self._every, trees)
        return Result(final, measured, trees, rows, raw, learned_rows)

    def _few(self, rows: NDArray[np.int64]) -> bool:
        frauds = int(self.table.is_fraud[rows].sum())
        return min(frauds, len(rows) - frauds) < _FEW

    def _crosswise(self, grown: list[tuple[Grown, Fold]], trees: int) -> NDArray[np.float64]:
        """The mean log-odds of every row, by the models that did not learn from it."""
        import numpy as np

        sums, times = np.zeros(len(self.table.is_fraud)), np.zeros(len(self.table.is_fraud))
        for each, fold in grown:
            sums[fold.judged] += self.grower.raw(each, fold.judged, trees)
            times[fold.judged] += 1
        raw: NDArray[np.float64] = sums[self._every] / times[self._every]
        return raw

    def _grow(
        self,
        recipe: Recipe,
        rows: NDArray[np.int64],
        trees: int,
        judged: NDArray[np.int64] | None = None,
    ) -> Grown:
        grown = self.grower.grow(recipe, rows, trees, judged=judged)
        assert grown is not None
        return grown

    def _watch(self, what: str) -> None:
        features = len(self.table.features)

        def tell(rows: int, trees: int, most: int) -> None:
            self._forecast.growing(
                10.0 * rows * features, f"{what}: tree {trees} of at most {most}"
            )

        self.grower.tell_trees = tell
