"""Looking for the recipe that ranks best, for as long as there is time.

A list of changes in the order in which they pay on payments, each tried on top of the best recipe
so far; then averages of several models; then small changes by chance. Trees that fall behind the
best are given up after a few. What counts is average precision on the latest of the events that are
learned from, and a gain counts only beyond its noise. It never sees the held-out events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from ringfence.models.boosting import Grower, best_trees
from ringfence.models.forecast import Forecast
from ringfence.models.metrics import auc_range, average_precision
from ringfence.models.splitting import Fold
from ringfence.models.trials import Parameters, Recipe, Trial, Tuning, Verdict, words_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Measured on the generator's payments, the Handbook's and registrations (`bench/models.py`): no
# single one always pays. Frauds that weigh more are for data where recall of the rare counts.
_CHANGES: tuple[Parameters, ...] = (
    {"feature_fraction": 0.3},
    {"scale_pos_weight": 4.0},
    {"num_leaves": 15},
    {"max_bin": 63},
    {"learning_rate": 0.03, "num_iterations": 800},
    {"lambda_l2": 20.0},
    {"num_leaves": 63},
    {"min_data_in_leaf": 100},
    {"max_bin": 1023},
    {"path_smooth": 10.0},
    {"min_data_in_leaf": 5},
    {"extra_trees": True, "num_iterations": 800},
    {"is_unbalance": True, "scale_pos_weight": 1.0},
)
_AVERAGED = (3, 5)
_RANGES: dict[str, tuple[float | int, ...]] = {
    "learning_rate": (0.02, 0.03, 0.045, 0.06, 0.08),
    "num_leaves": (7, 15, 23, 31, 47, 63, 95),
    "min_data_in_leaf": (5, 10, 20, 40, 80, 160),
    "feature_fraction": (0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9),
    "bagging_fraction": (0.5, 0.7, 0.8, 0.9, 1.0),
    "lambda_l2": (0.5, 2.0, 5.0, 10.0, 20.0, 50.0),
    "lambda_l1": (0.0, 0.5, 2.0),
    "scale_pos_weight": (1.0, 2.0, 4.0, 8.0),
    "path_smooth": (0.0, 2.0, 10.0),
}
# What LightGBM takes where nothing is said.
_UNTOLD = {"lambda_l1": 0.0, "scale_pos_weight": 1.0, "path_smooth": 0.0}.items()
_MOST_BY_CHANCE = 200
_RESAMPLED = 100
# In units of learning rate times trees: before that the first trees say nothing yet.
_BEFORE_GIVING_UP = 1.5
_BEHIND = 1.05


@dataclass(frozen=True, slots=True)
class _Judged:
    """A recipe on the folds: log-odds by fold, and the losses of the first one."""

    recipe: Recipe
    raw: tuple[NDArray[np.float64], ...]
    losses: tuple[float, ...]
    trees: int


def tune(
    grower: Grower,
    folds: Sequence[Fold],
    first: Recipe,
    forecast: Forecast,
    budget_seconds: float,
    cells: Callable[[int], float],
) -> tuple[Recipe, int, Tuning]:
    """The best recipe that was found, how many trees are best with it, and what was tried.

    `budget_seconds` are for the whole training: `cells(trees)` says how much work is still to come
    with a recipe of so many trees, and what that takes is kept back. The first recipe is tried in
    any case.
    """
    search = _Search(grower, folds, forecast)
    began = forecast.elapsed
    best = search.first(first)
    trials = [search.trial(best, {}, Verdict.BETTER, forecast.elapsed - began)]
    longest = trials[0].seconds
    recipes = _Recipes(first)
    while (tried := recipes.next(best.recipe)) is not None:
        changed, recipe = tried
        after = cells(best.trees * best.recipe.averaged) * forecast.seconds_a_cell
        dearer = recipe.averaged / best.recipe.averaged
        if forecast.elapsed + longest * dearer + after > budget_seconds:
            break
        forecast.plan(cells(best.trees * best.recipe.averaged))
        what = f"trying recipe {len(trials) + 1}: {words_of(changed, recipe.averaged)}"
        forecast.tuning(budget_seconds - after, what)
        began = forecast.elapsed
        found = search.judge(recipe, best)
        seconds = forecast.elapsed - began
        longest = max(longest, seconds / dearer)
        if found is None:
            trials.append(
                Trial(
                    changed=changed,
                    averaged=recipe.averaged,
                    verdict=Verdict.GIVEN_UP,
                    seconds=round(seconds, 3),
                )
            )
            continue
        gain, noise = search.gain(found, best)
        # What is dearer to score has to be surely better.
        better = gain > (2 * noise if recipe.averaged > best.recipe.averaged else noise)
        verdict = Verdict.BETTER if better else Verdict.NOT_BETTER
        trials.append(search.trial(found, changed, verdict, seconds, gain, noise))
        if better:
            best = found
    last = max(place for place, trial in enumerate(trials) if trial.verdict is Verdict.BETTER)
    trials[last] = msgspec.structs.replace(trials[last], verdict=Verdict.CHOSEN)
    tuning = Tuning(
        budget_seconds=budget_seconds,
        events=search.events,
        frauds=search.frauds,
        trials=tuple(trials),
        recipe=best.recipe,
    )
    return best.recipe, best.trees, tuning


class _Search:
    def __init__(self, grower: Grower, folds: Sequence[Fold], forecast: Forecast):
        import numpy as np

        self._grower = grower
        self._folds = folds
        self._is_fraud = [grower.table.is_fraud[fold.judged] for fold in folds]
        judged = np.unique(np.concatenate([fold.judged for fold in folds]))
        self.events = len(judged)
        self.frauds = int(grower.table.is_fraud[judged].sum())
        features = len(grower.table.features)
        self._what = ""

        def tell(rows: int, trees: int, most: int) -> None:
            forecast.measured(10.0 * rows * features)

        grower.tell_trees = tell

    def first(self, recipe: Recipe) -> _Judged:
        """The recipe on all folds, whatever comes of it."""
        judged = self.judge(recipe, None)
        assert judged is not None
        return judged

    def judge(self, recipe: Recipe, leader: _Judged | None) -> _Judged | None:
        """The recipe on all folds; None when it falls behind the leader's first fold."""
        most = int(recipe.parameters["num_iterations"])
        counted = []
        for place, fold in enumerate(self._folds):
            behind = None if leader is None or place else _falls_behind(recipe, leader)
            grown = self._grower.grow(recipe, fold.learned, most, judged=fold.judged, behind=behind)
            if grown is None:
                return None
            counted.append((grown, fold))
        trees = best_trees(counted)
        raw = tuple(self._grower.raw(grown, fold.judged, trees) for grown, fold in counted)
        return _Judged(recipe, raw, counted[0][0].losses, trees)

    def trial(
        self,
        judged: _Judged,
        changed: Parameters,
        verdict: Verdict,
        seconds: float,
        gain: float | None = None,
        noise: float | None = None,
    ) -> Trial:
        """The record of a recipe that was judged."""
        pairs = list(zip(self._is_fraud, judged.raw, strict=True))
        return Trial(
            changed=changed,
            averaged=judged.recipe.averaged,
            verdict=verdict,
            seconds=round(seconds, 3),
            trees=judged.trees,
            average_precision=_mean(average_precision(fraud, raw) for fraud, raw in pairs),
            auc=_mean(auc_range(fraud, raw)[0] for fraud, raw in pairs),
            gain=None if gain is None else round(gain, 5),
            noise=None if noise is None else round(noise, 5),
        )

    def gain(self, found: _Judged, best: _Judged) -> tuple[float, float]:
        """By how much the average precision is better, and the standard error of that: by weighing
        the same events by chance for both (Poisson bootstrap)."""
        import numpy as np

        chance = np.random.default_rng(len(self._folds))
        gains = np.zeros(_RESAMPLED + 1)
        for is_fraud, raw, other in zip(self._is_fraud, found.raw, best.raw, strict=True):
            ranked = [_ranked(is_fraud, each) for each in (raw, other)]
            for number in range(_RESAMPLED + 1):
                weights = np.ones(len(raw))
                if number:
                    weights = chance.poisson(1.0, len(raw)).astype(np.float64)
                one, two = (_precision(hits, weights[order]) for order, hits in ranked)
                gains[number] += (one - two) / len(self._folds)
        return float(gains[0]), float(gains[1:].std())


