"""Decisions: what was decided about an event, as a record and as a stored row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select

from ringfence.detectors import tables
from ringfence.detectors.profiles import ProfileValues
from ringfence.errors import NotFound
from ringfence.rules import RuleResult
from ringfence.storage import RowInsert


class MatchedRule(msgspec.Struct, frozen=True):
    """A rule that matched."""

    rule_id: str
    version: str
    outcomes: tuple[str, ...]


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided about an event. `scores` are by model output variable, 0-1000 unless an
    external model declares another scale; one that failed without a fallback has none.

    `profile_values` are what the models were given of profiles, by plan id and in the order of the
    plan's aggregates, None where there was no value; None as a whole if no model looks at any.
    `external_texts` are what endpoints of external models said word for word, by output variable;
    None if none was asked.
    """

    event_type: str
    event_id: str
    detector_id: str
    detector_version: str
    decided_at: datetime
    scores: Mapping[str, float]
    rules: tuple[MatchedRule, ...]
    outcomes: tuple[str, ...]
    case_id: str | None = None
    note: str | None = None
    repeated: bool = False
    profile_values: Mapping[str, Sequence[float | None]] | None = None
    external_texts: Mapping[str, str] | None = None


def stored_decision(connection: Connection, event_type: str, event_id: str) -> Decision:
    """The decision about an event. Raises `NotFound`."""
    row = connection.execute(
        select(tables.decisions).where(
            tables.decisions.c.event_type == event_type, tables.decisions.c.event_id == event_id
        )
    ).first()
    if row is None:
        raise NotFound(f"there is no decision about event {event_id!r}", field="event_id")
    return decision_of(row)


def latest_decisions(connection: Connection, limit: int = 50) -> list[Decision]:
    """The latest decisions, newest first."""
    rows = connection.execute(
        select(tables.decisions).order_by(tables.decisions.c.decided_at.desc()).limit(limit)
    )
    return [decision_of(row) for row in rows]


def insert_decisions(connection: Connection, decisions: Sequence[Decision]) -> None:
    """Store new decisions, at least one."""
    _DECISIONS.insert(connection, [_row(decision) for decision in decisions])


def decision_of(row: Row[Any], *, repeated: bool = False) -> Decision:
    """The decision of a row of the table."""
    return Decision(
        event_type=row.event_type,
        event_id=row.event_id,
        detector_id=row.detector_id,
        detector_version=row.detector_version,
        decided_at=row.decided_at,
        scores=row.scores,
        rules=msgspec.convert(row.rule_results, tuple[MatchedRule, ...]),
        outcomes=tuple(row.outcomes),
        case_id=row.case_id,
        note=row.note,
        repeated=repeated,
        profile_values=row.profile_values,
        external_texts=row.external_texts,
    )


def matched_rules(results: Sequence[RuleResult]) -> tuple[MatchedRule, ...]:
    """The rules that matched, in their order."""
    return tuple(
        MatchedRule(result.rule_id, result.version, result.outcomes)
        for result in results
        if result.matched
    )


def outcomes_of(rules: Sequence[MatchedRule]) -> tuple[str, ...]:
    """The outcomes of rules that matched, each once."""
    return tuple(dict.fromkeys(name for rule in rules for name in rule.outcomes))


def stored_values(
    profiles: ProfileValues, number: int
) -> Mapping[str, Sequence[float | None]] | None:
    """The profile values of one of the events as a decision holds them; None if there are none."""
    if not profiles:
        return None
    # JSON has no NaN.
    return {
        plan_id: [None if value != value else value for value in values[number]]
        for plan_id, values in profiles.items()
    }


def seen_values(decision: Decision) -> ProfileValues:
    """The profile values that an event was decided with, as for a batch of that one event."""
    return {
        plan_id: [[math.nan if value is None else value for value in values]]
        for plan_id, values in (decision.profile_values or {}).items()
    }


_DECISIONS = RowInsert(
    tables.decisions,
    "event_type",
    "event_id",
    "detector_id",
    "detector_version",
    "decided_at",
    "scores",
    "rule_results",
    "outcomes",
    "case_id",
    "note",
    "profile_values",
    "external_texts",
)


def _row(decision: Decision) -> tuple[Any, ...]:
    return (
        decision.event_type,
        decision.event_id,
        decision.detector_id,
        decision.detector_version,
        decision.decided_at,
        decision.scores,
        decision.rules,
        decision.outcomes,
        decision.case_id,
        decision.note,
        decision.profile_values,
        decision.external_texts,
    )
