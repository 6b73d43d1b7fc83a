"""Counting stored events in the bins of a model version's baseline, batch by batch.

Memory does not grow with the events. Events are taken by the time at which they happened. The
version's scores are those of decisions, and of shadows, that were made with it.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Connection, LargeBinary, and_, func, null, select, type_coerce
from sqlalchemy.sql import ColumnElement

from ringfence.detectors import tables
from ringfence.detectors.drift.report import Counts
from ringfence.errors import NotFound
from ringfence.events import tables as event_tables
from ringfence.events.definitions import EventType, get_event_type
from ringfence.events.variables import DataType
from ringfence.models import Artifact, get_model, load_artifact, load_baseline, output_variable
from ringfence.models.baseline import Baseline
from ringfence.models.bins import Bins, number_place, place_of, score_place, single_steps
from ringfence.models.bins import key_of as text_key_of
from ringfence.models.steps import Step

_BATCH = 4_096
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SECOND = 1_000_000
# One second of so many is read when events are drawn. None shares a divisor with minutes, hours,
# days or weeks, so that whatever comes at full minutes or once a day is drawn like the rest.
_EVERY = (11, 23, 47, 97, 199, 401, 809, 1_621, 3_253)

_Count = Callable[[Sequence[Any], Sequence[datetime] | None], dict[int, int]]


class Counting:
    """Counts the events of one model version's type.

    Raises `NotFound` for an unknown version, or for one that has no baseline.
    """

    def __init__(self, connection: Connection, model_id: str, version: str):
        self._connection = connection
        baseline = load_baseline(connection, model_id, version)
        if baseline is None:
            raise NotFound(
                f"version {version} of model {model_id!r} does not say what its data looked like",
                field="version",
                expected="a version trained by a release that watches drift",
            )
        artifact = load_artifact(connection, model_id, version)
        self.baseline: Baseline = baseline
        self.event_type: EventType = get_event_type(
            connection, get_model(connection, model_id).event_type
        )
        self._label = self.event_type.meanings
        self._deciders = _deciders(connection, model_id, version)
        self._shadow = _shadow(connection, self._deciders)
        self._readers = _readers(artifact, baseline)
        self._timed = any(timed for _, timed, _ in self._readers)
        # Fields may be named like Python's words, so each has a name of its own.
        names = [bins.name for bins in (of.bins for of in baseline.watched) if not bins.remembered]
        self._of_event = _decoder(names)
        self._of_score = _decoder([output_variable(model_id)])
        plan = artifact.plan
        self._remembered = tuple(
            place for place, of in enumerate(baseline.watched) if of.bins.remembered
        )
        self._profile = None
        if plan is not None and self._remembered:
            self._profile = _decoder([plan.plan_id])
            order = {aggregate.name: n for n, aggregate in enumerate(plan.aggregates)}
            self._in_plan = [order[baseline.watched[n].bins.name] for n in self._remembered]

    def sampling(self, since: datetime, until: datetime, most: int | None) -> int:
        """One of how many events must be read so that about `most` are read; 1 for all."""
        if most is None:
            return 1
        query = select(func.count()).where(*self._within(since, until))
        count = int(self._connection.execute(query.select_from(event_tables.events)).scalar_one())
        if count <= most:
            return 1
        return next((every for every in _EVERY if count / every <= most), _EVERY[-1])

    def count(self, into: Counts, *, every: int = 1) -> None:
        """Count the events of a slice, one of `every`."""
        for rows in self._batches(into.since, into.until, every):
            into.events += len(rows)
            self._variables(rows, into)
            self._scores(rows, into)

    def _within(self, since: datetime, until: datetime) -> list[ColumnElement[bool]]:
        events = event_tables.events.c
        return [
            events.event_type == self.event_type.name,
            events.at >= since,
            events.at < until,
        ]

    def _batches(self, since: datetime, until: datetime, every: int) -> Iterator[Sequence[Any]]:
        events, decisions = event_tables.events, tables.decisions
        at = type_coerce(events.c.at, BigInteger)
        source = events.outerjoin(
            decisions,
            and_(
                decisions.c.event_type == events.c.event_type,
                decisions.c.event_id == events.c.event_id,
            ),
        )
        of_shadow: ColumnElement[Any] = null()
        if self._shadow is not None:
            shadowed = tables.shadow_decisions
            source = source.outerjoin(
                shadowed,
                and_(
                    shadowed.c.event_type == events.c.event_type,
                    shadowed.c.event_id == events.c.event_id,
                    shadowed.c.detector_id == self._shadow[0],
                    shadowed.c.version == self._shadow[1],
                ),
            )
            of_shadow = type_coerce(shadowed.c.scores, LargeBinary)
        query = (
            select(
                at,
                # As they are stored: what nobody counts is not taken apart.
                type_coerce(events.c.variables, LargeBinary),
                events.c.label,
                decisions.c.detector_id,
                decisions.c.detector_version,
                type_coerce(decisions.c.scores, LargeBinary),
                type_coerce(decisions.c.profile_values, LargeBinary),
                of_shadow,
            )
            .select_from(source)
            .where(*self._within(since, until))
        )
        if every > 1:
            query = query.where((at // _SECOND) % every == 0)
        result = self._connection.execute(query, execution_options={"yield_per": _BATCH})
        yield from result.partitions()

    def _variables(self, rows: Sequence[Any], into: Counts) -> None:
        decode, get = self._of_event
        columns = list(zip(*(get(decode(row[1])) for row in rows), strict=True))
        ats = None
        if self._timed:
            ats = [_EPOCH + timedelta(microseconds=row[0]) for row in rows]
        for (place, _, count), values in zip(self._readers, columns, strict=False):
            _add(into.watched[place], count(values, ats))

    def _scores(self, rows: Sequence[Any], into: Counts) -> None:
        if self._profile is not None:
            self._profiles([row[6] for row in rows if row[6] is not None], into)
        deciders = self._deciders
        mine = []
        for row in rows:
            stored = row[5] if (row[3], row[4]) in deciders else row[7]
            if stored is not None:
                mine.append((row[2], stored))
        if not mine:
            return
        decode, get = self._of_score
        known = [
            (label, score)
            for label, stored in mine
            if (score := get(decode(stored))[0]) is not None
        ]
        into.scored += len(known)
        threshold = self.baseline.threshold
        for label, score in known:
            place = score_place(score)
            into.score[place] += 1
            into.alerts += score >= threshold
            is_fraud = self._label.get(label)
            if is_fraud is not None:
                into.labelled[place] += 1
                into.frauds[place] += is_fraud

    def _profiles(self, stored: Sequence[bytes], into: Counts) -> None:
        assert self._profile is not None
        decode, get = self._profile
        found = [values for values in (get(decode(of))[0] for of in stored) if values is not None]
        if not found:
            return
        columns = list(zip(*found, strict=True))
        for place, in_plan in zip(self._remembered, self._in_plan, strict=True):
            bins = self.baseline.watched[place].bins
            of_column = Counter(number_place(bins, value) for value in columns[in_plan])
            _add(into.watched[place], of_column)


def _decoder(names: Sequence[str]) -> tuple[Callable[[bytes], Any], Callable[[Any], Any]]:
    """A function that reads only these fields of a JSON object, and one that gives them in their
    order as a tuple, None for one that is not there."""
    fields = [f"f{number}" for number in range(len(names))]
    document = msgspec.defstruct(
        "Document",
        [(field, Any, None) for field in fields],
        rename=dict(zip(fields, names, strict=True)),
    )
    if not fields:
        return msgspec.json.Decoder(document).decode, lambda _: ()
    got = attrgetter(*fields)
    one: Callable[[Any], Any] = (lambda of: (got(of),)) if len(fields) == 1 else got
    return msgspec.json.Decoder(document).decode, one


def _readers(artifact: Artifact, baseline: Baseline) -> list[tuple[int, bool, _Count]]:
    """For each watched variable its place, whether it needs the event's time, and how to count a
    column of its values by bin."""
    steps = single_steps(artifact.variables)
    numeric = {
        variable.name
        for variable in artifact.variables
        if variable.data_type in (DataType.FLOAT, DataType.INTEGER)
    }
    found = []
    for place, watched in enumerate(baseline.watched):
        bins = watched.bins
        if bins.remembered:
            continue
        step = steps[bins.name]
        key = text_key_of(step)
        encoding = artifact.encodings.get(step.key_stem(key[1])) if key else None
        timed = len(step.inputs) > 1
        if not bins.is_text and step.enrichment.numeric and bins.name in numeric:
            count = _number_counter(bins)
        else:
            count = _value_counter(bins, step, place_of(bins, step, encoding), timed)
        found.append((place, timed, count))
    return found


def _number_counter(bins: Bins) -> _Count:
    edges = bins.edges

    def count(values: Sequence[Any], _ats: Sequence[datetime] | None) -> dict[int, int]:
        return Counter(
            1 + bisect_left(edges, value) if value is not None and math.isfinite(value) else 0
            for value in values
        )

    return count


def _value_counter(
    bins: Bins, step: Step, place: Callable[[Any, datetime | None], int], timed: bool
) -> _Count:
    def count(values: Sequence[Any], ats: Sequence[datetime] | None) -> dict[int, int]:
        if timed:
            assert ats is not None
            return Counter(place(value, at) for value, at in zip(values, ats, strict=True))
        found: dict[int, int] = {}
        # What comes again is placed once.
        for value, often in Counter(values).items():
            of_value = place(value, None)
            found[of_value] = found.get(of_value, 0) + often
        return found

    return count


def _add(counts: list[int], more: dict[int, int]) -> None:
    for place, often in more.items():
        counts[place] += often


def _deciders(connection: Connection, model_id: str, version: str) -> frozenset[tuple[str, str]]:
    """The detector versions that decide with this model version."""
    versions = tables.detector_versions.c
    rows: Iterable[Any] = connection.execute(
        select(versions.detector_id, versions.version, versions.models)
    )
    return frozenset(
        (row.detector_id, row.version)
        for row in rows
        if any(
            model["model_id"] == model_id and model["version"] == version for model in row.models
        )
    )


def _shadow(connection: Connection, deciders: frozenset[tuple[str, str]]) -> tuple[str, str] | None:
    """The one of these detector versions that was last started as a shadow; None if none was."""
    shadows = tables.shadows.c
    rows = connection.execute(
        select(shadows.detector_id, shadows.version).order_by(shadows.started_at.desc())
    )
    return next(
        (pair for row in rows if (pair := (row.detector_id, row.version)) in deciders), None
    )
