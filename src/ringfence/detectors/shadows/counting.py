"""What groups of compared events add up to: by label, by score, by what both versions said.

It is fed by `reading` and read by `report`. Few different things are said of many
events, so what is stored as JSON is taken apart once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from ringfence.detectors.backtest.report import Split, split_of
from ringfence.detectors.decisions import MatchedRule, outcomes_of
from ringfence.detectors.shadows.ranking import FRAUD, LEGIT, UNLABELLED, ScorePairs
from ringfence.detectors.shadows.reading import Group
from ringfence.events.definitions import EventType

EXAMPLES = 5
_REMEMBERED = 65_536
_MATCHED = msgspec.json.Decoder(tuple[MatchedRule, ...])
_SCORES = msgspec.json.Decoder(dict[str, float | None])


@dataclass(slots=True)
class Cell:
    """Events with one pair of rule results."""

    counts: list[int] = field(default_factory=lambda: [0, 0, 0])
    examples: list[str] = field(default_factory=list)


class ShadowCounts:
    """What the groups of events add up to."""

    def __init__(self, event_type: EventType, alert_outcomes: frozenset[str]):
        self.event_type = event_type
        self.alert_outcomes = alert_outcomes
        self.pairs = ScorePairs()
        self.labels = [0, 0, 0]
        self.sources: Counter[str] = Counter()
        self.champions: Counter[str] = Counter()
        self.days: Counter[int] = Counter()
        self.cells: dict[tuple[bytes, bytes], Cell] = {}
        self._scores: dict[bytes, float | None] = {}
        self._outcomes: dict[bytes, tuple[str, ...]] = {}

    def add(self, group: Group) -> None:
        """Count the events of a group."""
        of_type = self.event_type
        label = UNLABELLED
        is_fraud = of_type.meanings.get(group.label or "")
        if is_fraud is not None:
            label = FRAUD if is_fraud else LEGIT
            self.sources[group.label_source or "unknown"] += group.events
        self.labels[label] += group.events
        self.champions[group.champion_version] += group.events
        self.days[group.day] += group.events
        first, second = self._score(group.champion_scores), self._score(group.challenger_scores)
        if first is not None and second is not None:
            self.pairs.add(first, second, label, group.events)
        cell = self.cells.setdefault((group.champion_rules, group.challenger_rules), Cell())
        cell.counts[label] += group.events
        cell.examples = [*cell.examples, group.example][-EXAMPLES:]

    def outcomes(self, rules: bytes) -> tuple[str, ...]:
        """The outcomes of rule results as they are stored."""
        found = self._outcomes.get(rules)
        if found is None:
            found = self._outcomes[rules] = outcomes_of(matched_of(rules))
        return found

    def alerts(self, rules: bytes) -> bool:
        """Whether rule results make an alert."""
        return not self.alert_outcomes.isdisjoint(self.outcomes(rules))

    def alerting(self, side: int) -> set[bytes]:
        """The rule results of one side that make an alert."""
        return {pair[side] for pair in self.cells if self.alerts(pair[side])}

    def split(self, *, champion: bool, challenger: bool) -> Split:
        """The events for which the champion alerts or not, and the challenger does or does not."""
        sums = [0, 0, 0]
        for (first, second), cell in self.cells.items():
            if (self.alerts(first), self.alerts(second)) == (champion, challenger):
                sums = [one + other for one, other in zip(sums, cell.counts, strict=True)]
        return split_of(sums)

    def _score(self, scores: bytes) -> float | None:
        if scores in self._scores:
            return self._scores[scores]
        if len(self._scores) >= _REMEMBERED:
            self._scores.clear()
        found = self._scores[scores] = top_score(_SCORES.decode(scores))
        return found


def matched_of(rules: bytes) -> tuple[MatchedRule, ...]:
    """The rules that matched, from rule results as they are stored."""
    return _MATCHED.decode(rules)


def top_score(scores: Mapping[str, float | None]) -> float | None:
    """The highest of the models' scores; None without a model."""
    return max((score for score in scores.values() if score is not None), default=None)
