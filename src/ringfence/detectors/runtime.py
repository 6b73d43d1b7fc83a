"""A detector version ready to decide: compiled rules and loaded models. Which one decides, and when
it is loaded, is for the `catalog` to know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import Connection

from ringfence.detectors.definitions import get_detector
from ringfence.detectors.external import ExternalScores, Said, load_external
from ringfence.detectors.newcomers import NOT_KNOWN, place_of_count
from ringfence.detectors.profiles import ProfileValues
from ringfence.detectors.rules import list_rules, rule_types
from ringfence.detectors.versions import (
    DetectorVersion,
    ModelRef,
    RuleRef,
    get_detector_version,
)
from ringfence.errors import InvalidInput
from ringfence.events.definitions import get_event_type
from ringfence.events.lists import get_lists
from ringfence.events.reading import Event, EventReader
from ringfence.models import (
    Contribution,
    ModelType,
    Scorer,
    get_model,
    load_artifact,
    output_variable,
)
from ringfence.models.definitions import made_at
from ringfence.models.external import Network
from ringfence.profiles import ProfilePlan
from ringfence.rules import Rule, RuleResult, RuleSet, compile_rule

# What a model says of some events: their scores, in the order of the events.
Scored: TypeAlias = Sequence[float]


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
        model_types: Mapping[str, ModelType],
        counts: Mapping[str, int] | None = None,
    ):
        """`counts` is where, by output variable, a model that does not judge newcomers finds how
        often an entity was seen."""
        self.version = version
        self.reader = reader
        self.scorers = scorers
        self.external = external
        self.model_types = model_types
        self._counts = counts or {}
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
            if variable in self._counts:
                self._leave_newcomers(variable, scores, profiles)
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

    def _leave_newcomers(
        self,
        variable: str,
        scores: Sequence[dict[str, float]],
        profiles: ProfileValues | None,
    ) -> None:
        count = self._counts[variable]
        for of_event, values in zip(scores, self._values(variable, profiles) or (), strict=True):
            # Also where it is not known who it is about: there is no count then.
            if not values[count] > 0:
                of_event[variable] = NOT_KNOWN

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


def load_version(
    connection: Connection,
    detector_id: str,
    version_number: str,
    scorers: dict[ModelRef, Scorer],
    networks: dict[str, Network],
) -> DetectorRuntime:
    """A version, ready. Models are taken from `scorers` and `networks` where they are there, and
    added there. Raises `NotFound`, `Unavailable` for a model that cannot be loaded."""
    version = get_detector_version(connection, detector_id, version_number)
    event_type = get_event_type(connection, get_detector(connection, detector_id).event_type)
    stored = {RuleRef(r.rule_id, r.version): r for r in list_rules(connection, detector_id)}
    rules = [stored[ref] for ref in version.rules]
    types = rule_types(connection, event_type.name)
    lists = get_lists(connection)
    for ref in version.models:
        stored_at = made_at(connection, ref.model_id, ref.version)
        known = scorers.get(ref)
        # A model that was deleted and made anew has other versions of the same names.
        if known is None or known.made_at not in (None, stored_at):
            artifact = load_artifact(connection, ref.model_id, ref.version)
            scorers[ref] = Scorer(artifact, made_at=stored_at)
    counts = {
        output_variable(ref.model_id): place_of_count(connection, ref, scorers[ref].plan)
        for ref in version.models
    }
    return DetectorRuntime(
        version,
        EventReader(event_type),
        {output_variable(ref.model_id): scorers[ref] for ref in version.models},
        rules,
        RuleSet([compile_rule(rule, types, lists) for rule in rules], version.mode),
        load_external(connection, version.external_models, networks),
        {ref.model_id: get_model(connection, ref.model_id).model_type for ref in version.models},
        {variable: place for variable, place in counts.items() if place is not None},
    )
