"""Training: from a data set to a model that can be stored and used.

The last 15% of the events by time are held out: they stop the training, set the score map and give
the metrics. With a profile plan, history is replayed through it first, and what was remembered is
learned from beside the event itself. The same data and seed make the same model, byte for byte.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from ringfence.errors import InvalidInput
from ringfence.events.variables import Variable
from ringfence.models.artifact import Artifact, Encoding, Rates
from ringfence.models.calibration import MAX_SCORE, false_positive_rate, score_bounds
from ringfence.models.data import DataSet
from ringfence.models.definitions import Facts, Importance, UsedVariable
from ringfence.models.encoding import block_starts
from ringfence.models.habits import PREFIX, Remembered, remembered_features
from ringfence.models.history import check_plan, remembered
from ringfence.models.matrix import Distinct
from ringfence.models.messages import Message
from ringfence.models.metrics import Metrics, measure
from ringfence.models.splitting import Split, split, split_remembering
from ringfence.models.steps import TIME_INPUT, Feature, features_of, steps_for
from ringfence.models.trees import let_threads_sleep
from ringfence.models.validation import check
from ringfence.profiles import ProfilePlan

if TYPE_CHECKING:
    import lightgbm
    import numpy as np
    from numpy.typing import NDArray

MAX_TREES = 300
_MAX_TREES_REMEMBERING = 500
_PATIENCE = 30
_PARAMETERS: dict[str, str | float | int | bool] = {
    "objective": "binary",
    "metric": "binary_logloss",
    "learning_rate": 0.06,
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
# Fraud lies in the last thousandth of an amount or a ratio, which 255 bins would mix with what is
# merely large. As many bins as rows can fill, within bounds: more of them take longer.
_ROWS_A_BIN = 250
_FEWEST_BINS, _MOST_BINS = 255, 4_095


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished training, not yet stored."""

    artifact: Artifact
    facts: Facts
    metrics: Metrics
    importance: tuple[Importance, ...]
    messages: tuple[Message, ...]


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

    steps = steps_for(used)
    columns = {v.name: data.frame[v.name].to_list() for v in used}
    columns[TIME_INPUT] = data.frame[TIME_INPUT].to_list()
    is_fraud = data.is_fraud()
    encodings: dict[str, Encoding] = {}
    blocks: list[NDArray[np.float64]] = []
    enriching = 0.35 if plan is None else 0.2
    for done, step in enumerate(steps):
        tell(0.05 + enriching * done / len(steps), f"enriching {' with '.join(step.inputs)}")
        learned, features = Distinct(step, columns).learn(is_fraud, rows.stop)
        encodings |= learned
        blocks.append(features)
    if plan is not None:
        blocks.append(
            remembered(
                data, plan, lambda done: tell(0.25 + 0.15 * done, "replaying history into profiles")
            )
        )
    matrix = np.hstack(blocks)
    del blocks
    features_used: tuple[Feature | Remembered, ...] = (
        *features_of(steps, encodings),
        *remembered_features(plan, used),
    )

    # In the first block nothing is known of any level yet, which is unlike anything in service.
    learned_rates = any(isinstance(encoding, Rates) for encoding in encodings.values())
    start = max(rows.start, int(block_starts(rows.stop)[1])) if learned_rates else rows.start
    parameters = _parameters(rows, plan) | {"seed": seed}
    booster = _boost(
        matrix, is_fraud, Split(start, rows.stop, rows.held_out), features_used, parameters, tell
    )

    tell(0.95, "calibrating and measuring")
    best = booster.best_iteration or booster.current_iteration()
    raw = np.asarray(booster.predict(matrix[rows.held_out :], num_iteration=best, raw_score=True))
    held_out = is_fraud[rows.held_out :]
    bounds = score_bounds(raw[~held_out])
    metrics = measure(
        held_out,
        raw,
        np.searchsorted(np.array(bounds), raw, side="right"),
        {score: false_positive_rate(score) for score in range(MAX_SCORE + 1)},
    )
    artifact = Artifact(
        event_type=data.event_type.name,
        variables=tuple(used),
        encodings=encodings,
        features=tuple(feature.name for feature in features_used),
        bounds=bounds,
        trees=_text(booster, best),
        plan=plan,
    )
    facts = Facts(
        source=data.source,
        sha256=data.sha256,
        sha256_of=data.sha256_of,
        rows=data.rows,
        frauds=int(is_fraud.sum()),
        first_at=columns[TIME_INPUT][0],
        last_at=columns[TIME_INPUT][-1],
        training_rows=rows.stop - rows.start,
        held_out_rows=data.rows - rows.held_out,
        variables=tuple(UsedVariable(v.name, v.variable_type) for v in used),
        seed=seed,
        parameters=parameters,
        best_iteration=best,
        library_versions={name: version(name) for name in ("lightgbm", "numpy", "polars")},
        duration_seconds=round(time.perf_counter() - started, 3),
    )
    tell(1.0, "trained")
    return Trained(
        artifact, facts, metrics, _importance(booster, best, features_used, used), messages
    )


def _silent(share: float, what: str) -> None:
    """No progress is shown."""


def _rows(data: DataSet, plan: ProfilePlan | None) -> Split:
    if plan is None:
        return split(data.rows)
    return split_remembering(data.frame[TIME_INPUT].to_list(), data.past[TIME_INPUT][0])


def _parameters(rows: Split, plan: ProfilePlan | None) -> dict[str, str | float | int | bool]:
    if plan is None:
        return _PARAMETERS | {"num_iterations": MAX_TREES}
    bins = max(_FEWEST_BINS, min(_MOST_BINS, (rows.stop - rows.start) // _ROWS_A_BIN))
    return _REMEMBERING | {"num_iterations": _MAX_TREES_REMEMBERING, "max_bin": bins}


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


def _boost(
    matrix: NDArray[np.float64],
    is_fraud: NDArray[np.bool_],
    rows: Split,
    features: Sequence[Feature | Remembered],
    given: Mapping[str, str | float | int | bool],
    tell: Callable[[float, str], None],
) -> lightgbm.Booster:
    let_threads_sleep()
    import lightgbm

    parameters: dict[str, Any] = {**given, "num_threads": min(8, os.cpu_count() or 1)}
    most = parameters.pop("num_iterations")
    names = [feature.name.replace("~", "_with_") for feature in features]
    learned = lightgbm.Dataset(
        matrix[rows.start : rows.stop],
        is_fraud[rows.start : rows.stop],
        feature_name=names,
        params=parameters,
    )
    held_out = lightgbm.Dataset(
        matrix[rows.held_out :], is_fraud[rows.held_out :], reference=learned
    )

    def report(environment: lightgbm.callback.CallbackEnv) -> None:
        done = environment.iteration + 1
        if done % 10 == 0:
            tell(0.4 + 0.55 * done / most, f"growing tree {done} of at most {most}")

    return lightgbm.train(
        parameters,
        learned,
        num_boost_round=most,
        valid_sets=[held_out],
        callbacks=[lightgbm.early_stopping(_PATIENCE, verbose=False), report],
    )


def _text(booster: lightgbm.Booster, best: int) -> str:
    """The trees alone: the parameters that LightGBM appends name the machine's threads."""
    text = booster.model_to_string(num_iteration=best)
    return text.partition("\nparameters:\n")[0].rstrip("\n") + "\n"


def _importance(
    booster: lightgbm.Booster,
    best: int,
    features: Sequence[Feature | Remembered],
    used: Sequence[Variable],
) -> tuple[Importance, ...]:
    gains = booster.feature_importance("gain", iteration=best)
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
