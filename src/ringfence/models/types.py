"""The three types of models, and how each is trained.

Whoever has a data set and a model's type trains here; how trees grow is in `training` and
`takeover`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ringfence.models.boosting import Grower
from ringfence.models.data import DataSet
from ringfence.models.definitions import ModelType
from ringfence.models.history import plan_for
from ringfence.models.takeover import train_takeover
from ringfence.models.training import Trained, train
from ringfence.models.weights import LabelWeight

if TYPE_CHECKING:
    from datetime import datetime

    from ringfence.models.matrix import FeatureTable
    from ringfence.profiles import ProfilePlan


def learns_from_logins(model_type: ModelType) -> bool:
    """Whether models of this type learn from events that nobody has labelled."""
    return model_type is ModelType.ACCOUNT_TAKEOVER_INSIGHTS


def train_as(
    model_type: ModelType,
    data: DataSet,
    *,
    since: datetime | None = None,
    seed: int = 0,
    budget_seconds: float | None = None,
    weights: Mapping[str, LabelWeight] | None = None,
    grower: Callable[[FeatureTable], Grower] = Grower,
    progress: Callable[[float, str], None] | None = None,
    planned: Callable[[ProfilePlan], None] | None = None,
) -> Trained:
    """Train a model of this type as it is usually done: with the profiles that are proposed for
    one that remembers, which `planned` is told of before a training that takes long.

    `data` was read without required labels for a model that learns from logins, which takes neither
    `since` nor a budget, weights or a grower. The rest, and what is raised, is as for `train` and
    `train_takeover`.
    """
    if learns_from_logins(model_type):
        return train_takeover(data, seed=seed, progress=progress)
    plan = plan_for(data) if model_type is ModelType.TRANSACTION_FRAUD_INSIGHTS else None
    if plan is not None and planned is not None:
        planned(plan)
    return train(
        data,
        plan=plan,
        since=since,
        seed=seed,
        budget_seconds=budget_seconds,
        weights=weights,
        grower=grower,
        progress=progress,
    )
