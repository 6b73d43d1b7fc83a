"""Growing trees on a table of features: LightGBM's parameters, and when to stop."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ringfence.events.variables import Variable
from ringfence.models.definitions import Importance
from ringfence.models.habits import PREFIX, Remembered
from ringfence.models.matrix import FeatureTable
from ringfence.models.merging import merged
from ringfence.models.splitting import Fold, Split
from ringfence.models.steps import Feature
from ringfence.models.trees import let_threads_sleep
from ringfence.models.trials import Parameters, Recipe

if TYPE_CHECKING:
    import lightgbm
    import numpy as np
    from numpy.typing import NDArray

MAX_TREES = 300
_MAX_TREES_REMEMBERING = 500
_PATIENCE = 30
_PARAMETERS: Parameters = {
    "objective": "binary",
    "metric": "binary_logloss",
    "learning_rate": 0.08,
    "num_leaves": 31,
    "min_data_in_leaf": 20,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.9,
    "bagging_freq": 1,
    "lambda_l2": 2.0,
    "max_bin": 255,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
# With what is remembered: many of its values say nearly the same, so that more and smaller steps,
# each with sight of fewer of them, rank better (`bench/models.py`). Weighting frauds does not pay.
_REMEMBERING = _PARAMETERS | {
    "learning_rate": 0.03,
    "min_data_in_leaf": 40,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "lambda_l2": 5.0,
}
# Of very many features a tree sees a part: trees that differ rank better together, and are quicker.
_FEATURES_SEEN, _LEAST_SEEN = 30, 0.3
# Fraud lies in the last thousandth of an amount or a ratio, which 255 bins would mix with what is
# merely large. As many bins as rows can fill, within bounds: more of them take longer.
_ROWS_A_BIN = 250
_FEWEST_BINS, _MOST_BINS = 255, 4_095
# Threads wait for each other at every leaf: of few rows there is less to do than to wait.
_ROWS_A_THREAD = 10_000
# More rows than the trees were counted on bear more trees: without, the score is less sharp and
# ranks a little worse.
_MORE_TREES = 1.2


def parameters_for(rows: Split, *, remembering: bool, features: int = _FEATURES_SEEN) -> Parameters:
    """LightGBM's parameters for so many rows and features, of events alone or with what is
    remembered."""
    found = _REMEMBERING if remembering else _PARAMETERS
    most_seen = float(found["feature_fraction"])
    seen = max(_LEAST_SEEN, min(most_seen, round(_FEATURES_SEEN / max(features, 1), 2)))
    found = found | {"feature_fraction": seen}
    if not remembering:
        return found | {"num_iterations": MAX_TREES}
    bins = max(_FEWEST_BINS, min(_MOST_BINS, (rows.stop - rows.start) // _ROWS_A_BIN))
    return found | {"num_iterations": _MAX_TREES_REMEMBERING, "max_bin": bins}


def more_trees(trees: int) -> int:
    """How many trees to grow on all rows, where so many were best on part of them."""
    return round(trees * _MORE_TREES)


@dataclass(frozen=True, slots=True)
class Grown:
    """Models grown on the same rows, one a seed, whose log-odds are averaged.

    `losses` are the log loss on the judged rows after each tree of the first model, empty where no
    row was judged.
    """

    boosters: tuple[lightgbm.Booster, ...]
    losses: tuple[float, ...] = ()

    def text(self, trees: int) -> str:
        """The first `trees` trees of each as one text model."""
        return merged([text_of(booster, trees) for booster in self.boosters])

    def importance(
        self, features: Sequence[Feature | Remembered], used: Sequence[Variable], trees: int
    ) -> tuple[Importance, ...]:
        """The share of each variable, and of what is remembered of each entity, largest first."""
        import numpy as np

        gains = [b.feature_importance("gain", iteration=trees) for b in self.boosters]
        return _shares(np.sum(gains, axis=0), features, used)


# From so many rows times features on, a table is binned anew for each part of it, and bins are not
# kept by row beside those by feature. Both is quicker otherwise, and takes as much memory again.
_LARGE_CELLS = 200_000_000


class Grower:
    """Grows trees on some of a table's rows, as often as wanted; unless it is very large, the table
    is binned once."""

    def __init__(self, table: FeatureTable):
        self.table = table
        self.rows = slice(table.rows.start, len(table.is_fraud))
        self.tell_trees: Callable[[int, int, int], None] = lambda rows, trees, most: None
        cells = (self.rows.stop - self.rows.start) * len(table.features)
        self._large = cells > _LARGE_CELLS
        self._binned: tuple[object, lightgbm.Dataset] | None = None

    def grow(
        self,
        recipe: Recipe,
        learned: NDArray[np.int64],
        trees: int,
        *,
        judged: NDArray[np.int64] | None = None,
        behind: Callable[[int, float], bool] | None = None,
    ) -> Grown | None:
        """At most `trees` trees on the `learned` rows, fewer when the `judged` ones gain no more.

        `behind` is told the number of trees and the log loss, and gives growing up, which makes
        this None. `tell_trees` is told of the rows, the trees grown and the most there can be.
        """
        let_threads_sleep()
        import lightgbm

        grown: list[lightgbm.Booster] = []
        losses: list[float] = []
        given_up = False
        for number in range(recipe.averaged):
            parameters: dict[str, Any] = self._with_threads(recipe.parameters)
            parameters["seed"] = recipe.seed(number)
            parameters.pop("num_iterations", None)
            learned_set = self._part(parameters, learned)
            callbacks: list[Callable[[Any], None]] = []
            judged_sets = []
            if judged is not None:
                judged_sets = [self._part(parameters, judged, learned_set)]
                callbacks.append(lightgbm.early_stopping(_PATIENCE, verbose=False))

            def watch(environment: lightgbm.callback.CallbackEnv, number: int = number) -> None:
                nonlocal given_up
                done = environment.iteration + 1
                if done % 10 == 0:
                    self.tell_trees(len(learned), number * trees + done, recipe.averaged * trees)
                if number == 0 and environment.evaluation_result_list:
                    losses.append(float(environment.evaluation_result_list[0][2]))
                    if behind is not None and behind(done, losses[-1]):
                        given_up = True
                        raise lightgbm.callback.EarlyStopException(
                            environment.iteration, environment.evaluation_result_list
                        )

            # Before early stopping, which ends the round of callbacks.
            watch.order = 20  # type: ignore[attr-defined]
            grown.append(
                lightgbm.train(
                    parameters,
                    learned_set,
                    num_boost_round=trees,
                    valid_sets=judged_sets,
                    callbacks=[*callbacks, watch],
                )
            )
            if given_up:
                return None
        return Grown(tuple(grown), tuple(losses))

    def raw(self, grown: Grown, rows: NDArray[np.int64], trees: int) -> NDArray[np.float64]:
        """The log-odds of some rows, shape `(n_rows,)`."""
        import numpy as np

        each = [self.table.raw_scores(b, rows, trees=trees) for b in grown.boosters]
        mean: NDArray[np.float64] = np.mean(each, axis=0)
        return mean

    def _with_threads(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        rows = self.rows.stop - self.rows.start
        threads = min(8, os.cpu_count() or 1, 1 + rows // _ROWS_A_THREAD)
        found = {**parameters, "num_threads": threads}
        if self._large and found.pop("force_row_wise", False):
            found["force_col_wise"] = True
        return found

    def _part(
        self,
        parameters: Mapping[str, Any],
        rows: NDArray[np.int64],
        learned: lightgbm.Dataset | None = None,
    ) -> lightgbm.Dataset:
        if self._large:
            if learned is not None:
                return self.table.held_out_set(learned, rows)
            return self.table.learned_set(_for_bins(parameters), rows)
        bins = parameters["max_bin"]
        if self._binned is None or self._binned[0] != bins:
            self._binned = None
            whole = self.table.learned_set(_for_bins(parameters), self.rows)
            self._binned = bins, whole.construct()
        whole = self._binned[1]
        if len(rows) == self.rows.stop - self.rows.start:
            return whole
        part = whole.subset([], params=_for_bins(parameters))
        # Given as they are: `subset` would make a Python list of them.
        part.used_indices = rows - self.rows.start  # type: ignore[assignment]
        return part


def best_trees(grown: Sequence[tuple[Grown, Fold]]) -> int:
    """The number of trees with the lowest log loss over all judged rows."""
    import numpy as np

    longest = max(len(each.losses) for each, _ in grown)
    # One that stopped earlier gained nothing more.
    curves = [
        np.pad(np.array(each.losses), (0, longest - len(each.losses)), mode="edge")
        for each, _ in grown
    ]
    judged = [len(fold.judged) for _, fold in grown]
    return int(np.average(curves, axis=0, weights=judged).argmin()) + 1


def text_of(booster: lightgbm.Booster, best: int) -> str:
    """The trees alone: the parameters that LightGBM appends name the machine's threads."""
    text = booster.model_to_string(num_iteration=best)
    return text.partition("\nparameters:\n")[0].rstrip("\n") + "\n"


