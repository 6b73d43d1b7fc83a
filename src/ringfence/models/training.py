"""Training: from a data set to a model that can be stored and used.

Three times trees are grown. First to count how many are best, and with a time budget to find out
how (`tuning.py`): judged by the latest of the events that are learned from. Then on all of these,
to be measured on the last 15% of the events by time, which decided nothing: they give the metrics
and the score map. At last the version itself, on all events, for the latest frauds teach the most.

With so few frauds that the last ones would say little, every event is judged by a model that did
not learn from its stretch of time. With a profile plan, history is replayed through it first, and
what was remembered is learned from beside the event itself. The same data, seed and recipe make the
same model, byte for byte.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

from ringfence.errors import InvalidInput
from ringfence.events.variables import Variable
from ringfence.models.artifact import Artifact
from ringfence.models.baseline import Baseline
from ringfence.models.baseline_counting import baseline_of
from ringfence.models.boosting import MAX_TREES, Grower, Grown, parameters_for
from ringfence.models.calibration import (
    MAX_SCORE,
    false_positive_rate,
    probabilities,
    score_bounds,
)
from ringfence.models.course import Course
from ringfence.models.data import DataSet
from ringfence.models.definitions import Facts, Importance, UsedVariable
from ringfence.models.forecast import Forecast
from ringfence.models.history import check_plan
from ringfence.models.matrix import FeatureTable, feature_table
from ringfence.models.messages import Message
from ringfence.models.metrics import Metrics, measure
from ringfence.models.splitting import Split, split, split_remembering
from ringfence.models.steps import TIME_INPUT
from ringfence.models.trials import Recipe
from ringfence.models.tuning import tune
from ringfence.models.uncertainty import uncertainty
from ringfence.models.validation import check
from ringfence.models.weights import DEFAULT_WEIGHTS, LabelWeight, label_weights
from ringfence.profiles import ProfilePlan

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_BUDGET_SECONDS = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished training, not yet stored.

    `measured` is the model that the metrics are of: of the same recipe as `artifact`, but without
    the held-out events. None where events were judged by several models in turn.
    """

    artifact: Artifact
    facts: Facts
    metrics: Metrics
    importance: tuple[Importance, ...]
    messages: tuple[Message, ...]
    baseline: Baseline | None = None
    measured: Artifact | None = None


