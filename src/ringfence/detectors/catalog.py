"""The detector versions that are loaded: which one decides, kept in memory until something is
published."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from ringfence.detectors.active import find_active, version_before
from ringfence.detectors.external import files_of
from ringfence.detectors.plans import outdated_plans, unbuilt
from ringfence.detectors.runtime import DetectorRuntime, load_version
from ringfence.detectors.shadows.running import running_shadows
from ringfence.detectors.versions import DetectorVersion, ModelRef, get_detector_version
from ringfence.events.definitions import get_event_type
from ringfence.events.reading import EventReader
from ringfence.events.revisions import current_revision
from ringfence.models import Scorer, output_variable
from ringfence.models.external import Network
from ringfence.profiles import ProfilePlan

# How stale a server's definitions may be after another process published new ones.
_REVISION_CHECK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class ShadowCrew:
    """The running shadows of a detector: those that can score, those of which a model has not been
    loaded, and those that cannot be made ready, with why. The others lack profiles."""

    running: Sequence[tuple[str, datetime]]
    ready: dict[str, DetectorRuntime] = field(default_factory=dict)
    unloaded: set[str] = field(default_factory=set)
    broken: dict[str, str] = field(default_factory=dict)


class Catalog:
    """The runtimes in use, loaded when first asked for and again after something was published.

    `scorers` are those that are loaded already, for whoever wants them otherwise than usual.
    """

    def __init__(self, scorers: Mapping[ModelRef, Scorer] | None = None) -> None:
        self._lock = threading.Lock()
        self._generation = _Generation(-1, dict(scorers or {}))
        self._checked_at = -math.inf

    def active(
        self, connection: Connection, event_type: str, detector_id: str | None
    ) -> DetectorRuntime:
        """The active version for an event type, of the named detector or of the only one.

        While its profiles have not been built from history, this is the version before it, if
        there is one that lacks nothing.

        Raises `NotFound` for an unknown event type or detector, `Conflict` when nothing is active,
        `InvalidInput` when several detectors are and none was named.
        """
        generation = self._current(connection)
        key = (event_type, detector_id)
        chosen = generation.active.get(key)
        if chosen is None:
            chosen = self._usable(
                connection, generation, *find_active(connection, event_type, detector_id)
            )
            generation.active[key] = chosen
        return self._runtime(connection, generation, *chosen)

    def version(self, connection: Connection, detector_id: str, version: str) -> DetectorRuntime:
        """A version, active or not. Raises `NotFound`."""
        return self._runtime(connection, self._current(connection), detector_id, version)

    def ready(
        self, connection: Connection, detector_id: str, version: str
    ) -> tuple[DetectorRuntime, list[ProfilePlan]]:
        """A version, active or not, and those of its plans that have not been built, without which
        it should not decide. Raises `NotFound`."""
        generation = self._current(connection)
        runtime = self._runtime(connection, generation, detector_id, version)
        lacking = unbuilt(connection, runtime.plans.values())
        outdated = outdated_plans(connection, runtime.plans.values())
        generation.lacking.update((plan.plan_id, plan) for plan in (*lacking, *outdated))
        if not lacking:
            generation.ready.add((detector_id, version))
        return runtime, lacking

    def cached_ready(self, detector_id: str, version: str) -> DetectorRuntime | None:
        """The runtime of a version that lacks nothing, if it is known and was checked a moment ago;
        needs no connection."""
        if time.monotonic() - self._checked_at >= _REVISION_CHECK_SECONDS:
            return None
        generation, key = self._generation, (detector_id, version)
        return generation.runtimes.get(key) if key in generation.ready else None

    def cached(self, event_type: str, detector_id: str | None) -> DetectorRuntime | None:
        """The active runtime if it is known and was checked a moment ago; needs no connection."""
        if time.monotonic() - self._checked_at >= _REVISION_CHECK_SECONDS:
            return None
        generation = self._generation
        chosen = generation.active.get((event_type, detector_id))
        return None if chosen is None else generation.runtimes.get(chosen)

    def cached_version(self, detector_id: str, version: str) -> DetectorRuntime | None:
        """A version, active or not, if it is loaded and was checked a moment ago; likewise."""
        if time.monotonic() - self._checked_at >= _REVISION_CHECK_SECONDS:
            return None
        return self._generation.runtimes.get((detector_id, version))

    def reader(self, connection: Connection, event_type: str) -> EventReader:
        """What reads events of a type, for whoever stores them undecided. Raises `NotFound`."""
        generation = self._current(connection)
        found = generation.readers.get(event_type)
        if found is None:
            found = EventReader(get_event_type(connection, event_type))
            generation.readers[event_type] = found
        return found

    def cached_reader(self, event_type: str) -> EventReader | None:
        """The reader if it is known and was checked a moment ago; needs no connection."""
        if time.monotonic() - self._checked_at >= _REVISION_CHECK_SECONDS:
            return None
        return self._generation.readers.get(event_type)

    def shadows(self, connection: Connection, detector_id: str) -> ShadowCrew:
        """How the running shadows of a detector are doing. Loads no model."""
        generation = self._current(connection)
        crew = generation.shadows.get(detector_id)
        if crew is None:
            crew = self._crew(connection, generation, detector_id)
            generation.shadows[detector_id] = crew
        return crew

    def ready_shadows(self, detector_id: str) -> Collection[DetectorRuntime]:
        """The shadows of a detector that can score, as they were last found."""
        generation = self._generation
        crew = generation.shadows.get(detector_id) or generation.shadows_before.get(detector_id)
        return () if crew is None else crew.ready.values()

    def prepare(self, connection: Connection, detector_id: str, version: str) -> None:
        """Load what a shadow lacks, while whatever decides goes on, and look at the detector's
        shadows again. Raises what loading raises."""
        known = self._generation
        aside = _Generation(known.revision, dict(known.scorers))
        aside.networks = dict(known.networks)
        load_version(connection, detector_id, version, aside.scorers, aside.networks)
        generation = self._generation
        for ref, scorer in aside.scorers.items():
            generation.scorers.setdefault(ref, scorer)
        for name, network in aside.networks.items():
            generation.networks.setdefault(name, network)
        crew = generation.shadows.pop(detector_id, None)
        if crew is not None:
            generation.shadows_before[detector_id] = crew

    def look_again(self) -> None:
        """Look for changes at the next request: for a process that has just published one."""
        self._checked_at = -math.inf

    def lacking(self) -> list[ProfilePlan]:
        """The plans in use that were found not to be built, or to hold what has been deleted."""
        return list(self._generation.lacking.values())

    def reconsider(self) -> None:
        """Choose anew which versions decide: for a process in which profiles have been built."""
        with self._lock:
            generation = self._generation
            self._generation = generation.next(generation.revision)

    def _usable(
        self, connection: Connection, generation: _Generation, detector_id: str, version: str
    ) -> tuple[str, str]:
        runtime = self._runtime(connection, generation, detector_id, version)
        outdated = outdated_plans(connection, runtime.plans.values())
        lacking = unbuilt(connection, runtime.plans.values())
        generation.lacking.update((plan.plan_id, plan) for plan in (*outdated, *lacking))
        if lacking:
            before = version_before(connection, detector_id)
            if before is not None:
                older = self._runtime(connection, generation, detector_id, before)
                if not unbuilt(connection, older.plans.values()):
                    return detector_id, before
        return detector_id, version

    def _crew(
        self, connection: Connection, generation: _Generation, detector_id: str
    ) -> ShadowCrew:
        crew = ShadowCrew(running_shadows(connection, detector_id))
        for version, _ in crew.running:
            try:
                found = get_detector_version(connection, detector_id, version)
                if not generation.has_loaded(found, files_of(connection, found.external_models)):
                    crew.unloaded.add(version)
                    continue
                runtime = self._runtime(connection, generation, detector_id, version)
            except Exception as error:
                crew.broken[version] = f"cannot be loaded: {error}"
                continue
            lacking = unbuilt(connection, runtime.plans.values())
            generation.lacking.update((plan.plan_id, plan) for plan in lacking)
            if not lacking:
                crew.ready[version] = runtime
        return crew

    def _current(self, connection: Connection) -> _Generation:
        with self._lock:
            if time.monotonic() - self._checked_at < _REVISION_CHECK_SECONDS:
                return self._generation
            looked_at = time.monotonic()
            revision = current_revision(connection)
            if revision < self._generation.revision:
                # This connection looks at an older moment: what it sees is not for others.
                return _Generation(revision, {})
            if revision > self._generation.revision:
                self._generation = self._generation.next(revision)
            self._checked_at = looked_at
            return self._generation

    def _runtime(
        self, connection: Connection, generation: _Generation, detector_id: str, version: str
    ) -> DetectorRuntime:
        key = (detector_id, version)
        runtime = generation.runtimes.get(key)
        if runtime is None:
            with generation.loading:
                runtime = generation.runtimes.get(key)
                if runtime is None:
                    runtime = load_version(
                        connection, detector_id, version, generation.scorers, generation.networks
                    )
                    generation.runtimes[key] = runtime
        return runtime


class _Generation:
    """What was loaded at one revision of the definitions. Left behind as a whole at the next, so
    that a slow reader of the old one cannot put what it read into the new one.

    Model versions never change, so their scorers, which are slow to load, are handed on.
    """

    def __init__(self, revision: int, scorers: dict[ModelRef, Scorer]):
        self.revision = revision
        self.loading = threading.Lock()
        self.scorers = scorers
        self.networks: dict[str, Network] = {}
        self.runtimes: dict[tuple[str, str], DetectorRuntime] = {}
        self.active: dict[tuple[str, str | None], tuple[str, str]] = {}
        self.ready: set[tuple[str, str]] = set()
        self.readers: dict[str, EventReader] = {}
        self.lacking: dict[str, ProfilePlan] = {}
        self.shadows: dict[str, ShadowCrew] = {}
        # Until they have been found anew, so that no event is left out meanwhile.
        self.shadows_before: dict[str, ShadowCrew] = {}

    def has_loaded(self, version: DetectorVersion, files: Sequence[str]) -> bool:
        """Whether the models of a version, and its external models that are files, are loaded."""
        return all(ref in self.scorers for ref in version.models) and all(
            name in self.networks for name in files
        )

    def next(self, revision: int) -> _Generation:
        """The generation after this one, which knows what is worth handing on."""
        after = _Generation(revision, self.scorers_in_use())
        after.networks = {
            name: network
            for runtime in tuple(self.runtimes.values())
            for name, network in runtime.external.networks.items()
        } or dict(self.networks)
        after.shadows_before = {**self.shadows_before, **self.shadows}
        return after

    def scorers_in_use(self) -> dict[ModelRef, Scorer]:
        """The scorers of the versions that were asked for, or those handed on if none was."""
        if not self.runtimes:
            return dict(self.scorers)
        return {
            ref: runtime.scorers[output_variable(ref.model_id)]
            for runtime in tuple(self.runtimes.values())
            for ref in runtime.version.models
        }
