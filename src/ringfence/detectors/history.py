"""All that was said of events, by whichever way they came: decisions and predictions together."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    false,
    literal,
    or_,
    select,
)

from ringfence.detectors import tables
from ringfence.detectors.decisions import decision_of
from ringfence.detectors.predictions import Prediction, as_prediction, prediction_of
from ringfence.errors import NotFound
from ringfence.events import tables as event_tables
from ringfence.events.log import stored_event

# Times are told to the millisecond, and kept to the microsecond.
_TOLD = timedelta(milliseconds=1)


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for; what is None may be anything. `since` and `until` are moments as they
    are told, to the millisecond, and both are within."""

    event_id: str | None = None
    event_type: str | None = None
    detector_id: str | None = None
    detector_version: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where something that was said stands among all, in order of time: decisions stand before
    predictions of the same moment. `number` is 0 for decisions."""

    at: datetime
    event_type: str = ""
    event_id: str = ""
    number: int = 0


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """That something was said of an event, and where it stands."""

    event_type: str
    event_id: str
    event_at: datetime
    detector_id: str
    detector_version: str
    predicted_at: datetime
    place: Place


def search_history(
    connection: Connection, search: Search, *, after: Place | None = None, limit: int
) -> list[Summary]:
    """What was said of events, the earliest first, `limit` at most, beyond the place `after`."""
    found = [
        *_summaries(connection, _decided(search, after).limit(limit)),
        *_summaries(connection, _predicted(search, after).limit(limit)),
    ]
    return sorted(found, key=_order)[:limit]


def latest_in_history(connection: Connection) -> Summary | None:
    """What was said last; None if nothing ever was."""
    decisions, predictions = tables.decisions.c, tables.predictions.c
    found = [
        *_summaries(
            connection,
            _decided(Search(), None).order_by(None).order_by(decisions.decided_at.desc()).limit(1),
        ),
        *_summaries(
            connection,
            _predicted(Search(), None)
            .order_by(None)
            .order_by(predictions.predicted_at.desc(), predictions.prediction_id.desc())
            .limit(1),
        ),
    ]
    return max(found, key=_order, default=None)


def from_history(connection: Connection, search: Search) -> Prediction:
    """The last of what is found, whole; of a decision, the rules that matched. Raises
    `NotFound`."""
    decisions, predictions = tables.decisions.c, tables.predictions.c
    predicted = connection.execute(
        select(tables.predictions)
        .where(*_filters(search, tables.predictions.c, predictions.predicted_at))
        .order_by(predictions.predicted_at.desc(), predictions.prediction_id.desc())
        .limit(1)
    ).first()
    decided = connection.execute(
        select(tables.decisions)
        .where(*_filters(search, tables.decisions.c, decisions.decided_at))
        .order_by(decisions.decided_at.desc())
        .limit(1)
    ).first()
    if predicted is not None and (decided is None or predicted.predicted_at >= decided.decided_at):
        return prediction_of(predicted)
    if decided is None:
        raise NotFound("there is no such prediction", field="predictionTimestamp")
    return _of_decision(connection, decided)


def _of_decision(connection: Connection, row: Row[Any]) -> Prediction:
    decision = decision_of(row)
    event = stored_event(connection, decision.event_type, decision.event_id)
    return as_prediction(decision, event)


def _decided(search: Search, after: Place | None) -> Select[Any]:
    decisions, events = tables.decisions.c, event_tables.events
    query = (
        select(
            decisions.event_type,
            decisions.event_id,
            events.c.at.label("event_at"),
            decisions.detector_id,
            decisions.detector_version,
            decisions.decided_at.label("at"),
            literal(0).label("number"),
        )
        .join(
            events,
            and_(
                events.c.event_type == decisions.event_type,
                events.c.event_id == decisions.event_id,
            ),
        )
        .where(*_filters(search, decisions, decisions.decided_at))
        .order_by(decisions.decided_at, decisions.event_type, decisions.event_id)
    )
    if search.event_id is not None and search.event_type is None:
        # Ids are found within their types.
        query = query.where(decisions.event_type.in_(select(event_tables.event_types.c.name)))
    if after is None:
        return query
    beyond = or_(
        decisions.event_type > after.event_type,
        and_(decisions.event_type == after.event_type, decisions.event_id > after.event_id),
    )
    return query.where(
        decisions.decided_at >= after.at,
        or_(decisions.decided_at > after.at, beyond if after.number == 0 else false()),
    )


def _predicted(search: Search, after: Place | None) -> Select[Any]:
    predictions = tables.predictions.c
    query = (
        select(
            predictions.event_type,
            predictions.event_id,
            predictions.event_at,
            predictions.detector_id,
            predictions.detector_version,
            predictions.predicted_at.label("at"),
            predictions.prediction_id.label("number"),
        )
        .where(*_filters(search, predictions, predictions.predicted_at))
        .order_by(predictions.predicted_at, predictions.prediction_id)
    )
    if after is None:
        return query
    return query.where(
        predictions.predicted_at >= after.at,
        or_(predictions.predicted_at > after.at, predictions.prediction_id > after.number),
    )


def _filters(
    search: Search, columns: Any, at: ColumnElement[datetime]
) -> list[ColumnElement[bool]]:
    exact = ("event_id", "event_type", "detector_id", "detector_version")
    found = [
        columns[name] == getattr(search, name)
        for name in exact
        if getattr(search, name) is not None
    ]
    if search.since is not None:
        found.append(at >= search.since)
    if search.until is not None:
        found.append(at < search.until + _TOLD)
    return found


def _summaries(connection: Connection, query: Select[Any]) -> list[Summary]:
    return [
        Summary(
            event_type=row.event_type,
            event_id=row.event_id,
            event_at=row.event_at,
            detector_id=row.detector_id,
            detector_version=row.detector_version,
            predicted_at=row.at,
            place=Place(row.at, row.event_type, row.event_id, row.number),
        )
        for row in connection.execute(query)
    ]


def _order(summary: Summary) -> tuple[datetime, int, str, str]:
    place = summary.place
    return place.at, place.number, place.event_type, place.event_id
