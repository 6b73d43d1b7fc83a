"""A detector version ready to decide: compiled rules and loaded models, kept in memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from ringfence.detectors import tables
from ringfence.detectors.definitions import (
    DetectorStatus,
    DetectorVersion,
    RuleRef,
    get_detector,
    get_detector_version,
    list_rules,
    rule_types,
)
from ringfence.errors import Conflict, InvalidInput, NotFound
from ringfence.events.definitions import current_revision, get_event_type, get_lists
from ringfence.events.reading import Event, EventReader
from ringfence.models import Contribution, Scorer, load_artifact, output_variable
from ringfence.rules import Rule, RuleResult, RuleSet, compile_rule

# How stale a server's definitions may be after another process published new ones.
_REVISION_CHECK_SECONDS = 0.5


class DetectorRuntime:
    """One detector version. Immutable, and safe to use from several threads."""

    def __init__(
        self,
        version: DetectorVersion,
        reader: EventReader,
        scorers: dict[str, Scorer],
        rules: Sequence[Rule],
        rule_set: RuleSet,
    ):
        self.version = version
        self.reader = reader
        self.scorers = scorers
        self.rules = {rule.rule_id: rule for rule in rules}
        self._rule_set = rule_set

    def decide(
        self, events: Sequence[Event]
    ) -> list[tuple[dict[str, float], tuple[RuleResult, ...]]]:
        """Scores (0-1000, by output variable) and rule results of each event."""
        scores: list[dict[str, float]] = [{} for _ in events]
        rows = [event.variables for event in events]
        ats: list[datetime] = [event.at for event in events]
        for variable, scorer in self.scorers.items():
            for of_event, score in zip(scores, scorer.score(rows, ats), strict=True):
                of_event[variable] = score
        return [
            (of_event, self._rule_set.evaluate({**event.variables, **of_event}, event.at))
            for event, of_event in zip(events, scores, strict=True)
        ]

    def explain(self, event: Event) -> dict[str, tuple[Contribution, ...]]:
        """What each model's score is made of. About 3 ms a model."""
        return {
            variable: scorer.explain(event.variables, event.at)
            for variable, scorer in self.scorers.items()
        }


class Catalog:
    """The runtimes in use, loaded when first asked for and again after something was published."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._revision = -1
        self._checked_at = 0.0
        self._runtimes: dict[tuple[str, str], DetectorRuntime] = {}
        self._active: dict[tuple[str, str | None], tuple[str, str]] = {}

    def active(
        self, connection: Connection, event_type: str, detector_id: str | None
    ) -> DetectorRuntime:
        """The active version for an event type, of the named detector or of the only one.

        Raises `NotFound` for an unknown event type or detector, `Conflict` when nothing is active
        or when several detectors are and none was named.
        """
        self._refresh(connection)
        key = (event_type, detector_id)
        chosen = self._active.get(key)
        if chosen is None:
            chosen = self._active[key] = _find_active(connection, event_type, detector_id)
        return self.version(connection, *chosen)

    def version(self, connection: Connection, detector_id: str, version: str) -> DetectorRuntime:
        """A version, active or not. Raises `NotFound`."""
        key = (detector_id, version)
        runtime = self._runtimes.get(key)
        if runtime is None:
            with self._lock:
                runtime = self._runtimes.get(key)
                if runtime is None:
                    runtime = self._runtimes[key] = _load(connection, detector_id, version)
        return runtime

    def cached(self, event_type: str, detector_id: str | None) -> DetectorRuntime | None:
        """The active runtime if it is known and was checked a moment ago; needs no connection."""
        if time.monotonic() - self._checked_at >= _REVISION_CHECK_SECONDS:
            return None
        chosen = self._active.get((event_type, detector_id))
        return None if chosen is None else self._runtimes.get(chosen)

    def _refresh(self, connection: Connection) -> None:
        if time.monotonic() - self._checked_at < _REVISION_CHECK_SECONDS:
            return
        revision = current_revision(connection)
        if revision != self._revision:
            self._runtimes, self._active = {}, {}
            self._revision = revision
        self._checked_at = time.monotonic()


def _find_active(
    connection: Connection, event_type: str, detector_id: str | None
) -> tuple[str, str]:
    get_event_type(connection, event_type)
    detectors, versions = tables.detectors, tables.detector_versions
    query = (
        select(versions.c.detector_id, versions.c.version)
        .join(detectors, detectors.c.detector_id == versions.c.detector_id)
        .where(
            detectors.c.event_type == event_type, versions.c.status == DetectorStatus.ACTIVE
        )
    )
    if detector_id is not None:
        if get_detector(connection, detector_id).event_type != event_type:
            raise NotFound(
                f"detector {detector_id!r} is not for event type {event_type!r}", field="detector"
            )
        query = query.where(versions.c.detector_id == detector_id)
    found = connection.execute(query).all()
    if not found:
        raise Conflict(
            f"no detector version is active for event type {event_type!r}", field="detector"
        )
    if len(found) > 1:
        raise InvalidInput(
            "several detectors are active for this event type",
            field="detector",
            expected="one of " + ", ".join(row.detector_id for row in found),
        )
    return found[0].detector_id, found[0].version


def _load(connection: Connection, detector_id: str, version_number: str) -> DetectorRuntime:
    version = get_detector_version(connection, detector_id, version_number)
    event_type = get_event_type(connection, get_detector(connection, detector_id).event_type)
    stored = {RuleRef(r.rule_id, r.version): r for r in list_rules(connection, detector_id)}
    rules = [stored[ref] for ref in version.rules]
    types = rule_types(connection, event_type.name)
    lists = get_lists(connection)
    return DetectorRuntime(
        version,
        EventReader(event_type),
        {
            output_variable(ref.model_id): Scorer(
                load_artifact(connection, ref.model_id, ref.version)
            )
            for ref in version.models
        },
        rules,
        RuleSet([compile_rule(rule, types, lists) for rule in rules], version.mode),
    )
