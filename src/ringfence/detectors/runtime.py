"""A detector version ready to decide: compiled rules and loaded models, kept in memory."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import Connection

from ringfence.detectors.active import find_active, version_before
from ringfence.detectors.definitions import get_detector
from ringfence.detectors.external import ExternalScores, Said, files_of, load_external
from ringfence.detectors.plans import outdated_plans, unbuilt
from ringfence.detectors.profiles import ProfileValues
from ringfence.detectors.rules import list_rules, rule_types
from ringfence.detectors.shadows.running import running_shadows
from ringfence.detectors.versions import (
    DetectorVersion,
    ModelRef,
    RuleRef,
    get_detector_version,
)
from ringfence.errors import InvalidInput
from ringfence.events.definitions import current_revision, get_event_type, get_lists
from ringfence.events.reading import Event, EventReader
from ringfence.models import Contribution, Scorer, load_artifact, output_variable
from ringfence.models.external import Network
from ringfence.profiles import ProfilePlan
from ringfence.rules import Rule, RuleResult, RuleSet, compile_rule

# What a model says of some events: their scores, in the order of the events.
Scored: TypeAlias = Sequence[float]
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
        external: ExternalScores,
    ):
        self.version = version
        self.reader = reader
        self.scorers = scorers
        self.external = external
        self.rules = {rule.rule_id: rule for rule in rules}
        self._unevaluated = tuple(
            RuleResult(rule.rule_id, rule.version, rule.outcomes, matched=False, evaluated=False)
            for rule in rules
        )
        self._plan_ids = {
            variable: None if scorer.plan is None else scorer.plan.plan_id
            for variable, scorer in scorers.items()
        }
        self.plans: Mapping[str, ProfilePlan] = {
            scorer.plan.plan_id: scorer.plan
            for scorer in scorers.values()
            if scorer.plan is not None
        }
        """The plans of profiles that the models need, by their ids."""
        self.rule_set = rule_set

    def decide(
        self,
        events: Sequence[Event],
        profiles: ProfileValues | None = None,
        scored: dict[Scorer, Scored] | None = None,
        external: Sequence[Said] | None = None,
    ) -> list[tuple[dict[str, float], tuple[RuleResult, ...]]]:
        """Scores (0-1000, by output variable) and rule results of each event.

        `profiles` are the values of `plans` for these events. A model whose scores of these events
        are in `scored` is not asked again, and what one is asked is added there. `external` is what
        external models say of them; without it, those that can be are asked here. Raises
        `InvalidInput` when the values of a plan are missing, and like `ExternalScores.answer`.
        """
        scored = {} if scored is None else scored
        scores: list[dict[str, float]] = [{} for _ in events]
        rows = [event.variables for event in events]
        ats: list[datetime] = [event.at for event in events]
        for variable, scorer in self.scorers.items():
            if scorer not in scored:
                scored[scorer] = scorer.score(rows, ats, self._values(variable, profiles))
            for of_event, score in zip(scores, scored[scorer], strict=True):
                of_event[variable] = score
        if self.external:
            said = self.external.answer(rows) if external is None else external
            for of_event, of_others in zip(scores, said, strict=True):
                of_event.update(of_others.values)
        return [
            (of_event, self.rule_set.evaluate({**event.variables, **of_event}, event.at))
            for event, of_event in zip(events, scores, strict=True)
        ]

    def all_rules(self, results: Sequence[RuleResult]) -> tuple[RuleResult, ...]:
        """The results that `decide` gave of an event, and after them those of the rules that it did
        not come to."""
        return (*results, *self._unevaluated[len(results) :])

    def explain(
        self,
        event: Event,
        profiles: ProfileValues | None = None,
        scores: Mapping[str, float] | None = None,
    ) -> dict[str, tuple[Contribution, ...]]:
        """What each model's score is made of. About 3 ms a model.

        `profiles` are the values of `plans` for this one event, and `scores` what it was decided
        with. Raises `InvalidInput` when the values of a plan are missing.
        """
        explained: dict[str, tuple[Contribution, ...]] = {}
        for variable, scorer in self.scorers.items():
            values = self._values(variable, profiles)
            explained[variable] = scorer.explain(
                event.variables, event.at, None if values is None else values[0]
            )
        return explained | self.external.explain(scores or {})

    def _values(
        self, variable: str, profiles: ProfileValues | None
    ) -> Sequence[Sequence[float]] | None:
        plan_id = self._plan_ids[variable]
        if plan_id is None:
            return None
        if profiles is None or plan_id not in profiles:
            raise InvalidInput(
                f"the model behind {variable} looks at profiles, and there are none here",
                field="detector",
                expected="a detector version whose models look at the event alone",
            )
        return profiles[plan_id]


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
        _load(connection, detector_id, version, aside)
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
                    runtime = _load(connection, detector_id, version, generation)
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


def _load(
    connection: Connection, detector_id: str, version_number: str, generation: _Generation
) -> DetectorRuntime:
    version = get_detector_version(connection, detector_id, version_number)
    event_type = get_event_type(connection, get_detector(connection, detector_id).event_type)
    stored = {RuleRef(r.rule_id, r.version): r for r in list_rules(connection, detector_id)}
    rules = [stored[ref] for ref in version.rules]
    types = rule_types(connection, event_type.name)
    lists = get_lists(connection)
    scorers = generation.scorers
    for ref in version.models:
        if ref not in scorers:
            scorers[ref] = Scorer(load_artifact(connection, ref.model_id, ref.version))
    return DetectorRuntime(
        version,
        EventReader(event_type),
        {output_variable(ref.model_id): scorers[ref] for ref in version.models},
        rules,
        RuleSet([compile_rule(rule, types, lists) for rule in rules], version.mode),
        load_external(connection, version.external_models, generation.networks),
    )