def importance_of(
    booster: lightgbm.Booster,
    best: int,
    features: Sequence[Feature | Remembered],
    used: Sequence[Variable],
) -> tuple[Importance, ...]:
    """The share of each variable, and of what is remembered of each entity, largest first."""
    return _shares(booster.feature_importance("gain", iteration=best), features, used)


def _shares(
    gains: NDArray[np.float64],
    features: Sequence[Feature | Remembered],
    used: Sequence[Variable],
) -> tuple[Importance, ...]:
    total = float(gains.sum()) or 1.0
    types = {variable.name: str(variable.variable_type) for variable in used}
    shares: dict[str, float] = {}
    for feature, gain in zip(features, gains, strict=True):
        shares[feature.owner] = shares.get(feature.owner, 0.0) + float(gain) / total
        if feature.owner.startswith(PREFIX):
            types[feature.owner] = "PROFILE"
    return tuple(
        Importance(name, types.get(name, "DATETIME"), share)
        for name, share in sorted(shares.items(), key=lambda item: (-item[1], item[0]))
    )


_LAYOUTS = ("force_row_wise", "force_col_wise")


def _for_bins(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What decides how a table is binned; the rest may change without binning it anew."""
    return {
        "max_bin": parameters["max_bin"],
        "num_threads": parameters["num_threads"],
        "deterministic": True,
        **{name: parameters[name] for name in _LAYOUTS if name in parameters},
        "feature_pre_filter": False,
        "verbosity": -1,
    }
