"""Training: from a data set to a model that can be stored and used.

The last 15% of the events by time are held out: they stop the training, set the score map and give
the metrics. With a profile plan, history is replayed through it first, and what was remembered is
learned from beside the event itself. The same data and seed make the same model, byte for byte.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version

from ringfence.errors import InvalidInput
from ringfence.events.variables import Variable
from ringfence.models.artifact import Artifact
from ringfence.models.baseline import Baseline
from ringfence.models.baseline_counting import baseline_of
from ringfence.models.boosting import grow, importance_of, parameters_for, text_of
from ringfence.models.calibration import MAX_SCORE, false_positive_rate, score_bounds
from ringfence.models.data import DataSet
from ringfence.models.definitions import Facts, Importance, UsedVariable
from ringfence.models.history import check_plan
from ringfence.models.matrix import feature_table
from ringfence.models.messages import Message
from ringfence.models.metrics import Metrics, measure
from ringfence.models.splitting import Split, split, split_remembering
from ringfence.models.steps import TIME_INPUT
from ringfence.models.validation import check
from ringfence.profiles import ProfilePlan


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished training, not yet stored."""

    artifact: Artifact
    facts: Facts
    metrics: Metrics
    importance: tuple[Importance, ...]
    messages: tuple[Message, ...]
    baseline: Baseline | None = None


def train(
    data: DataSet,
    *,
    plan: ProfilePlan | None = None,
    since: datetime | None = None,
    variables: Sequence[str] | None = None,
    seed: int = 0,
    progress: Callable[[float, str], None] | None = None,
) -> Trained:
    """Train on a data set that was read for an event type.

    Without a `plan` this gives a model of type ONLINE_FRAUD_INSIGHTS; with one (`plan_for` proposes
    it) a model of type TRANSACTION_FRAUD_INSIGHTS, which needs profile values to score. Events
    before `since` are not learned from, but remembered. `variables` are the names to learn from:
    all that the data has, by default. `progress` is told a share of the work (0 to 1) and what is
    being done. Raises `DataInvalid` with messages that name the column, `InvalidInput` for an
    unknown variable or a plan that does not fit the data.
    """
    import numpy as np

    started = time.perf_counter()
    tell = progress or _silent
    tell(0.0, "checking the data")
    if since is not None:
        data = replace(data, frame=data.frame.filter(data.frame[TIME_INPUT] >= since))
    used = _chosen(data, variables)
    if plan is not None:
        check_plan(plan, data)
    rows = _rows(data, plan)
    messages = (
        *data.messages,
        *check(data, used, rows.held_out, variables=2 if plan is None else 1),
    )

    table = feature_table(data, used, plan, rows, lambda done, what: tell(0.05 + 0.35 * done, what))
    parameters = parameters_for(rows, remembering=plan is not None) | {"seed": seed}
    booster = grow(table, parameters, lambda done, what: tell(0.4 + 0.55 * done, what))

    tell(0.95, "calibrating and measuring")
    best = booster.best_iteration or booster.current_iteration()
    raw = np.asarray(booster.predict(table.held_out(), num_iteration=best, raw_score=True))
    held_out = table.is_fraud[rows.held_out :]
    bounds = score_bounds(raw[~held_out])
    scores = np.searchsorted(np.array(bounds), raw, side="right")
    metrics = measure(
        held_out,
        raw,
        scores,
        {score: false_positive_rate(score) for score in range(MAX_SCORE + 1)},
    )
    artifact = Artifact(
        event_type=data.event_type.name,
        variables=tuple(used),
        encodings=table.encodings,
        features=tuple(feature.name for feature in table.features),
        bounds=bounds,
        trees=text_of(booster, best),
        plan=plan,
    )
    facts = Facts(
        source=data.source,
        sha256=data.sha256,
        sha256_of=data.sha256_of,
        rows=data.rows,
        frauds=int(table.is_fraud.sum()),
        first_at=data.frame[TIME_INPUT][0],
        last_at=data.frame[TIME_INPUT][-1],
        training_rows=rows.stop - rows.start,
        held_out_rows=data.rows - rows.held_out,
        variables=tuple(UsedVariable(v.name, v.variable_type) for v in used),
        seed=seed,
        parameters=parameters,
        best_iteration=best,
        library_versions={name: version(name) for name in ("lightgbm", "numpy", "polars")},
        duration_seconds=round(time.perf_counter() - started, 3),
    )
    importance = importance_of(booster, best, table.features, used)
    baseline = baseline_of(data, table, used, plan, raw, scores, metrics)
    tell(1.0, "trained")
    return Trained(artifact, facts, metrics, importance, messages, baseline)


def _silent(share: float, what: str) -> None:
    """No progress is shown."""


def _rows(data: DataSet, plan: ProfilePlan | None) -> Split:
    if plan is None:
        return split(data.rows)
    return split_remembering(data.frame[TIME_INPUT].to_list(), data.past[TIME_INPUT][0])


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
