"""Compared events as they are stored, read so that any number of them fits into memory.

They are counted by the database, some at a time, and only those that count for calls and money, or
serve as an example, are read one by one. What the counts mean is for `report`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    LargeBinary,
    Row,
    Select,
    and_,
    func,
    or_,
    select,
    type_coerce,
)

from ringfence.detectors import tables
from ringfence.detectors.decisions import MatchedRule
from ringfence.errors import NotFound
from ringfence.events import tables as event_tables

_COUNTED_AT_ONCE = 50_000
_READ_AT_ONCE = 2_000
# With more different ones than these, all events are read instead.
_MOST_NAMED = 400
_DAY = 86_400_000_000


class Group(NamedTuple):
    """So many events that are alike. What is stored as JSON is left as it is stored; `day` is
    counted from 1970-01-01, `example` is the id of one of the events."""

    day: int
    champion_version: str
    champion_scores: bytes
    challenger_scores: bytes
    champion_rules: bytes
    challenger_rules: bytes
    label: str | None
    label_source: str | None
    events: int
    example: str


class ShadowDecision(msgspec.Struct, frozen=True, kw_only=True):
    """What a shadow said of an event, or `failure`: why it could say nothing."""

    decided_at: datetime
    scores: dict[str, float]
    rules: tuple[MatchedRule, ...]
    outcomes: tuple[str, ...]
    failure: str | None


def shadow_decision(
    connection: Connection, detector_id: str, version: str, event_type: str, event_id: str
) -> ShadowDecision:
    """What a shadow said of one event. Raises `NotFound`."""
    said = tables.shadow_decisions
    row = connection.execute(
        select(said).where(
            said.c.event_type == event_type,
            said.c.event_id == event_id,
            said.c.detector_id == detector_id,
            said.c.version == version,
        )
    ).first()
    if row is None:
        raise NotFound(
            f"version {version!r} of detector {detector_id!r} said nothing of event {event_id!r}",
            field="event_id",
        )
    return ShadowDecision(
        decided_at=row.decided_at,
        scores=row.scores,
        rules=msgspec.convert(row.rule_results, tuple[MatchedRule, ...]),
        outcomes=tuple(row.outcomes),
        failure=row.failure,
    )


class Compared:
    """What a shadow said of events from `since` on and before `until`, on one connection."""

    def __init__(
        self,
        connection: Connection,
        detector_id: str,
        version: str,
        since: datetime | None,
        until: datetime | None,
    ):
        self._connection = connection
        self._detector_id = detector_id
        self._version = version
        self._since = since
        self._until = until

    def bounds(self) -> tuple[datetime, datetime] | None:
        """When the first and the last of the events were decided about; None if there is none."""
        at = tables.shadow_decisions.c.decided_at
        first, last = (
            self._connection.execute(
                select(at).where(self._within(self._since, self._until)).order_by(order).limit(1)
            ).scalar()
            for order in (at, at.desc())
        )
        return None if first is None or last is None else (first, last)

    def failures(self, most: int) -> list[tuple[str, int]]:
        """Why the shadow could say nothing, and of how many events; the most frequent first."""
        failure = tables.shadow_decisions.c.failure
        rows = self._connection.execute(
            select(failure, func.count())
            .where(self._within(self._since, self._until), failure.is_not(None))
            .group_by(failure)
            .order_by(func.count().desc(), failure)
            .limit(most)
        )
        return [(text, count) for text, count in rows]

    def failed(self) -> int:
        """Of how many events the shadow could not say anything."""
        said = tables.shadow_decisions
        return self._connection.execute(
            select(func.count())
            .select_from(said)
            .where(self._within(self._since, self._until), said.c.failure.is_not(None))
        ).scalar_one()

    def decided(self, first: datetime, last: datetime) -> int:
        """About how many events the detector decided in that time."""
        decisions = tables.decisions
        return self._connection.execute(
            select(func.count())
            .select_from(decisions)
            .where(
                decisions.c.decided_at >= first,
                decisions.c.decided_at <= last,
                decisions.c.detector_id == self._detector_id,
            )
        ).scalar_one()

    def groups(self) -> Iterator[Group]:
        """All events that both versions judged, grouped; a group may come more than once."""
        said, decisions, events = tables.shadow_decisions, tables.decisions, event_tables.events
        what: list[Any] = [
            # By its name below: with a parameter in it, no database knows it again.
            (type_coerce(said.c.decided_at, BigInteger) // _DAY).label("day"),
            decisions.c.detector_version,
            type_coerce(decisions.c.scores, LargeBinary),
            type_coerce(said.c.scores, LargeBinary),
            type_coerce(decisions.c.rule_results, LargeBinary),
            type_coerce(said.c.rule_results, LargeBinary),
            events.c.label,
            events.c.label_source,
        ]
        query = _joined(select(*what, func.count(), func.max(said.c.event_id)))
        query = query.where(said.c.failure.is_(None)).group_by(*what)
        for since, until in self._slices():
            for row in self._connection.execute(query.where(self._within(since, until))):
                yield Group(*row)

    def telling(
        self,
        champion_rules: Collection[bytes],
        challenger_rules: Collection[bytes],
        fraud_labels: Sequence[str],
    ) -> Iterator[Row[Any]]:
        """In order of time, the events for which one of the versions has rule results that are
        named here, and all frauds; and possibly others.

        Rows of `at` (microseconds since 1970), both `..._rules`, `label`, `variables` and
        `entities` (JSON as it is stored).
        """
        said, decisions, events = tables.shadow_decisions, tables.decisions, event_tables.events
        query = _joined(
            select(
                type_coerce(said.c.decided_at, BigInteger).label("at"),
                type_coerce(decisions.c.rule_results, LargeBinary).label("champion_rules"),
                type_coerce(said.c.rule_results, LargeBinary).label("challenger_rules"),
                events.c.label,
                type_coerce(events.c.variables, LargeBinary).label("variables"),
                type_coerce(events.c.entities, LargeBinary).label("entities"),
            )
        ).where(said.c.failure.is_(None), self._within(self._since, self._until))
        if len(champion_rules) + len(challenger_rules) <= _MOST_NAMED:
            query = query.where(
                or_(
                    events.c.label.in_(fraud_labels),
                    type_coerce(decisions.c.rule_results, LargeBinary).in_(champion_rules),
                    type_coerce(said.c.rule_results, LargeBinary).in_(challenger_rules),
                )
            )
        query = query.order_by(said.c.decided_at)
        yield from self._connection.execute(query, execution_options={"yield_per": _READ_AT_ONCE})

    def examples(self, event_ids: Sequence[str]) -> Iterator[Row[Any]]:
        """Of these events: their ids, when they were decided about, both versions' scores, the
        label and the case."""
        said, decisions, events = tables.shadow_decisions, tables.decisions, event_tables.events
        for start in range(0, len(event_ids), _MOST_NAMED):
            query = _joined(
                select(
                    said.c.event_type,
                    said.c.event_id,
                    said.c.decided_at,
                    decisions.c.scores.label("champion_scores"),
                    said.c.scores.label("challenger_scores"),
                    events.c.label,
                    decisions.c.case_id,
                )
            ).where(
                said.c.event_id.in_(event_ids[start : start + _MOST_NAMED]),
                said.c.detector_id == self._detector_id,
                said.c.version == self._version,
            )
            yield from self._connection.execute(query)

    def _slices(self) -> Iterator[tuple[datetime | None, datetime | None]]:
        """The window in parts with a bounded number of events each."""
        at = tables.shadow_decisions.c.decided_at
        since = self._since
        while True:
            until = self._connection.execute(
                select(at)
                .where(self._within(since, self._until))
                .order_by(at)
                .offset(_COUNTED_AT_ONCE)
                .limit(1)
            ).scalar()
            if until is not None and until == since:  # more of one time than a slice should have
                until = self._connection.execute(
                    select(func.min(at)).where(self._within(since, self._until), at > since)
                ).scalar()
            yield since, self._until if until is None else until
            if until is None:
                return
            since = until

    def _within(self, since: datetime | None, until: datetime | None) -> ColumnElement[bool]:
        said = tables.shadow_decisions.c
        of = [said.detector_id == self._detector_id, said.version == self._version]
        if since is not None:
            of.append(said.decided_at >= since)
        if until is not None:
            of.append(said.decided_at < until)
        return and_(*of)


def _joined(query: Select[Any]) -> Select[Any]:
    said, decisions, events = tables.shadow_decisions, tables.decisions, event_tables.events
    return query.select_from(
        said.join(
            decisions,
            (decisions.c.event_type == said.c.event_type)
            & (decisions.c.event_id == said.c.event_id),
        ).join(
            events,
            (events.c.event_type == said.c.event_type) & (events.c.event_id == said.c.event_id),
        )
    )
