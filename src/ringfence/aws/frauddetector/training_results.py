"""What came of a training, as `DescribeModelVersions` tells it.

Both forms are given: the first, which has no place for models of account takeovers, and the second.
Titles of messages are those that Fraud Detector documents or that are remembered of it; all of them
stand here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ringfence.models import Importance, Metrics, ModelType, ModelVersion
from ringfence.models.habits import owner_of
from ringfence.models.messages import Message
from ringfence.models.steps import TIME_INPUT
from ringfence.profiles import ProfilePlan

# What is said of columns that every data set has is about the file, not about a variable.
_FILE_COLUMNS = frozenset(
    ["ENTITY_ID", "EVENT_ID", "EVENT_LABEL", "EVENT_TIMESTAMP", "LABEL_TIMESTAMP"]
)
_LABELS = "Missing or different EVENT_LABEL values"
_TIMES = "Missing or incorrect EVENT_TIMESTAMP values"
_TITLES: Mapping[str, str] = {
    "Missing label column": _LABELS,
    "Unknown label values": _LABELS,
    "Missing timestamp column": _TIMES,
    "Missing or incorrect timestamps": _TIMES,
    "Incorrect values": "Missing or incorrect variable type",
    "Insufficient unique values": "Insufficient unique variable values",
    "Missing account": "Insufficient unique entities",
}
"""Our titles, and what Fraud Detector calls the same; others are alike."""

_OF_PROFILE = "PROFILE"


def first_result(version: ModelVersion) -> dict[str, Any]:
    """`trainingResult` of a version."""
    metrics = version.metrics
    return {
        "dataValidationMetrics": validation(version.messages),
        "trainingMetrics": None
        if metrics.takeover is not None
        else {"auc": metrics.auc, "metricDataPoints": _points(metrics)},
        "variableImportanceMetrics": _importance(version.importance),
    }


def second_result(
    version: ModelVersion, model_type: ModelType, plan: ProfilePlan | None
) -> dict[str, Any]:
    """`trainingResultV2` of a version; `plan` is what it remembers."""
    return {
        "dataValidationMetrics": validation(version.messages),
        "trainingMetricsV2": _measures(version.metrics, model_type),
        "variableImportanceMetrics": _importance(version.importance),
        "aggregatedVariablesImportanceMetrics": _aggregated(version, plan),
    }


def failed_result(messages: Iterable[Message]) -> dict[str, Any]:
    """Either form for a training that came to nothing: why."""
    return {"dataValidationMetrics": validation(messages)}


def validation(messages: Iterable[Message]) -> dict[str, Any]:
    """`dataValidationMetrics`: what is said of the data as a whole, and of variables."""
    of_file: list[dict[str, str]] = []
    of_fields: list[dict[str, str]] = []
    for message in messages:
        told = {
            "title": _TITLES.get(message.title, message.title),
            "content": message.text,
            "type": str(message.kind),
        }
        if message.column is None or message.column in _FILE_COLUMNS:
            of_file.append(told)
        else:
            of_fields.append({"fieldName": message.column, "identifier": message.column, **told})
    return {"fileLevelMessages": of_file, "fieldLevelMessages": of_fields}


def _measures(metrics: Metrics, model_type: ModelType) -> dict[str, Any]:
    if metrics.takeover is not None:
        rows = metrics.takeover.rows
        return {
            "ati": {
                "metricDataPoints": [
                    {"cr": r.cr, "adr": r.adr, "atodr": r.atodr, "threshold": r.threshold}
                    for r in rows
                ],
                "modelPerformance": {"asi": metrics.takeover.asi},
            }
        }
    measured = {
        "metricDataPoints": _points(metrics),
        "modelPerformance": {
            "auc": metrics.auc,
            "uncertaintyRange": {
                "lowerBoundValue": metrics.auc_low,
                "upperBoundValue": metrics.auc_high,
            },
        },
    }
    return {"tfi" if model_type is ModelType.TRANSACTION_FRAUD_INSIGHTS else "ofi": measured}


def _points(metrics: Metrics) -> list[dict[str, float]]:
    return [
        {"fpr": row.fpr, "precision": row.precision, "tpr": row.tpr, "threshold": row.threshold}
        for row in metrics.rows
    ]


def _importance(importance: Iterable[Importance]) -> dict[str, Any]:
    """Of the variables of an event; what is remembered is told with the aggregates, and when it
    was is no variable to clients."""
    return {
        "logOddsMetrics": [
            {
                "variableName": one.variable,
                "variableType": one.variable_type,
                "variableImportance": one.share,
            }
            for one in importance
            if one.variable_type != _OF_PROFILE and one.variable != TIME_INPUT
        ]
    }


def _aggregated(version: ModelVersion, plan: ProfilePlan | None) -> dict[str, Any] | None:
    """How much matters what is remembered of some variables together; entities by their type."""
    takeover = version.metrics.takeover
    if takeover is not None:
        together = {group.variables: group.log_odds for group in takeover.groups}
    elif plan is not None:
        names = {
            owner_of(aggregate): tuple(s.entity or s.variable or "" for s in aggregate.by)
            for aggregate in plan.aggregates
        }
        together = {}
        for one in version.importance:
            if one.variable_type == _OF_PROFILE and one.variable in names:
                group = names[one.variable]
                together[group] = together.get(group, 0.0) + one.share
    else:
        return None
    ordered = sorted(together.items(), key=lambda pair: (-pair[1], pair[0]))
    return {
        "logOddsMetrics": [
            {"variableNames": list(group), "aggregatedVariablesImportance": matters}
            for group, matters in ordered
        ]
    }
