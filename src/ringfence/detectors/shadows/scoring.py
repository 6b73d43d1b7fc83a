"""Shadows on the hot path: what they say of events, stored in the commit of the decisions.

A shadow is scored after everything that is decided has been written, with the profile values of the
same moment, and whatever becomes of it changes nothing of the decision. Models are loaded in a
thread of their own, so that no decision waits for one. Which versions run is said by `shadows`,
what comes of comparing by `report`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection

from ringfence.carddata import mask_card_numbers
from ringfence.detectors import tables
from ringfence.detectors.catalog import Catalog
from ringfence.detectors.decisions import Decision, matched_rules, outcomes_of
from ringfence.detectors.external import Asked, Said
from ringfence.detectors.profiles import ProfileValues
from ringfence.detectors.runtime import DetectorRuntime, Scored
from ringfence.detectors.shadows.running import note_readiness
from ringfence.errors import InvalidInput, RingfenceError
from ringfence.events.reading import Event
from ringfence.models import Scorer
from ringfence.storage import Database, RowInsert

_log = structlog.get_logger(__name__)
_RETRY_SECONDS = 30.0
_FAILURE_CHARACTERS = 256
_SAID = RowInsert(
    tables.shadow_decisions,
    "event_type",
    "event_id",
    "detector_id",
    "version",
    "decided_at",
    "scores",
    "rule_results",
    "outcomes",
    "failure",
)
# A detector's id, the version, and when it was started.
_Run = tuple[str, str, datetime]


@dataclass(frozen=True, slots=True)
class Deliberation:
    """What a version has just decided about events of one commit: the events, the decisions, the
    values of every profile plan that is kept, what external models were asked before the commit,
    and the scores of the models that were asked in it."""

    runtime: DetectorRuntime
    events: Sequence[Event]
    decisions: Sequence[Decision]
    profiles: ProfileValues
    asked: Sequence[Asked]
    scored: dict[Scorer, Scored]

    def alone(self, number: int) -> Deliberation:
        """One of the events, as if no model had been asked of it in the commit."""
        here = slice(number, number + 1)
        return Deliberation(
            self.runtime,
            self.events[here],
            self.decisions[here],
            {plan_id: values[here] for plan_id, values in self.profiles.items()},
            self.asked[here],
            {},
        )


class ShadowStage:
    """The shadows of one process. Safe to use from several threads; close it in the end."""

    def __init__(self, database: Database, catalog: Catalog):
        self._database = database
        self._catalog = catalog
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._to_load: set[_Run] = set()
        self._to_note: dict[_Run, str | None] = {}
        self._noted: dict[_Run, str | None] = {}
        self._failed_at: dict[_Run, float] = {}
        self._complained: set[tuple[str, str]] = set()

    def look(self, connection: Connection, detector_id: str) -> None:
        """See which shadows of a detector run, and have loaded what they lack; returns soon.

        Asked from time to time, on a connection that sees what is published.
        """
        try:
            crew = self._catalog.shadows(connection, detector_id)
        except Exception:
            # Whatever is wrong with shadows, events are decided about.
            _log.exception("shadows cannot be read", detector=detector_id)
            return
        with self._lock:
            for version, started_at in crew.running:
                run = (detector_id, version, started_at)
                if version in crew.broken:
                    self._note(run, crew.broken[version])
                elif version in crew.unloaded:
                    failed_at = self._failed_at.get(run)
                    if failed_at is None or time.monotonic() - failed_at >= _RETRY_SECONDS:
                        self._to_load.add(run)
                elif version in crew.ready:
                    self._note(run, None)
            if (self._to_load or self._to_note) and self._thread is None:
                self._begin()

    def score(self, connection: Connection, deliberations: Sequence[Deliberation]) -> None:
        """Score events with the shadows that are ready, in the transaction that decided. Never
        raises, and leaves the transaction as it was when nothing can be stored."""
        try:
            rows = [row for of in deliberations for row in self._rows(of)]
            if rows:
                with connection.begin_nested():
                    _SAID.insert(connection, rows)
        except BaseException:  # a panic in an extension module is not an `Exception`
            _log.exception("what shadows said cannot be stored")

    def close(self) -> None:
        """Stop loading, at the next opportunity."""
        self._closing.set()
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()

    def _rows(self, of: Deliberation) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = []
        decided = of.runtime.version
        for shadow in self._catalog.ready_shadows(decided.detector_id):
            version = shadow.version.version
            # A version whose profiles are not built leaves the deciding to the one before it,
            # which may be a shadow; and plans may have been given up a moment ago.
            if version == decided.version or not shadow.plans.keys() <= of.profiles.keys():
                continue
            said = self._said(shadow, of)
            for event, decision, one in zip(of.events, of.decisions, said, strict=True):
                key = (event.event_type, event.event_id, decided.detector_id, version)
                if isinstance(one, str):
                    rows.append((*key, decision.decided_at, {}, (), (), one))
                else:
                    scores, results = one
                    matched = matched_rules(results)
                    outcomes = outcomes_of(matched)
                    rows.append((*key, decision.decided_at, scores, matched, outcomes, None))
        return rows

    def _said(self, shadow: DetectorRuntime, of: Deliberation) -> Sequence[Any]:
        """Scores and rule results of each event, or why there are none."""
        try:
            return shadow.decide(of.events, of.profiles, of.scored, _external(shadow, of))
        except BaseException as error:  # as above
            if len(of.events) == 1:
                self._complain(shadow, error)
                text = mask_card_numbers(_described(error))
                return [text[:_FAILURE_CHARACTERS]]
        return [
            one for number in range(len(of.events)) for one in self._said(shadow, of.alone(number))
        ]

    def _complain(self, shadow: DetectorRuntime, error: BaseException) -> None:
        name = (shadow.version.detector_id, shadow.version.version)
        if name not in self._complained:
            self._complained.add(name)
            _log.error(
                "a shadow fails; further failures are only counted",
                detector=name[0],
                version=name[1],
                exc_info=error,
            )

    def _note(self, run: _Run, trouble: str | None) -> None:
        if run not in self._noted or self._noted[run] != trouble:
            self._noted[run] = self._to_note[run] = trouble

    def _begin(self) -> None:
        if not self._closing.is_set():
            self._thread = threading.Thread(target=self._run, name="shadow-loader", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            with self._lock:
                to_note, self._to_note = self._to_note, {}
                run = self._to_load.pop() if self._to_load else None
                if self._closing.is_set() or (run is None and not to_note):
                    self._thread = None
                    return
            self._write(to_note)
            if run is not None:
                self._load(run)

    def _load(self, run: _Run) -> None:
        detector_id, version, _ = run
        trouble = None
        try:
            with self._database.read() as connection:
                self._catalog.prepare(connection, detector_id, version)
        except BaseException as error:  # as above
            trouble = f"cannot be loaded: {_described(error)}"
            _log.error(
                "a shadow cannot be loaded",
                detector=detector_id,
                version=version,
                exc_info=error,
            )
        with self._lock:
            if trouble is None:
                self._failed_at.pop(run, None)
            else:
                self._failed_at[run] = time.monotonic()
                self._note(run, trouble)

    def _write(self, notes: Mapping[_Run, str | None]) -> None:
        for run, trouble in notes.items():
            detector_id, version, _ = run
            try:
                with self._database.write() as connection:
                    note_readiness(connection, detector_id, version, trouble)
            except Exception:
                _log.exception("the state of a shadow cannot be stored", detector=detector_id)
                with self._lock:
                    self._noted.pop(run, None)


def _external(shadow: DetectorRuntime, of: Deliberation) -> Sequence[Said] | None:
    """What the external models of a shadow say. Raises `InvalidInput` when one would have to be
    waited for that the deciding version has not asked."""
    if not shadow.external:
        return None
    waited_for = shadow.external.names_asked_ahead - of.runtime.external.names_asked_ahead
    if waited_for:
        raise InvalidInput(
            f"external model {min(waited_for)!r} would have to be waited for",
            expected="one that takes no time, or that the deciding version asks too",
        )
    return shadow.external.answer([event.variables for event in of.events], of.asked)


def _described(error: BaseException) -> str:
    return str(error) if isinstance(error, RingfenceError) else f"{type(error).__name__}: {error}"
