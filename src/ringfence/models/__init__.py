"""Learning: data set, enrichment, training, calibration to 0-1000, metrics, explanations.

A model version turns an event's variables into a score, and with a profile plan also what is
remembered of its entities. This room knows nothing of rules and outcomes, which decide what a
score leads to.
"""

from ringfence.models.artifact import Artifact
from ringfence.models.baseline import Baseline
from ringfence.models.data import DataSet, read_data
from ringfence.models.definitions import (
    Facts,
    Importance,
    Model,
    ModelType,
    ModelVersion,
    UsedVariable,
    create_model,
    get_model,
    get_version,
    list_models,
    list_versions,
    load_artifact,
    load_baseline,
    output_variable,
    store_version,
)
from ringfence.models.explanations import Contribution
from ringfence.models.history import plan_for
from ringfence.models.messages import DataInvalid, Message, MessageKind
from ringfence.models.metrics import (
    GroupImportance,
    MetricRow,
    Metrics,
    TakeoverMetrics,
    TakeoverRow,
    Threshold,
    suggest_challenges,
    suggest_thresholds,
)
from ringfence.models.scoring import Scorer
from ringfence.models.takeover import takeover_plan, train_takeover
from ringfence.models.training import Trained, train
from ringfence.models.trials import Recipe, Trial, Tuning

__all__ = [
    "Artifact",
    "Baseline",
    "Contribution",
    "DataInvalid",
    "DataSet",
    "Facts",
    "GroupImportance",
    "Importance",
    "Message",
    "MessageKind",
    "MetricRow",
    "Metrics",
    "Model",
    "ModelType",
    "ModelVersion",
    "Recipe",
    "Scorer",
    "TakeoverMetrics",
    "TakeoverRow",
    "Threshold",
    "Trained",
    "Trial",
    "Tuning",
    "UsedVariable",
    "create_model",
    "get_model",
    "get_version",
    "list_models",
    "list_versions",
    "load_artifact",
    "load_baseline",
    "output_variable",
    "plan_for",
    "read_data",
    "store_version",
    "suggest_challenges",
    "suggest_thresholds",
    "takeover_plan",
    "train",
    "train_takeover",
]
