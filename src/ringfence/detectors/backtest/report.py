"""What a backtest reports: counts, shares and money, by day, by rule, by outcome.

The tally is plain arithmetic over events in order of time and what was decided about them; it
knows neither where the events come from nor how they are decided.

What is counted, and how:

- An *alert* is an event whose outcomes hold one that opens a case. Of the labelled ones, an alert
  on a fraud is *caught*, one on a legitimate event is *false*.
- A *call* is a case: the first alert of a card opens one, and further alerts of that card join it,
  without ringing again, until its window ends (the end of the UTC day, or a number of hours after
  the first alert). An alert that names no card rings nobody here, for what cards a customer has is
  not known to past events.
- Money is the event type's amount variable, added up as it is written, whatever the currency.
  *Caught* is the amount of caught frauds. *Prevented* is the amount of frauds that raised no alert
  themselves, on a card for which a fraud was caught before, while that case's window lasts: the
  call would have blocked the card. *Saved* is both, *missed* the rest of the fraud; *interrupted*
  is the amount of legitimate events with an alert, which had to wait for the cardholder.
- A customer is *disturbed* by an alert on a legitimate event, and counted once, however often. An
  event that names no customer counts by its card.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import msgspec

from ringfence.rules import Rule

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR = 3_600_000_000
_DAY = 24 * _HOUR


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What happened in a stretch of time. Amounts are in units of the event's currency."""

    events: int
    frauds: int
    legits: int
    unlabelled: int
    alerts: int
    caught: int
    false_alerts: int
    calls: int
    alerts_without_card: int
    fraud_amount: float
    caught_amount: float
    prevented_amount: float
    saved_amount: float
    missed_amount: float
    interrupted_amount: float


class Day(Counts, frozen=True, kw_only=True):
    """One UTC day that had events."""

    date: date


class Totals(Counts, frozen=True, kw_only=True):
    """The whole window: the sums of its days, and what follows from them.

    Shares are 0 to 1, and None where there is nothing to divide by: `precision` is caught of
    labelled alerts, `recall` caught of frauds, `false_positive_rate` false alerts of legitimate
    events, `alert_rate` alerts of all events.
    """

    customers_disturbed: int
    precision: float | None
    recall: float | None
    false_positive_rate: float | None
    alert_rate: float | None


class RuleCount(msgspec.Struct, frozen=True, kw_only=True):
    """One rule: how many events it matched, and how many it could not be evaluated for."""

    rule_id: str
    version: str
    outcomes: tuple[str, ...]
    matched: int
    frauds: int
    legits: int
    unlabelled: int
    not_evaluated: int


class OutcomeCount(msgspec.Struct, frozen=True, kw_only=True):
    """One outcome: how many events had it, and whether it makes an alert."""

    outcome: str
    alerting: bool
    events: int
    frauds: int
    legits: int
    unlabelled: int


class VersionReport(msgspec.Struct, frozen=True, kw_only=True):
    """How one detector version would have done.

    `trained_until` is the time of the last event that one of its models was trained or measured on:
    what it says of events until then is better than what it would say of new ones.
    """

    detector: str
    version: str
    trained_until: datetime | None
    totals: Totals
    days: tuple[Day, ...]
    rules: tuple[RuleCount, ...]
    outcomes: tuple[OutcomeCount, ...]


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """Events by their label."""

    events: int
    frauds: int
    legits: int
    unlabelled: int


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two versions side by side: the second less the first for every total that both have, and
    which events raised an alert with both, or with one only."""

    differences: dict[str, float]
    both: Split
    only_first: Split
    only_second: Split


class BacktestReport(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a backtest of one version, or of two beside each other.

    `first_at` and `last_at` are the times of the first and the last event; `case_hours` is None
    when a case lasts until the end of the day.
    """

    event_type: str
    source: str
    events: int
    first_at: datetime | None
    last_at: datetime | None
    alert_outcomes: tuple[str, ...]
    case_hours: float | None
    versions: tuple[VersionReport, ...]
    comparison: Comparison | None


