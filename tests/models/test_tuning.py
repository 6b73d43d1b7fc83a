from __future__ import annotations

import itertools

import lightgbm
import numpy as np
import pytest
from synthetic_payments import features_matrix

from ringfence.errors import InvalidInput
from ringfence.models import DataSet, Scorer, Trained, train
from ringfence.models.artifact import pack
from ringfence.models.boosting import Grower, parameters_for
from ringfence.models.forecast import Forecast
from ringfence.models.matrix import feature_table
from ringfence.models.merging import merged
from ringfence.models.splitting import Split, later_fold, split
from ringfence.models.steps import TIME_INPUT, steps_for
from ringfence.models.trees import Trees
from ringfence.models.trials import Recipe, Tuning, Verdict
from ringfence.models.tuning import _CHANGES, _RANGES, _Recipes, tune

_FEW = ["amount", "ip_address", "visits"]


@pytest.fixture(scope="module")
def tuning(data: DataSet) -> Tuning:
    """A search by a clock that is a hundredth of a second later whenever it is looked at."""
    ticks = itertools.count()
    used = [v for v in data.variables if v.name in _FEW]
    rows = split(data.rows)
    table = feature_table(data, used, None, rows, lambda done, what: None)
    at = data.frame[TIME_INPUT].dt.epoch("us").to_numpy()
    recipe, trees, found = tune(
        Grower(table),
        [later_fold(table.rows, at)],
        Recipe(parameters_for(rows, remembering=False) | {"seed": 7}),
        Forecast(None, lambda: next(ticks) / 100),
        1.5,
        lambda trees: 1_000.0 * trees,
    )
    assert recipe == found.recipe
    assert trees > 0
    return found


def test_what_was_tried_is_told_with_what_came_of_it(tuning: Tuning) -> None:
    assert len(tuning.trials) > 5
    assert tuning.trials[0].changed == {}
    assert [t.verdict for t in tuning.trials].count(Verdict.CHOSEN) == 1
    for trial in tuning.trials:
        assert (trial.average_precision is None) == (trial.verdict is Verdict.GIVEN_UP)
    chosen = next(t for t in tuning.trials if t.verdict is Verdict.CHOSEN)
    assert tuning.recipe.averaged == chosen.averaged
    assert chosen.changed.items() <= tuning.recipe.parameters.items()


def test_a_recipe_is_chosen_for_a_gain_beyond_its_noise(tuning: Tuning) -> None:
    for trial in tuning.trials[1:]:
        if trial.gain is not None and trial.noise is not None:
            better = trial.verdict in (Verdict.BETTER, Verdict.CHOSEN)
            assert better == (trial.gain > trial.noise * (1 if trial.averaged == 1 else 2))


def test_events_to_choose_by_are_neither_learned_from_nor_held_out(data: DataSet) -> None:
    rows = Split(100, 2_000, 2_400)
    at = data.frame[TIME_INPUT].dt.epoch("us").to_numpy()
    fold = later_fold(rows, at)
    assert fold.learned[0] == 100
    assert len(fold.judged) == round(1_900 * 0.15)
    assert fold.judged[-1] == 1_999
    # As far from those to choose by as the held-out ones are from all that is learned from.
    gap = at[fold.judged[0]] - at[fold.learned[-1]]
    assert gap >= min(at[2_400] - at[1_999], (at[1_999] - at[100]) // 10)


def test_the_recipe_makes_a_tuned_version_again(data: DataSet) -> None:
    tuned = train(data, variables=_FEW, seed=7, budget_seconds=2.0)
    again = train(data, variables=_FEW, seed=7, recipe=tuned.facts.recipe)
    assert pack(again.artifact) == pack(tuned.artifact)
    assert again.facts.recipe == tuned.facts.recipe


def test_a_recipe_goes_with_any_seed(data: DataSet) -> None:
    one = train(data, variables=_FEW, seed=7)
    other = train(data, variables=_FEW, seed=8, recipe=one.facts.recipe)
    assert other.facts.seed == other.facts.parameters["seed"] == 8
    assert pack(other.artifact) == pack(train(data, variables=_FEW, seed=8).artifact)


def test_a_budget_that_is_no_time_is_refused(data: DataSet) -> None:
    for seconds in (0.0, -1.0, float("nan"), 1e9):
        with pytest.raises(InvalidInput) as refused:
            train(data, variables=_FEW, budget_seconds=seconds)
        assert refused.value.field == "budget_seconds"


def test_a_tiny_budget_still_makes_a_version(data: DataSet) -> None:
    trained = train(data, variables=_FEW, budget_seconds=0.001)
    assert trained.facts.tuning is not None
    assert len(trained.facts.tuning.trials) == 1


def test_no_recipe_is_tried_twice_and_all_stay_within_ranges() -> None:
    first = Recipe({"learning_rate": 0.06, "num_leaves": 31, "num_iterations": 300, "seed": 1})
    recipes = _Recipes(first)
    tried = []
    while (found := recipes.next(first)) is not None:
        changed, recipe = found
        assert changed or recipe.averaged > 1
        assert first.parameters | changed == recipe.parameters
        tried.append(str(recipe))
    assert len(set(tried)) == len(tried) > len(_CHANGES)
    assert set(_RANGES) >= {"learning_rate", "num_leaves", "scale_pos_weight"}


def test_an_average_is_one_model_whose_score_and_reasons_are_the_means(
    data: DataSet, trained: Trained
) -> None:
    columns = {name: data.frame[name].to_list()[:100] for name in data.frame.columns}
    assert TIME_INPUT in columns
    matrix = features_matrix(
        steps_for(trained.artifact.variables), columns, trained.artifact.encodings
    )
    other = train(data, seed=11)
    assert other.artifact.features == trained.artifact.features
    texts = [trained.artifact.trees, other.artifact.trees]
    one, two = (Trees(text) for text in texts)
    both = Trees(merged(texts))
    values = matrix.ravel().tolist()
    means = np.mean([one.log_odds(values, 100), two.log_odds(values, 100)], axis=0)
    assert list(both.log_odds(values, 100)) == pytest.approx(list(means), abs=1e-12)
    loaded = lightgbm.Booster(model_str=merged(texts))
    assert loaded.num_trees() == sum(lightgbm.Booster(model_str=t).num_trees() for t in texts)
    for row in matrix[:3].tolist():
        reasons = np.mean([one.contributions(row), two.contributions(row)], axis=0)
        assert list(both.contributions(row)) == pytest.approx(list(reasons), abs=1e-9)
        assert sum(both.contributions(row)) == pytest.approx(both.log_odds(row, 1)[0], abs=1e-9)


def test_the_average_of_one_is_itself(trained: Trained) -> None:
    assert merged([trained.artifact.trees]) == trained.artifact.trees


def test_an_averaging_recipe_makes_a_version_that_serves(data: DataSet) -> None:
    recipe = train(data, variables=_FEW, seed=3).facts.recipe
    assert recipe is not None
    averaged = train(data, variables=_FEW, seed=3, recipe=Recipe(recipe.parameters, 3))
    assert averaged.measured is not None
    frame = data.frame.tail(averaged.facts.held_out_rows)
    rows = frame.select(_FEW).to_dicts()
    scores = Scorer(averaged.measured).score(rows, frame[TIME_INPUT].to_list())
    row = averaged.metrics.rows[100]
    assert sum(s >= row.threshold for s in scores) == row.true_positives + row.false_positives
    assert sum(i.share for i in averaged.importance) == pytest.approx(1.0)
