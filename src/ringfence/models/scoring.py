"""From an event to a score, and to the reasons for it.

On the hot path: plain Python, one call into LightGBM, no NumPy. Values that come again (a
merchant, a device, a mailbox) are taken apart once and remembered, within bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from ringfence.errors import Unavailable
from ringfence.events.variables import Value
from ringfence.models.artifact import Artifact, Encoding
from ringfence.models.calibration import probability_of, score_of
from ringfence.models.explanations import Contribution, explain
from ringfence.models.habits import Remembered, remembered_features
from ringfence.models.steps import (
    TIME_INPUT,
    Encoder,
    Feature,
    Step,
    features_of,
    steps_for,
)
from ringfence.models.trees import Trees
from ringfence.profiles import ProfilePlan

# Per step; a remembered result takes some 300 bytes.
_REMEMBERED = 2_048
_Encode: TypeAlias = Callable[[Mapping[str, Value], datetime], tuple[float, ...]]


class Scorer:
    """Scores events with one model version. Safe to use from several threads.

    `plan` is what the version wants remembered, None when it looks at events alone. With a plan,
    every call needs the events' profile values, in the order of the plan, as `ProfileStore` gives
    them. Calls that leave them out, or pass some that are not wanted, raise `ValueError`.
    """

    def __init__(
        self,
        artifact: Artifact,
        *,
        remembered: int = _REMEMBERED,
        made_at: datetime | None = None,
    ):
        """`remembered` is how many values a variable has at most whose features are kept: more of
        them for scoring many events at once. `made_at` is when the version was stored."""
        self.made_at = made_at
        self._bounds = artifact.bounds
        self._probabilities = artifact.probabilities
        self._trees = Trees(artifact.trees)
        steps = steps_for(artifact.variables)
        self.plan: ProfilePlan | None = artifact.plan
        self._width = 0 if self.plan is None else len(self.plan.aggregates)
        self._features: tuple[Feature | Remembered, ...] = (
            *features_of(steps, artifact.encodings),
            *remembered_features(artifact.plan, artifact.variables),
        )
        if tuple(feature.name for feature in self._features) != artifact.features:
            raise Unavailable(
                "the stored model has other features than this release computes",
                expected="a version trained by this release",
            )
        self._encoders = [_encoder(step, artifact.encodings, remembered) for step in steps]

    def score(
        self,
        rows: Sequence[Mapping[str, Value]],
        ats: Sequence[datetime],
        profiles: Sequence[Sequence[float]] | None = None,
    ) -> list[float]:
        """The score of each event, a whole number from 0 (surely legitimate) to 1000 (fraud).

        `rows` are the events' variables, `ats` their times (aware), `profiles` their profile
        values, shape `(n_events, n_aggregates)`.
        """
        bounds = self._bounds
        return [score_of(raw, bounds) for raw in self.log_odds(rows, ats, profiles)]

    def probability(self, score: float) -> float | None:
        """How likely an event of this score (0-1000) is fraud, 0 to 1; None for a version that
        was trained before this was kept.

        As among the events that the version was measured on: where fewer events have become
        fraud since, it is less.
        """
        if not self._probabilities:
            return None
        return probability_of(score, self._probabilities)

    def log_odds(
        self,
        rows: Sequence[Mapping[str, Value]],
        ats: Sequence[datetime],
        profiles: Sequence[Sequence[float]] | None = None,
    ) -> Sequence[float]:
        """The raw score of each event, before it is mapped to 0-1000."""
        if (profiles is None) != (self.plan is None):
            raise ValueError("profile values go with a model that has a plan, and only with it")
        if not rows:
            return ()
        values: list[float] = []
        encoders = self._encoders
        if profiles is None:
            for row, at in zip(rows, ats, strict=True):
                for encode in encoders:
                    values += encode(row, at)
        else:
            for row, at, profile in zip(rows, ats, profiles, strict=True):
                for encode in encoders:
                    values += encode(row, at)
                values += self._checked(profile)
        return self._trees.log_odds(values, len(rows))

    def features(
        self,
        variables: Mapping[str, Value],
        at: datetime,
        profile_values: Sequence[float] | None = None,
    ) -> dict[str, float]:
        """The features of one event by name; NaN where something is missing."""
        values = self._values(variables, at, profile_values)
        return {feature.name: value for feature, value in zip(self._features, values, strict=True)}

    def explain(
        self,
        variables: Mapping[str, Value],
        at: datetime,
        profile_values: Sequence[float] | None = None,
    ) -> tuple[Contribution, ...]:
        """What the raw score is made of, the largest contribution first; they sum up to it.

        Takes about 3 ms, so it stays off the hot path.
        """
        values = self._values(variables, at, profile_values)
        added = self._trees.contributions(values)
        return explain(self._features, values, added, variables, at)

    def attributions(
        self,
        variables: Mapping[str, Value],
        at: datetime,
        profile_values: Sequence[float] | None = None,
    ) -> list[tuple[Feature | Remembered, float]]:
        """What each feature of one event adds to the log-odds of fraud, in the order of the
        features; `explain` says the same by variable and in words. Takes about 3 ms."""
        values = self._values(variables, at, profile_values)
        added = self._trees.contributions(values)
        return list(zip(self._features, added[: len(self._features)], strict=True))

    def _values(
        self, variables: Mapping[str, Value], at: datetime, profile: Sequence[float] | None = None
    ) -> list[float]:
        if (profile is None) != (self.plan is None):
            raise ValueError("profile values go with a model that has a plan, and only with it")
        values = [value for encode in self._encoders for value in encode(variables, at)]
        return values if profile is None else [*values, *self._checked(profile)]

    def _checked(self, profile: Sequence[float]) -> Sequence[float]:
        # Row by row: a row that is too long and one that is too short would pass together.
        if len(profile) != self._width:
            raise ValueError(f"{len(profile)} profile values are not the plan's {self._width}")
        return profile


def _encoder(step: Step, encodings: Mapping[str, Encoding], most: int) -> _Encode:
    """The features of one step for an event, by the fastest way to the same values."""
    encoder = Encoder(step, encodings)
    first, second = step.inputs[0], step.inputs[-1]
    of_one, of_two = encoder.of_one, encoder.of_two
    if step.inputs == (TIME_INPUT,):
        return lambda variables, at: of_one(at)
    if second == TIME_INPUT:
        return lambda variables, at: of_two(variables.get(first), at)
    if not step.enrichment.repeats:
        if len(step.inputs) == 1:
            return lambda variables, at: of_one(variables.get(first))
        return lambda variables, at: of_two(variables.get(first), variables.get(second))
    memory: dict[object, tuple[float, ...]] = {}
    recall = memory.get

    # A memory is emptied as a whole when it is full: there is no order to keep up on every hit,
    # and what is common comes back soon.
    def encode_one(variables: Mapping[str, Value], at: datetime) -> tuple[float, ...]:
        value = variables.get(first)
        found = recall(value)
        if found is None:
            found = of_one(value)
            if len(memory) >= most:
                memory.clear()
            memory[value] = found
        return found

    def encode_pair(variables: Mapping[str, Value], at: datetime) -> tuple[float, ...]:
        pair = (variables.get(first), variables.get(second))
        found = recall(pair)
        if found is None:
            found = of_two(*pair)
            if len(memory) >= most:
                memory.clear()
            memory[pair] = found
        return found

    return encode_one if len(step.inputs) == 1 else encode_pair