@dataclass(slots=True)
class _Sums:
    """The running counts of one day."""

    events: int = 0
    frauds: int = 0
    unlabelled: int = 0
    alerts: int = 0
    caught: int = 0
    false_alerts: int = 0
    calls: int = 0
    alerts_without_card: int = 0
    fraud_amount: float = 0.0
    caught_amount: float = 0.0
    prevented_amount: float = 0.0
    interrupted_amount: float = 0.0

    def day(self, number: int) -> Day:
        """The day, `number` days after 1970-01-01."""
        fraud, caught = round(self.fraud_amount, 2), round(self.caught_amount, 2)
        prevented = round(self.prevented_amount, 2)
        return Day(
            date=(_EPOCH + timedelta(days=number)).date(),
            events=self.events,
            frauds=self.frauds,
            legits=self.events - self.frauds - self.unlabelled,
            unlabelled=self.unlabelled,
            alerts=self.alerts,
            caught=self.caught,
            false_alerts=self.false_alerts,
            calls=self.calls,
            alerts_without_card=self.alerts_without_card,
            fraud_amount=fraud,
            caught_amount=caught,
            prevented_amount=prevented,
            saved_amount=round(caught + prevented, 2),
            missed_amount=round(fraud - caught - prevented, 2),
            interrupted_amount=round(self.interrupted_amount, 2),
        )


# Of events without a label, legitimate ones, frauds: the place of each in a list of three.
_UNLABELLED, _LEGIT, _FRAUD = 0, 1, 2
_PLACE = {None: _UNLABELLED, False: _LEGIT, True: _FRAUD}