def _ranked(
    is_fraud: NDArray[np.bool_], raw: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    import numpy as np

    order = np.argsort(-raw, kind="stable")
    return order, is_fraud[order]


def _precision(hits: NDArray[np.bool_], weights: NDArray[np.float64]) -> float:
    """Average precision of weighted events in the order of their rank."""
    import numpy as np

    found = weights * hits
    total = found.sum()
    if total == 0:
        return 0.0
    return float((found * np.cumsum(found) / np.maximum(np.cumsum(weights), 1e-12)).sum() / total)


def _falls_behind(recipe: Recipe, leader: _Judged) -> Callable[[int, float], bool] | None:
    """Whether after some trees the loss is clearly worse than the leader's after as much learning.

    None where the losses mean something else, as with other weights.
    """
    same = ("scale_pos_weight", "is_unbalance", "objective")
    if any(recipe.parameters.get(n) != leader.recipe.parameters.get(n) for n in same):
        return None
    rate = float(recipe.parameters["learning_rate"])
    ratio = rate / float(leader.recipe.parameters["learning_rate"])

    def behind(trees: int, loss: float) -> bool:
        if trees % 10 or trees * rate < _BEFORE_GIVING_UP:
            return False
        place = min(len(leader.losses), max(1, round(trees * ratio))) - 1
        return loss > _BEHIND * leader.losses[place]

    return behind


class _Recipes:
    """Recipes to try, none of them twice, each with what it changes in the first one."""

    def __init__(self, first: Recipe):
        import numpy as np

        self._first = first
        self._seen = {_key(first)}
        self._changes = list(_CHANGES)
        self._averaged = list(_AVERAGED)
        self._chance = np.random.default_rng(int(first.parameters.get("seed", 0)))
        self._left = _MOST_BY_CHANCE

    def next(self, best: Recipe) -> tuple[Parameters, Recipe] | None:
        """What to try next, given the best so far; None when there is nothing more."""
        while self._changes or self._averaged or self._left:
            if self._changes:
                recipe = Recipe(best.parameters | self._changes.pop(0), best.averaged)
            elif self._averaged:
                recipe = Recipe(best.parameters, self._averaged.pop(0))
            else:
                self._left -= 1
                recipe = Recipe(best.parameters | self._by_chance(), best.averaged)
            if _key(recipe) not in self._seen:
                self._seen.add(_key(recipe))
                before = self._first.parameters
                changed = {n: v for n, v in recipe.parameters.items() if before.get(n) != v}
                return changed, recipe
        return None

    def _by_chance(self) -> Parameters:
        names = self._chance.choice(
            sorted(_RANGES), int(self._chance.integers(1, 4)), replace=False
        )
        return {
            str(name): _RANGES[name][int(self._chance.integers(len(_RANGES[name])))]
            for name in names
        }


def _key(recipe: Recipe) -> tuple[object, ...]:
    told = (pair for pair in recipe.parameters.items() if pair not in _UNTOLD)
    return recipe.averaged, *sorted(told)


def _mean(values: Iterator[float]) -> float:
    found = list(values)
    return round(sum(found) / len(found), 5)