def train(
    data: DataSet,
    *,
    plan: ProfilePlan | None = None,
    since: datetime | None = None,
    variables: Sequence[str] | None = None,
    seed: int = 0,
    budget_seconds: float | None = None,
    recipe: Recipe | None = None,
    weights: Mapping[str, LabelWeight] | None = None,
    grower: Callable[[FeatureTable], Grower] = Grower,
    progress: Callable[[float, str], None] | None = None,
) -> Trained:
    """Train on a data set that was read for an event type.

    Without a `plan` this gives a model of type ONLINE_FRAUD_INSIGHTS; with one (`plan_for` proposes
    it) a model of type TRANSACTION_FRAUD_INSIGHTS, which needs profile values to score. Events
    before `since` are not learned from, but remembered. `variables` are the names to learn from:
    all that the data has, by default. `weights` are those of labels by their source, by default
    `DEFAULT_WEIGHTS`. `grower` is what grows trees on the table of features: this machine.

    With `budget_seconds` other ways to grow trees are tried for about as long as leaves time to
    train with the best one; `recipe`, that of an earlier version (`facts.recipe`), makes it again
    without trying anything. `progress` is told a share of the time (0 to 1) and what is being done.

    Raises `DataInvalid` with messages that name the column, `InvalidInput` for an unknown variable,
    a budget out of range or a plan that does not fit the data.
    """
    forecast = Forecast(progress, time.perf_counter)
    forecast.enriching(0.0, "checking the data")
    _check_budget(budget_seconds)
    if since is not None:
        data = replace(data, frame=data.frame.filter(data.frame[TIME_INPUT] >= since))
    used = _chosen(data, variables)
    if plan is not None:
        check_plan(plan, data)
    rows = _rows(data, plan)
    messages = (*data.messages, *check(data, used, variables=2 if plan is None else 1))
    # What is known of the work before the table is there: some 60 features, half of the trees.
    forecast.plan(1.3 * data.rows * 60 * MAX_TREES)
    weighed = label_weights(data.frame, DEFAULT_WEIGHTS if weights is None else weights)
    table = feature_table(data, used, plan, rows, forecast.enriching, weights=weighed)
    course = Course(grower(table), data.frame[TIME_INPUT].dt.epoch("us").to_numpy(), forecast)
    if recipe is None:
        features = len(table.features)
        given = parameters_for(rows, remembering=plan is not None, features=features)
        recipe = Recipe(given)
    recipe = Recipe(recipe.parameters | {"seed": seed}, recipe.averaged)
    counted, tuning = None, None
    if budget_seconds is not None:
        recipe, counted, tuning = tune(
            course.grower, course.folds, recipe, forecast, budget_seconds, course.cells
        )
    result = course.run(recipe, counted)

    forecast.closing("calibrating and measuring")
    is_fraud = table.is_fraud[result.rows]
    bounds = score_bounds(result.raw[~is_fraud])
    scores = _scores(bounds, result.raw)
    metrics = measure(
        is_fraud,
        result.raw,
        scores,
        {score: false_positive_rate(score) for score in range(MAX_SCORE + 1)},
    )

    def artifact_of(grown: Grown, trees: int) -> Artifact:
        return Artifact(
            event_type=data.event_type.name,
            variables=tuple(used),
            encodings=table.encodings,
            features=tuple(feature.name for feature in table.features),
            bounds=bounds,
            trees=grown.text(trees),
            plan=plan,
            probabilities=probabilities(scores, is_fraud),
        )

    held_out = slice(-(data.rows - rows.held_out), None)
    baseline = baseline_of(data, table, used, plan, result.raw[held_out], scores[held_out], metrics)
    facts = Facts(
        source=data.source,
        sha256=data.sha256,
        sha256_of=data.sha256_of,
        rows=data.rows,
        frauds=int(table.is_fraud.sum()),
        first_at=data.frame[TIME_INPUT][0],
        last_at=data.frame[TIME_INPUT][-1],
        training_rows=result.learned_rows,
        held_out_rows=len(result.rows),
        final_rows=data.rows - table.rows.start,
        crossed=result.measured is None,
        variables=tuple(UsedVariable(v.name, v.variable_type) for v in used),
        seed=seed,
        parameters=recipe.parameters,
        best_iteration=result.trees,
        recipe=recipe,
        tuning=tuning,
        library_versions={name: version(name) for name in ("lightgbm", "numpy", "polars")},
        duration_seconds=round(forecast.elapsed, 3),
    )
    trained = Trained(
        artifact_of(result.final, result.trees),
        facts,
        metrics,
        result.final.importance(table.features, used, result.trees),
        (*messages, *uncertainty(metrics, crossed=facts.crossed)),
        baseline,
        None if result.measured is None else artifact_of(result.measured, result.trees),
    )
    forecast.end("trained")
    return trained


def _scores(bounds: Sequence[float], raw: NDArray[np.float64]) -> NDArray[np.int64]:
    import numpy as np

    return np.searchsorted(np.array(bounds), raw, side="right")


def _rows(data: DataSet, plan: ProfilePlan | None) -> Split:
    if plan is None:
        return split(data.rows)
    return split_remembering(data.frame[TIME_INPUT].to_list(), data.past[TIME_INPUT][0])


def _check_budget(seconds: float | None) -> None:
    if seconds is not None and not 0 < seconds <= MAX_BUDGET_SECONDS:
        raise InvalidInput(
            "out of range",
            field="budget_seconds",
            expected=f"more than 0, at most {MAX_BUDGET_SECONDS:.0f} seconds",
        )


def _chosen(data: DataSet, names: Sequence[str] | None) -> list[Variable]:
    if names is None:
        return list(data.variables)
    known = {variable.name: variable for variable in data.variables}
    for name in names:
        if name not in known:
            raise InvalidInput(
                f"the data has no variable {name!r} of event type {data.event_type.name!r}",
                field="variables",
                expected="some of " + ", ".join(known),
            )
    return [known[name] for name in dict.fromkeys(names)]