@dataclass(slots=True)
class Tally:
    """Counts for one version. Events must be added in order of time."""

    detector: str
    version: str
    rules: Sequence[Rule]
    alert_outcomes: frozenset[str]
    case_hours: float | None
    trained_until: datetime | None = None
    _days: dict[int, _Sums] = field(default_factory=dict)
    _matched: dict[tuple[int, ...], list[int]] = field(default_factory=dict)
    _alerting: dict[tuple[int, ...], bool] = field(default_factory=dict)
    _not_evaluated: list[int] = field(default_factory=list)
    _disturbed: set[str] = field(default_factory=set)
    _case_until: dict[str, int] = field(default_factory=dict)
    _blocked_until: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._not_evaluated = [0] * len(self.rules)

    def add(
        self,
        at: int,
        matched: tuple[int, ...],
        fraud: bool | None,
        amount: float,
        card: str | None,
        customer: str | None,
    ) -> bool:
        """Count an event; returns whether it raised an alert.

        `at` is in microseconds since 1970, `matched` are places in `rules`.
        """
        number = at // _DAY
        sums = self._days.get(number)
        if sums is None:
            sums = self._days[number] = _Sums()
        counted = self._matched.get(matched)
        if counted is None:
            counted = self._matched[matched] = [0, 0, 0]
            self._alerting[matched] = not self.alert_outcomes.isdisjoint(self._outcomes(matched))
        counted[_PLACE[fraud]] += 1
        sums.events += 1
        if fraud:
            sums.frauds += 1
            sums.fraud_amount += amount
        elif fraud is None:
            sums.unlabelled += 1
        alert = self._alerting[matched]
        if alert:
            self._alert(sums, at, fraud, amount, card, customer)
        elif fraud and card is not None and at < self._blocked_until.get(card, at):
            sums.prevented_amount += amount
        return alert

    def add_not_evaluated(self, counts: Sequence[int]) -> None:
        """Count, rule by rule, events for which it could not be evaluated."""
        self._not_evaluated = [
            before + more for before, more in zip(self._not_evaluated, counts, strict=True)
        ]

    def report(self) -> VersionReport:
        """Everything that was counted so far."""
        days = tuple(self._days[number].day(number) for number in sorted(self._days))
        return VersionReport(
            detector=self.detector,
            version=self.version,
            trained_until=self.trained_until,
            totals=_totals(days, len(self._disturbed)),
            days=days,
            rules=tuple(self._rule(place) for place in range(len(self.rules))),
            outcomes=tuple(
                self._outcome(name)
                for name in dict.fromkeys(name for rule in self.rules for name in rule.outcomes)
            ),
        )

    def _alert(
        self,
        sums: _Sums,
        at: int,
        fraud: bool | None,
        amount: float,
        card: str | None,
        customer: str | None,
    ) -> None:
        sums.alerts += 1
        if card is None:
            sums.alerts_without_card += 1
        elif at >= self._case_until.get(card, at):
            sums.calls += 1
            self._case_until[card] = (
                (at // _DAY + 1) * _DAY
                if self.case_hours is None
                else at + round(self.case_hours * _HOUR)
            )
        if fraud:
            sums.caught += 1
            sums.caught_amount += amount
            if card is not None:
                self._blocked_until[card] = self._case_until[card]
        elif fraud is False:
            sums.false_alerts += 1
            sums.interrupted_amount += amount
            disturbed = customer or card
            if disturbed is not None:
                self._disturbed.add(disturbed)

    def _outcomes(self, matched: tuple[int, ...]) -> set[str]:
        return {name for place in matched for name in self.rules[place].outcomes}

    def _rule(self, place: int) -> RuleCount:
        rule = self.rules[place]
        split = self._split([m for m in self._matched if place in m])
        return RuleCount(
            rule_id=rule.rule_id,
            version=rule.version,
            outcomes=rule.outcomes,
            matched=split.events,
            frauds=split.frauds,
            legits=split.legits,
            unlabelled=split.unlabelled,
            not_evaluated=self._not_evaluated[place],
        )

    def _outcome(self, name: str) -> OutcomeCount:
        split = self._split([m for m in self._matched if name in self._outcomes(m)])
        return OutcomeCount(
            outcome=name,
            alerting=name in self.alert_outcomes,
            events=split.events,
            frauds=split.frauds,
            legits=split.legits,
            unlabelled=split.unlabelled,
        )

    def _split(self, matches: Sequence[tuple[int, ...]]) -> Split:
        return split_of([sum(self._matched[m][place] for m in matches) for place in range(3)])


def split_of(counts: Sequence[int]) -> Split:
    """Counts of events without a label, legitimate ones and frauds, in this order."""
    return Split(
        events=sum(counts),
        frauds=counts[_FRAUD],
        legits=counts[_LEGIT],
        unlabelled=counts[_UNLABELLED],
    )


class Overlap:
    """Which events raised an alert with both of two versions, or with one only."""

    def __init__(self) -> None:
        self._counts = {which: [0, 0, 0] for which in ((True, True), (True, False), (False, True))}

    def add(self, first: bool, second: bool, fraud: bool | None) -> None:
        """Count an event."""
        if first or second:
            self._counts[first, second][_PLACE[fraud]] += 1

    def compare(self, first: VersionReport, second: VersionReport) -> Comparison:
        """The two reports side by side."""
        return Comparison(
            differences=_differences(first.totals, second.totals),
            both=split_of(self._counts[True, True]),
            only_first=split_of(self._counts[True, False]),
            only_second=split_of(self._counts[False, True]),
        )


def _totals(days: Sequence[Day], disturbed: int) -> Totals:
    sums = {
        name: round(sum(getattr(day, name) for day in days), 2) for name in Counts.__struct_fields__
    }
    return Totals(
        **sums,
        customers_disturbed=disturbed,
        precision=_share(sums["caught"], sums["caught"] + sums["false_alerts"]),
        recall=_share(sums["caught"], sums["frauds"]),
        false_positive_rate=_share(sums["false_alerts"], sums["legits"]),
        alert_rate=_share(sums["alerts"], sums["events"]),
    )


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _differences(first: Totals, second: Totals) -> dict[str, float]:
    differences = {}
    for name in Totals.__struct_fields__:
        one, other = getattr(first, name), getattr(second, name)
        if one is not None and other is not None:
            less = other - one
            differences[name] = round(less, 2) if name.endswith("_amount") else less
    return differences
