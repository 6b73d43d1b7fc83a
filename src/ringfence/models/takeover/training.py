"""Training a model of account takeovers, with labels or without any.

Trees learn to tell logins from strangers who are made up (`strangers.py`), by what is remembered of
the account and of what the visitor comes with; confirmed takeovers join the strangers and weigh
more. A score is calibrated on the latest logins, none of which was learned from: it stands for the
share of ordinary logins that would be challenged. The same data and seed make the same model.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from ringfence.models.artifact import Artifact
from ringfence.models.baseline_counting import baseline_of_logins
from ringfence.models.boosting import importance_of, text_of
from ringfence.models.data import DataSet
from ringfence.models.definitions import Facts, UsedVariable
from ringfence.models.habits import Remembered
from ringfence.models.splitting import split_remembering
from ringfence.models.steps import (
    TIME_INPUT,
    Feature,
)
from ringfence.models.takeover.calibration import challenge_bounds
from ringfence.models.takeover.contrast import (
    CAMPAIGN,
    LOGIN,
    STRANGER,
    TAKEOVER,
    Contrast,
    contrast_of,
    matrix_of,
    parts_of,
)
from ringfence.models.takeover.logins import (
    check_logins,
    login_variables,
    logins_of,
)
from ringfence.models.takeover.measuring import measure_takeovers
from ringfence.models.takeover.plan import direction, takeover_plan
from ringfence.models.training import Trained
from ringfence.models.trees import let_threads_sleep
from ringfence.profiles import ProfilePlan

if TYPE_CHECKING:
    import lightgbm
    import numpy as np
    from numpy.typing import NDArray

_MOST_TREES = 400
_PATIENCE = 30
_PARAMETERS: dict[str, str | float | int | bool] = {
    "objective": "binary",
    "metric": "binary_logloss",
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_data_in_leaf": 100,
    "min_sum_hessian_in_leaf": 5.0,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "max_bin": 255,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
    "num_iterations": _MOST_TREES,
}
# Of what the trees learn from, logins weigh 1 each; this is what the others weigh together, as a
# part of that. Campaigns are few and say most of visits that come again (`bench/takeover.py`).
_STRANGERS_WEIGH, _CAMPAIGNS_WEIGH, _TAKEOVERS_WEIGH = 0.4, 0.6, 1.0
# A single confirmed takeover counts for no more than so many logins.
_MOST_A_TAKEOVER = 25.0


def train_takeover(
    data: DataSet,
    *,
    plan: ProfilePlan | None = None,
    seed: int = 0,
    progress: Callable[[float, str], None] | None = None,
) -> Trained:
    """Train on the logins of a data set, a model of type ACCOUNT_TAKEOVER_INSIGHTS.

    All rows count, labelled or not (`read_data(..., labels_required=False)`): a label only says
    which logins were takeovers. `plan` is what is remembered, by default `takeover_plan`; it must
    know how often an account was seen. `progress` is told a share of the work (0 to 1) and what is
    being done. Raises `DataInvalid` with messages that name the column.
    """
    import numpy as np

    started = time.perf_counter()
    tell = progress or _silent
    tell(0.0, "checking the logins")
    of = login_variables(data)
    logins = logins_of(data, of)
    messages = tuple(check_logins(logins, of, data))
    plan = plan or takeover_plan(data.event_type.name, of)
    plan.check(data.event_type)
    times = data.past.filter(data.past[f"entity:{of.account}"].is_not_null())[TIME_INPUT].to_list()
    parts = split_remembering(times, times[0])

    tell(0.05, "making up strangers")
    rows = contrast_of(
        logins, of, plan, parts, seed, lambda done, what: tell(0.1 + 0.5 * done, what)
    )
    used = [v for v in data.variables if v.name == of.credentials]
    learned, stopping, held_out = parts_of(logins, rows, parts)
    matrix, encodings, features = matrix_of(rows, used, plan, learned)
    parameters = _PARAMETERS | {"seed": seed}
    booster = _grow(
        matrix, rows, learned, stopping, features, parameters,
        lambda done, what: tell(0.6 + 0.35 * done, what),
    )  # fmt: skip

    tell(0.95, "calibrating and measuring")
    best = booster.best_iteration or booster.current_iteration()
    raw = np.asarray(booster.predict(matrix[held_out], num_iteration=best, raw_score=True))
    kind = rows.kind[held_out]
    bounds = challenge_bounds(raw[kind == LOGIN])
    anomalies = matrix[held_out][rows.is_made_up[held_out]]
    metrics = measure_takeovers(
        raw,
        np.searchsorted(np.array(bounds), raw, side="right"),
        is_made_up=rows.is_made_up[held_out],
        is_takeover=kind == TAKEOVER,
        accounts_taken_over=len(set(logins.account[logins.takeover])),
        features=features,
        contributions=np.asarray(
            booster.predict(anomalies[:: max(1, len(anomalies) // 2_000)], num_iteration=best,
                            pred_contrib=True)
        ),
    )  # fmt: skip
    artifact = Artifact(
        event_type=data.event_type.name,
        variables=tuple(used),
        encodings=encodings,
        features=tuple(feature.name for feature in features),
        bounds=bounds,
        trees=text_of(booster, best),
        plan=plan,
    )
    looked_at = {of.address, *of.of_visitor, of.credentials}
    facts = Facts(
        source=data.source,
        sha256=data.sha256,
        sha256_of=data.sha256_of,
        rows=len(logins),
        frauds=int(logins.takeover.sum()),
        first_at=times[0],
        last_at=times[-1],
        training_rows=parts.held_out - parts.start,
        held_out_rows=len(logins) - parts.held_out,
        variables=tuple(
            UsedVariable(v.name, v.variable_type) for v in data.variables if v.name in looked_at
        ),
        seed=seed,
        parameters=parameters | {"made_up_logins": int((rows.kind != LOGIN).sum())},
        best_iteration=best,
        library_versions={name: version(name) for name in ("lightgbm", "numpy", "polars")},
        duration_seconds=round(time.perf_counter() - started, 3),
    )
    real = np.asarray(
        booster.predict(matrix[parts.held_out : len(logins)], num_iteration=best, raw_score=True)
    )
    baseline = baseline_of_logins(
        data, of.account, used, parts, encodings, plan, rows.values[: len(logins)], real,
        np.searchsorted(np.array(bounds), real, side="right"), metrics,
    )  # fmt: skip
    importance = importance_of(booster, best, features, used)
    tell(1.0, "trained")
    return Trained(artifact, facts, metrics, importance, messages, baseline)


def _silent(share: float, what: str) -> None:
    """No progress is shown."""


def _weights(kind: NDArray[np.int8]) -> NDArray[np.float64]:
    import numpy as np

    weights = np.ones(len(kind))
    logins = float((kind == LOGIN).sum())
    shares = {STRANGER: _STRANGERS_WEIGH, CAMPAIGN: _CAMPAIGNS_WEIGH, TAKEOVER: _TAKEOVERS_WEIGH}
    for which, share in shares.items():
        count = int((kind == which).sum())
        if count:
            each = share * logins / count
            weights[kind == which] = min(each, _MOST_A_TAKEOVER) if which == TAKEOVER else each
    return weights


def _grow(
    matrix: NDArray[np.float64],
    rows: Contrast,
    learned: NDArray[np.int64],
    stopping: NDArray[np.int64],
    features: tuple[Feature | Remembered, ...],
    given: dict[str, str | float | int | bool],
    tell: Callable[[float, str], None],
) -> lightgbm.Booster:
    let_threads_sleep()
    import lightgbm

    parameters: dict[str, Any] = {
        **given,
        "num_threads": min(8, os.cpu_count() or 1),
        "monotone_constraints": [
            direction(f.aggregate) if isinstance(f, Remembered) else 0 for f in features
        ],
    }
    most = parameters.pop("num_iterations")

    def taken(some: NDArray[np.int64], reference: lightgbm.Dataset | None) -> lightgbm.Dataset:
        return lightgbm.Dataset(
            matrix[some],
            rows.kind[some] != LOGIN,
            weight=_weights(rows.kind[some]),
            feature_name=[feature.name.replace("~", "_with_") for feature in features],
            params=parameters,
            reference=reference,
        )

    def report(environment: lightgbm.callback.CallbackEnv) -> None:
        done = environment.iteration + 1
        if done % 10 == 0:
            tell(done / most, f"growing tree {done} of at most {most}")

    first = taken(learned, None)
    return lightgbm.train(
        parameters,
        first,
        num_boost_round=most,
        valid_sets=[taken(stopping, first)],
        callbacks=[lightgbm.early_stopping(_PATIENCE, verbose=False), report],
    )
