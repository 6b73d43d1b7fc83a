"""How well two versions rank the same events, from counts of their pairs of scores.

Events with the same pair of scores and the same label are one number here, so that a million events
take the memory of their different pairs, and no array. Plain arithmetic: it knows nothing of where
the scores come from.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TypeAlias

import msgspec

from ringfence.models.metrics import Z95
from ringfence.models.stability import stability_index

BINS = 20
BIN_WIDTH = 50
# With fewer labelled frauds, or legitimate events, a difference says more about chance.
ENOUGH = 30
# Of events without a label, legitimate ones, frauds: the place of each in a list of three.
UNLABELLED, LEGIT, FRAUD = 0, 1, 2
_Classes: TypeAlias = list[int]


class Distribution(msgspec.Struct, frozen=True, kw_only=True):
    """How many events scored in each of 20 bands of 50 (the last includes 1000), by label."""

    frauds: tuple[int, ...]
    legits: tuple[int, ...]
    unlabelled: tuple[int, ...]


class Ranks(msgspec.Struct, frozen=True, kw_only=True):
    """How well a version ranks the labelled events: area under the ROC curve, average precision."""

    auc: float
    average_precision: float


class AtVolume(msgspec.Struct, frozen=True, kw_only=True):
    """What a version catches with a given number of alerts on its highest scores.

    `caught` are frauds and `precision` is their share of the labelled alerts, None when there are
    none. Where a score is shared by more events than are wanted, they count in proportion.
    """

    caught: float
    precision: float | None


class Ranking(msgspec.Struct, frozen=True, kw_only=True):
    """Two versions' scores (0-1000, the highest of each version's models) of the same events.

    `psi` is the population stability index between the two. `auc_difference` is the challenger's
    less the champion's, with its 95 % range (DeLong, DeLong and Clarke-Pearson 1988, for paired
    scores); these and `champion_ranks`, `challenger_ranks` are None without 30 labelled frauds and
    30 legitimate events, fewer being too few to tell. `alerts` is how many of the highest scores
    `champion_at_volume` and `challenger_at_volume` are about: as many as the champion's alerts.
    """

    scored: int
    champion: Distribution
    challenger: Distribution
    psi: float
    champion_ranks: Ranks | None
    challenger_ranks: Ranks | None
    auc_difference: float | None
    auc_difference_low: float | None
    auc_difference_high: float | None
    alerts: int
    champion_at_volume: AtVolume
    challenger_at_volume: AtVolume


class ScorePairs:
    """Counts of pairs of scores, champion's and challenger's, by label."""

    def __init__(self) -> None:
        self._counts: dict[tuple[float, float], _Classes] = {}

    def add(self, champion: float, challenger: float, label: int, events: int) -> None:
        """Count events; `label` is one of `UNLABELLED`, `LEGIT`, `FRAUD`."""
        counts = self._counts.get((champion, challenger))
        if counts is None:
            counts = self._counts[champion, challenger] = [0, 0, 0]
        counts[label] += events

    def ranking(self, alerts: int) -> Ranking | None:
        """Everything that follows; None when no event was scored by both."""
        if not self._counts:
            return None
        sides = [_marginal(self._counts, side) for side in (0, 1)]
        frauds, legits = (sum(c[label] for c in self._counts.values()) for label in (FRAUD, LEGIT))
        told = frauds >= ENOUGH and legits >= ENOUGH
        difference = low = high = None
        if told:
            difference, low, high = auc_difference(self._counts)
        ranks = [_ranks(side) if told else None for side in sides]
        shapes = [_distribution(side) for side in sides]
        at_volume = [_at_volume(side, alerts) for side in sides]
        return Ranking(
            scored=sum(sum(counts) for counts in self._counts.values()),
            champion=shapes[0],
            challenger=shapes[1],
            psi=stability_index(*(_all(shape) for shape in shapes)),
            champion_ranks=ranks[0],
            challenger_ranks=ranks[1],
            auc_difference=difference,
            auc_difference_low=low,
            auc_difference_high=high,
            alerts=alerts,
            champion_at_volume=at_volume[0],
            challenger_at_volume=at_volume[1],
        )


def auc_difference(
    counts: Mapping[tuple[float, float], Sequence[int]],
) -> tuple[float, float, float]:
    """How much larger the second AUC is than the first, and the 95 % range of that.

    `counts` are of events without a label, legitimate ones and frauds, by pair of scores; there
    must be two frauds and two legitimate events.
    """
    placed = [_placements(_marginal(counts, side)) for side in (0, 1)]
    parts = []
    for label, own in ((FRAUD, 0), (LEGIT, 1)):
        gains = [
            (placed[1][own][second] - placed[0][own][first], of[label])
            for (first, second), of in counts.items()
            if of[label]
        ]
        parts.append(_mean_and_variance(gains))
    (difference, of_frauds), (_, of_legits) = parts
    margin = Z95 * math.sqrt(of_frauds + of_legits)
    return difference, max(-1.0, difference - margin), min(1.0, difference + margin)


def _mean_and_variance(values: Iterable[tuple[float, int]]) -> tuple[float, float]:
    """The mean of values that occur so many times each, and the variance of that mean."""
    values = list(values)
    count = sum(times for _, times in values)
    mean = sum(value * times for value, times in values) / count
    squares = sum((value - mean) ** 2 * times for value, times in values)
    return mean, squares / (count - 1) / count


def _placements(
    marginal: Mapping[float, Sequence[int]],
) -> tuple[dict[float, float], dict[float, float]]:
    """By score, what a fraud of that score counts for in the AUC (the share of legitimate events
    below it), and what a legitimate event does (the share of frauds above it); ties count half."""
    scores = sorted(marginal)
    frauds = [marginal[score][FRAUD] for score in scores]
    legits = [marginal[score][LEGIT] for score in scores]
    all_frauds, all_legits = sum(frauds), sum(legits)
    of_fraud, of_legit = {}, {}
    through = zip(scores, frauds, legits, accumulate(frauds), accumulate(legits), strict=True)
    for score, fraud, legit, frauds_until, legits_until in through:
        of_fraud[score] = (legits_until - legit / 2) / all_legits
        of_legit[score] = 1 - (frauds_until - fraud / 2) / all_frauds
    return of_fraud, of_legit


def _ranks(marginal: Mapping[float, Sequence[int]]) -> Ranks:
    of_fraud, _ = _placements(marginal)
    frauds = sum(of[FRAUD] for of in marginal.values())
    auc = sum(of_fraud[score] * of[FRAUD] for score, of in marginal.items()) / frauds
    precisions = 0.0
    for of, hits, alarms in _downwards(marginal):
        precisions += of[FRAUD] * hits / (hits + alarms) if hits + alarms else 0.0
    return Ranks(auc=auc, average_precision=precisions / frauds)


def _at_volume(marginal: Mapping[float, Sequence[int]], alerts: int) -> AtVolume:
    left = float(alerts)
    caught = false = 0.0
    for score in sorted(marginal, reverse=True):
        of = marginal[score]
        events = sum(of)
        share = min(1.0, left / events)
        caught += of[FRAUD] * share
        false += of[LEGIT] * share
        left -= events * share
        if left <= 0:
            break
    judged = caught + false
    return AtVolume(caught=caught, precision=caught / judged if judged else None)


def _downwards(marginal: Mapping[float, Sequence[int]]) -> Iterator[tuple[Sequence[int], int, int]]:
    """From the highest score on: the counts there, and frauds and legitimate events so far."""
    hits = alarms = 0
    for score in sorted(marginal, reverse=True):
        of = marginal[score]
        hits += of[FRAUD]
        alarms += of[LEGIT]
        yield of, hits, alarms


def _marginal(
    counts: Mapping[tuple[float, float], Sequence[int]], side: int
) -> dict[float, _Classes]:
    marginal: dict[float, _Classes] = defaultdict(lambda: [0, 0, 0])
    for pair, of in counts.items():
        sums = marginal[pair[side]]
        for label, events in enumerate(of):
            sums[label] += events
    return marginal


def _distribution(marginal: Mapping[float, Sequence[int]]) -> Distribution:
    bins = [[0] * BINS for _ in range(3)]
    for score, of in marginal.items():
        place = min(BINS - 1, max(0, int(score // BIN_WIDTH)))
        for label, events in enumerate(of):
            bins[label][place] += events
    return Distribution(
        frauds=tuple(bins[FRAUD]), legits=tuple(bins[LEGIT]), unlabelled=tuple(bins[UNLABELLED])
    )


def _all(of: Distribution) -> list[int]:
    return [sum(parts) for parts in zip(of.frauds, of.legits, of.unlabelled, strict=True)]
