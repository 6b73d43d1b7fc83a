"""Models and their versions, as they were trained.

What a version is measured by depends on its kind: of a model of account takeovers there is no AUC
of frauds to show, but how well it separates strangers from owners.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from ringfence.access import Scope
from ringfence.errors import Conflict
from ringfence.models import (
    Facts,
    Importance,
    Message,
    MetricRow,
    Metrics,
    Model,
    ModelVersion,
    TakeoverMetrics,
    TakeoverRow,
    Threshold,
    get_version,
    list_models,
    list_versions,
    suggest_challenges,
    suggest_thresholds,
)
from ringfence.web.api import Call, Operations
from ringfence.web.services import Services

operations = Operations("models")


class ShownMetrics(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How good a version is on held-out events. A version that was trained on fraud has `auc` with
    its 95 % range, `average_precision` and `rows`; one of account takeovers has `takeover` only."""

    auc: float | None = None
    auc_low: float | None = None
    auc_high: float | None = None
    average_precision: float | None = None
    rows: tuple[MetricRow, ...] = ()
    takeover: TakeoverMetrics | None = None


class ShownVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One trained version: `1.0`, `2.0`, and so on. It never changes."""

    model_id: str
    version: str
    facts: Facts
    metrics: ShownMetrics
    importance: tuple[Importance, ...]
    messages: tuple[Message, ...]
    created_at: datetime


@operations.add("GET", "/v1/models", scope=Scope.MODELS_READ, reply=list[Model])
def get_models(services: Services, call: Call) -> list[Model]:
    """All models."""
    with services.database.read() as connection:
        return list_models(connection)


@operations.add(
    "GET", "/v1/models/{model_id}/versions", scope=Scope.MODELS_READ, reply=list[ShownVersion]
)
def get_model_versions(services: Services, call: Call) -> list[ShownVersion]:
    """All versions of a model, oldest first, with data, metrics and variable importance.

    A version of a model of account takeovers has no AUC: its separation index is in
    `metrics.takeover`.
    """
    with services.database.read() as connection:
        return [_shown(of) for of in list_versions(connection, call.path["model_id"])]


@operations.add(
    "GET",
    "/v1/models/{model_id}/versions/{version}/thresholds",
    scope=Scope.MODELS_READ,
    reply=list[Threshold],
)
def get_thresholds(services: Services, call: Call) -> list[Threshold]:
    """Suggested thresholds at 1 % to 6 % false positives.

    A version of a model of account takeovers has challenges instead.
    """
    version = _version(services, call)
    if version.metrics.takeover is not None:
        raise Conflict(
            f"model {version.model_id!r} was not measured on frauds",
            field="model_id",
            expected="the operation /challenges for a model of account takeovers",
        )
    return list(suggest_thresholds(version.metrics))


@operations.add(
    "GET",
    "/v1/models/{model_id}/versions/{version}/challenges",
    scope=Scope.MODELS_READ,
    reply=list[TakeoverRow],
)
def get_challenges(services: Services, call: Call) -> list[TakeoverRow]:
    """Suggested thresholds of a model of account takeovers: those that challenge 1 % to 6 % of
    logins, and the strangers and labelled takeovers that each finds."""
    version = _version(services, call)
    if version.metrics.takeover is None:
        raise Conflict(
            f"model {version.model_id!r} is none of account takeovers",
            field="model_id",
            expected="the operation /thresholds for a model of frauds",
        )
    return list(suggest_challenges(version.metrics.takeover))


def _version(services: Services, call: Call) -> ModelVersion:
    with services.database.read() as connection:
        return get_version(connection, call.path["model_id"], call.path["version"])


def _shown(of: ModelVersion) -> ShownVersion:
    return ShownVersion(
        model_id=of.model_id,
        version=of.version,
        facts=of.facts,
        metrics=_measures(of.metrics),
        importance=of.importance,
        messages=of.messages,
        created_at=of.created_at,
    )


def _measures(of: Metrics) -> ShownMetrics:
    if of.takeover is not None:
        return ShownMetrics(takeover=of.takeover)
    return ShownMetrics(
        auc=of.auc,
        auc_low=of.auc_low,
        auc_high=of.auc_high,
        average_precision=of.average_precision,
        rows=of.rows,
    )
