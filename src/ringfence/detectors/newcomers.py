"""Entities that are seen for the first time: of these Amazon Fraud Detector's models of takeovers
say nothing, and give -1 for a score. Models that were not trained for its clients judge a first
login by its network and its device."""

from __future__ import annotations

from sqlalchemy import Connection

from ringfence.detectors.versions import ModelRef
from ringfence.errors import NotFound
from ringfence.models import ModelType, get_model
from ringfence.models.trainings import get_training
from ringfence.profiles import Kind, ProfilePlan

NOT_KNOWN = -1.0
"""The score of an event whose entity was never seen before."""


def place_of_count(connection: Connection, ref: ModelRef, plan: ProfilePlan | None) -> int | None:
    """Where, among the values of its plan, a model version that gives -1 for newcomers finds how
    often the entity was seen; None for one that judges newcomers like others."""
    if plan is None or not _is_for_clients(connection, ref):
        return None
    for place, aggregate in enumerate(plan.aggregates):
        if (
            aggregate.kind is Kind.COUNT
            and len(aggregate.by) == 1
            and aggregate.by[0].entity is not None
            and aggregate.horizon_seconds is None
            and aggregate.half_life_seconds is None
        ):
            return place
    return None


def _is_for_clients(connection: Connection, ref: ModelRef) -> bool:
    if get_model(connection, ref.model_id).model_type is not ModelType.ACCOUNT_TAKEOVER_INSIGHTS:
        return False
    try:
        return get_training(connection, ref.model_id, ref.version).request is not None
    except NotFound:
        return False
