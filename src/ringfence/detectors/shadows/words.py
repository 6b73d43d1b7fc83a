"""A comparison of champion and challenger in plain words, for whoever has to decide.

It says what was counted, what follows from it, and where there is too little to tell. It knows
nothing of how things were counted.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from ringfence.detectors.backtest.report import Split
from ringfence.detectors.shadows.ranking import ENOUGH, Ranking

_DAY_SECONDS = 86_400.0
# Many events tell apart what nobody would notice.
_NOTICED = 0.001


class Conclusion(StrEnum):
    """What the figures come to. `mixed` is more frauds for more calls, or fewer for fewer."""

    TOO_FEW = "too few to tell"
    BETTER = "better"
    WORSE = "worse"
    EQUAL = "no difference"
    MIXED = "a trade-off"


class Sum(msgspec.Struct, frozen=True):
    """What one of the two came to."""

    alerts: int
    calls: int
    caught: int
    saved_amount: float
    customers_disturbed: int


def conclude(champion: Sum, challenger: Sum, labels: Split, ranking: Ranking | None) -> Conclusion:
    """Which is better, by the frauds they catch and the calls that takes.

    Where these are the same it is by their ranking, if that differs by more than chance.
    """
    if labels.frauds < ENOUGH:
        return Conclusion.TOO_FEW
    more, dearer = challenger.caught - champion.caught, challenger.calls - champion.calls
    if more == 0 and dearer == 0:
        low, high = _range(ranking)
        if low > 0 and high >= _NOTICED:
            return Conclusion.BETTER
        if high < 0 and low <= -_NOTICED:
            return Conclusion.WORSE
        return Conclusion.EQUAL
    if more >= 0 and dearer <= 0:
        return Conclusion.BETTER
    if more <= 0 and dearer >= 0:
        return Conclusion.WORSE
    return Conclusion.MIXED


def in_words(
    champion: Sum,
    challenger: Sum,
    labels: Split,
    ranking: Ranking | None,
    bounds: tuple[datetime, datetime] | None,
    only_challenger: Split,
) -> tuple[str, ...]:
    """The comparison in sentences; `bounds` are the times of the first and the last event."""
    if bounds is None:
        return ("Nothing has been compared yet.",)
    return tuple(
        sentence
        for sentence in (
            _deeds(champion, challenger, labels, (bounds[1] - bounds[0]).total_seconds()),
            _money(champion, challenger) if labels.frauds else "",
            _ranks(labels, ranking),
            _blind_spot(only_challenger),
        )
        if sentence
    )


def _deeds(champion: Sum, challenger: Sum, labels: Split, seconds: float) -> str:
    """How many it would have rung, and what it would have caught."""
    days = seconds / _DAY_SECONDS
    if days >= 1:
        own, other, when = challenger.calls / days, champion.calls / days, " a day"
    else:
        own, other, when = float(challenger.calls), float(champion.calls), ""
    if _number(own) == _number(other):
        rung = f"would have rung as many cardholders{when}, {_number(own)}"
    else:
        rung = f"would have rung {_number(own)} {_people(own)}{when} instead of {_number(other)}"
    if not labels.frauds:
        caught = "no event of this time is known to be fraud yet"
        return f"The challenger {rung}; {caught}."
    more = challenger.caught - champion.caught
    frauds = f"{labels.frauds:,} {'fraud' if labels.frauds == 1 else 'frauds'}"
    if more == 0:
        caught = f"caught as many, {champion.caught:,}, of {frauds}"
    else:
        caught = f"caught {abs(more):,} {'more' if more > 0 else 'fewer'} of {frauds}"
        caught += f" ({challenger.caught:,} instead of {champion.caught:,})"
    return f"The challenger {rung} and {caught}."


def _money(champion: Sum, challenger: Sum) -> str:
    more = challenger.saved_amount - champion.saved_amount
    if abs(more) < 0.005:
        return "Both would have saved the same amount." if champion.saved_amount else ""
    return (
        f"It would have saved {abs(more):,.2f} {'more' if more > 0 else 'less'} "
        f"({challenger.saved_amount:,.2f} instead of {champion.saved_amount:,.2f})."
    )


def _ranks(labels: Split, ranking: Ranking | None) -> str:
    if ranking is None:
        return ""
    first, second = ranking.champion_ranks, ranking.challenger_ranks
    low, high = _range(ranking)
    if first is None or second is None:
        return (
            f"Whether it ranks frauds better cannot be told from {labels.frauds:,} labelled "
            f"{'fraud' if labels.frauds == 1 else 'frauds'} and {labels.legits:,} legitimate "
            f"events; it takes {ENOUGH} of each."
        )
    figures = (
        f"AUC {second.auc:.3f} instead of {first.auc:.3f}; the difference is between {low:+.3f} "
        f"and {high:+.3f} with 95 % confidence"
    )
    if max(abs(low), abs(high)) < _NOTICED:
        return f"Both rank frauds equally well, with an AUC of {second.auc:.3f}."
    if low > 0:
        return f"It ranks frauds better: {figures}."
    if high < 0:
        return f"It ranks frauds worse: {figures}."
    return f"That one ranks frauds better than the other cannot be told: {figures}."


def _blind_spot(only_challenger: Split) -> str:
    """Labels come from calls, and only the champion calls."""
    unlabelled, alerts = only_challenger.unlabelled, only_challenger.events
    if not unlabelled:
        return ""
    return (
        f"Of {alerts:,} {'alert' if alerts == 1 else 'alerts'} that only the challenger raised, "
        f"{unlabelled:,} {'has' if unlabelled == 1 else 'have'} no label: nobody was rung, so it "
        "may be better than it looks, or worse."
    )


def _range(ranking: Ranking | None) -> tuple[float, float]:
    """Between what the difference of the AUC is; all there can be when it cannot be told."""
    if ranking is None or ranking.auc_difference_low is None:
        return -1.0, 1.0
    assert ranking.auc_difference_high is not None
    return ranking.auc_difference_low, ranking.auc_difference_high


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:,.1f}"


def _people(number: float) -> str:
    return "cardholder" if number == 1 else "cardholders"
