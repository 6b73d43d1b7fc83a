"""Predictions: what a detector version says of an event that is not stored, as a record and a row.

They are kept so that they can be listed and explained. Nothing learns from them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row

from ringfence.detectors import tables
from ringfence.detectors.decisions import Decision, matched_rules
from ringfence.events.log import StoredEvent
from ringfence.events.reading import Entity, Event
from ringfence.events.variables import Value
from ringfence.rules import RuleResult
from ringfence.storage import RowInsert


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """What a detector version said of an event when it was asked.

    `scores`, `outcomes`, `note`, `profile_values` and `external_texts` are those of a `Decision`.
    `rules` are all rules of the version, in their order, also those that were not evaluated.
    """

    event_type: str
    event_id: str
    event_at: datetime
    entities: tuple[Entity, ...]
    variables: Mapping[str, Value]
    detector_id: str
    detector_version: str
    predicted_at: datetime
    scores: Mapping[str, float]
    rules: tuple[RuleResult, ...]
    outcomes: tuple[str, ...]
    note: str | None = None
    profile_values: Mapping[str, Sequence[float | None]] | None = None
    external_texts: Mapping[str, str] | None = None

    def as_decision(self) -> Decision:
        """The same in the form of a decision."""
        return Decision(
            event_type=self.event_type,
            event_id=self.event_id,
            detector_id=self.detector_id,
            detector_version=self.detector_version,
            decided_at=self.predicted_at,
            scores=self.scores,
            rules=matched_rules(self.rules),
            outcomes=self.outcomes,
            note=self.note,
            profile_values=self.profile_values,
            external_texts=self.external_texts,
        )

    def as_event(self) -> Event:
        """The event that was asked about."""
        return Event(
            event_type=self.event_type,
            event_id=self.event_id,
            at=self.event_at,
            entities=self.entities,
            variables=dict(self.variables),
            content_hash=b"",
        )


def as_prediction(decision: Decision, event: StoredEvent) -> Prediction:
    """A decision about an event in the form of a prediction; of its rules, those that matched."""
    return Prediction(
        event_type=event.event_type,
        event_id=event.event_id,
        event_at=event.at,
        entities=event.entities,
        variables=event.variables,
        detector_id=decision.detector_id,
        detector_version=decision.detector_version,
        predicted_at=decision.decided_at,
        scores=decision.scores,
        rules=tuple(
            RuleResult(rule.rule_id, rule.version, rule.outcomes, matched=True, evaluated=True)
            for rule in decision.rules
        ),
        outcomes=decision.outcomes,
        note=decision.note,
        profile_values=decision.profile_values,
        external_texts=decision.external_texts,
    )


def insert_predictions(connection: Connection, predictions: Sequence[Prediction]) -> None:
    """Store predictions, at least one."""
    _PREDICTIONS.insert(connection, [_row(prediction) for prediction in predictions])


def prediction_of(row: Row[Any]) -> Prediction:
    """The prediction of a row of the table."""
    return Prediction(
        event_type=row.event_type,
        event_id=row.event_id,
        event_at=row.event_at,
        entities=msgspec.convert(row.entities, tuple[Entity, ...]),
        variables=row.variables,
        detector_id=row.detector_id,
        detector_version=row.detector_version,
        predicted_at=row.predicted_at,
        scores=row.scores,
        rules=msgspec.convert(row.rule_results, tuple[RuleResult, ...]),
        outcomes=tuple(row.outcomes),
        note=row.note,
        profile_values=row.profile_values,
        external_texts=row.external_texts,
    )


_PREDICTIONS = RowInsert(
    tables.predictions,
    "event_type",
    "event_id",
    "event_at",
    "entities",
    "variables",
    "detector_id",
    "detector_version",
    "predicted_at",
    "scores",
    "rule_results",
    "outcomes",
    "note",
    "profile_values",
    "external_texts",
)


def _row(prediction: Prediction) -> tuple[Any, ...]:
    return (
        prediction.event_type,
        prediction.event_id,
        prediction.event_at,
        prediction.entities,
        prediction.variables,
        prediction.detector_id,
        prediction.detector_version,
        prediction.predicted_at,
        prediction.scores,
        prediction.rules,
        prediction.outcomes,
        prediction.note,
        prediction.profile_values,
        prediction.external_texts,
    )
