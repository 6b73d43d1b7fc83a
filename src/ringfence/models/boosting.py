"""Growing trees on a table of features: LightGBM's parameters, and when to stop."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ringfence.events.variables import Variable
from ringfence.models.definitions import Importance
from ringfence.models.habits import PREFIX, Remembered
from ringfence.models.matrix import FeatureTable
from ringfence.models.splitting import Split
from ringfence.models.steps import Feature
from ringfence.models.trees import let_threads_sleep

if TYPE_CHECKING:
    import lightgbm

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


def parameters_for(rows: Split, *, remembering: bool) -> dict[str, str | float | int | bool]:
    """LightGBM's parameters for so many rows, of events alone or with what is remembered."""
    if not remembering:
        return _PARAMETERS | {"num_iterations": MAX_TREES}
    bins = max(_FEWEST_BINS, min(_MOST_BINS, (rows.stop - rows.start) // _ROWS_A_BIN))
    return _REMEMBERING | {"num_iterations": _MAX_TREES_REMEMBERING, "max_bin": bins}


def grow(
    table: FeatureTable,
    given: Mapping[str, str | float | int | bool],
    tell: Callable[[float, str], None],
) -> lightgbm.Booster:
    """Trees on the rows that are learned from, until the held-out rows gain nothing more.

    `tell` is told a share of this work (0 to 1) and what is being done.
    """
    let_threads_sleep()
    import lightgbm

    parameters: dict[str, Any] = {**given, "num_threads": min(8, os.cpu_count() or 1)}
    most = parameters.pop("num_iterations")
    learned = table.learned_set(parameters)

    def report(environment: lightgbm.callback.CallbackEnv) -> None:
        done = environment.iteration + 1
        if done % 10 == 0:
            tell(done / most, f"growing tree {done} of at most {most}")

    return lightgbm.train(
        parameters,
        learned,
        num_boost_round=most,
        valid_sets=[table.held_out_set(learned)],
        callbacks=[lightgbm.early_stopping(_PATIENCE, verbose=False), report],
    )


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
