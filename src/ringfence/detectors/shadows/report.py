"""What comes of comparing a shadow, the challenger, with the version that decided, the champion.

Both are compared on exactly the events that both judged. What counts as an alert, a call, a
disturbed customer and saved money is what it is in `backtest.report`, with the time of the decision
as the time of the event. The calls of both sides are counted by the same rules, so the champion's
may differ from those that were placed, which also depend on cards that were blocked already.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from typing import Any

import msgspec
from sqlalchemy import Connection

from ringfence.detectors.backtest.report import Split, Tally, VersionReport, split_of
from ringfence.detectors.definitions import get_detector
from ringfence.detectors.rules import list_rules
from ringfence.detectors.shadows.counting import (
    EXAMPLES,
    Cell,
    ShadowCounts,
    matched_of,
    top_score,
)
from ringfence.detectors.shadows.ranking import FRAUD, Ranking
from ringfence.detectors.shadows.reading import Compared
from ringfence.detectors.shadows.running import Shadow, get_shadow
from ringfence.detectors.shadows.words import Conclusion, Sum, conclude, in_words
from ringfence.detectors.versions import RuleRef
from ringfence.errors import InvalidInput
from ringfence.events.definitions import get_event_type
from ringfence.events.reading import Entity
from ringfence.rules import Rule

_EPOCH = date(1970, 1, 1)
_ENTITIES = msgspec.json.Decoder(tuple[Entity, ...])
_VARIABLES = msgspec.json.Decoder(dict[str, Any])
_MOST_AGREEMENTS = 100
_REASONS = 10


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """What one of the two did, or would have done. Amounts are in units of the event's currency.

    `unjudged` are alerts on events without a label. `precision` is caught of labelled alerts,
    `recall` caught of frauds, each None where there is nothing to divide by.
    """

    alerts: int
    caught: int
    missed: int
    false_alerts: int
    unjudged: int
    calls: int
    customers_disturbed: int
    precision: float | None
    recall: float | None
    caught_amount: float
    prevented_amount: float
    saved_amount: float
    missed_amount: float
    interrupted_amount: float


class ShadowDay(msgspec.Struct, frozen=True, kw_only=True):
    """One UTC day on which events were compared."""

    date: date
    events: int
    champion_alerts: int
    challenger_alerts: int
    champion_caught: int
    challenger_caught: int
    champion_calls: int
    challenger_calls: int


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """One event. Scores are the highest of each version's models, None without a model."""

    event_type: str
    event_id: str
    decided_at: datetime
    champion_score: float | None
    challenger_score: float | None
    label: str | None
    case_id: str | None


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """The events for which the champion had these outcomes and the challenger those."""

    champion: tuple[str, ...]
    challenger: tuple[str, ...]
    champion_alerts: bool
    challenger_alerts: bool
    split: Split
    examples: tuple[Example, ...]


class ChampionShare(msgspec.Struct, frozen=True):
    """How many of the events a version decided."""

    version: str
    events: int


class Failure(msgspec.Struct, frozen=True):
    """Why the shadow could not judge events, and how many."""

    reason: str
    events: int


class ShadowReport(msgspec.Struct, frozen=True, kw_only=True):
    """A shadow beside the versions that decided meanwhile.

    `events` are those that both judged, `decided` all that the detector decided from the first of
    them to the last, `failed` those that the shadow failed on (`failures` says why, the most
    frequent first). `agreements` holds every pair of outcomes, the most frequent first; `both`,
    `only_champion` and `only_challenger` split the alerts. `label_sources` counts labels by who
    gave them. `ranking` is None when one of the two has no model. `words` says it all in sentences.
    """

    shadow: Shadow
    event_type: str
    champions: tuple[ChampionShare, ...]
    since: datetime | None
    until: datetime | None
    first_at: datetime | None
    last_at: datetime | None
    events: int
    decided: int
    failed: int
    failures: tuple[Failure, ...]
    labels: Split
    label_sources: dict[str, int]
    alert_outcomes: tuple[str, ...]
    case_hours: float | None
    champion: Side
    challenger: Side
    both: Split
    only_champion: Split
    only_challenger: Split
    agreements: tuple[Agreement, ...]
    days: tuple[ShadowDay, ...]
    ranking: Ranking | None
    conclusion: Conclusion
    words: tuple[str, ...]


def shadow_report(
    connection: Connection,
    detector_id: str,
    version: str,
    since: datetime | None = None,
    until: datetime | None = None,
    *,
    alert_outcomes: Collection[str],
    case_hours: float | None = None,
) -> ShadowReport:
    """What a shadow and the champion said of the events that were decided about from `since` on and
    before `until`; None leaves that side open.

    `alert_outcomes` are the outcomes that open a case. A case lasts `case_hours`, or until the end
    of the UTC day. Memory is bounded by how many different scores, days and alerted cards there
    are, not by events. Raises `NotFound` when the version never ran as a shadow, `InvalidInput` for
    a window that is empty.
    """
    if since is not None and until is not None and since >= until:
        raise InvalidInput("is not after the beginning", field="to", expected="a later time")
    shadow = get_shadow(connection, detector_id, version)
    event_type = get_event_type(connection, get_detector(connection, detector_id).event_type)
    compared = Compared(connection, detector_id, version, since, until)
    counts = ShadowCounts(event_type, frozenset(alert_outcomes))
    for group in compared.groups():
        counts.add(group)
    sides = _sides(connection, detector_id, compared, counts, case_hours)
    bounds = compared.bounds()
    champion, challenger = (_side(of, counts) for of in sides)
    ranking = counts.pairs.ranking(champion.alerts)
    sums = [
        Sum(of.alerts, of.calls, of.caught, of.saved_amount, of.customers_disturbed)
        for of in (champion, challenger)
    ]
    labels = split_of(counts.labels)
    only_challenger = counts.split(champion=False, challenger=True)
    return ShadowReport(
        shadow=shadow,
        event_type=event_type.name,
        champions=tuple(ChampionShare(*of) for of in counts.champions.most_common()),
        since=since,
        until=until,
        first_at=bounds and bounds[0],
        last_at=bounds and bounds[1],
        events=labels.events,
        decided=compared.decided(*bounds) if bounds else 0,
        failed=compared.failed(),
        failures=tuple(Failure(*of) for of in compared.failures(_REASONS)),
        labels=labels,
        label_sources=dict(counts.sources.most_common()),
        alert_outcomes=tuple(sorted(alert_outcomes)),
        case_hours=case_hours,
        champion=champion,
        challenger=challenger,
        both=counts.split(champion=True, challenger=True),
        only_champion=counts.split(champion=True, challenger=False),
        only_challenger=only_challenger,
        agreements=_agreements(compared, counts),
        days=tuple(_days(sides, counts)),
        ranking=ranking,
        conclusion=conclude(sums[0], sums[1], labels, ranking),
        words=in_words(sums[0], sums[1], labels, ranking, bounds, only_challenger),
    )


def _sides(
    connection: Connection,
    detector_id: str,
    compared: Compared,
    counts: ShadowCounts,
    case_hours: float | None,
) -> list[VersionReport]:
    """Champion and challenger, by alerts and frauds; other events are not counted in them."""
    said = {stored: matched_of(stored) for pair in counts.cells for stored in pair}
    rules = {RuleRef(r.rule_id, r.version): r for r in list_rules(connection, detector_id)}
    for rule in chain.from_iterable(said.values()):
        # The champion of then, and its rules with it, may have been deleted.
        gone = Rule(
            rule_id=rule.rule_id, version=rule.version, expression="", outcomes=rule.outcomes
        )
        rules.setdefault(RuleRef(rule.rule_id, rule.version), gone)
    places = {ref: place for place, ref in enumerate(rules)}
    every = tuple(rules.values())
    tallies = [Tally(detector_id, side, every, counts.alert_outcomes, case_hours) for side in "ab"]
    matched: dict[bytes, tuple[int, ...]] = {
        stored: tuple(places[RuleRef(m.rule_id, m.version)] for m in of_it)
        for stored, of_it in said.items()
    }
    of_type = counts.event_type
    known = of_type.meanings
    for row in compared.telling(counts.alerting(0), counts.alerting(1), of_type.fraud_labels):
        named = {entity.entity_type: entity.entity_id for entity in _ENTITIES.decode(row.entities)}
        of_event = (
            known.get(row.label),
            _amount(row.variables, of_type.amount_variable),
            named.get("card"),
            named.get("customer"),
        )
        tallies[0].add(row.at, matched[row.champion_rules], *of_event)
        tallies[1].add(row.at, matched[row.challenger_rules], *of_event)
    return [tally.report() for tally in tallies]


def _side(of: VersionReport, counts: ShadowCounts) -> Side:
    totals = of.totals
    frauds = counts.labels[FRAUD]
    return Side(
        alerts=totals.alerts,
        caught=totals.caught,
        missed=frauds - totals.caught,
        false_alerts=totals.false_alerts,
        unjudged=totals.alerts - totals.caught - totals.false_alerts,
        calls=totals.calls,
        customers_disturbed=totals.customers_disturbed,
        precision=totals.precision,
        recall=totals.caught / frauds if frauds else None,
        caught_amount=totals.caught_amount,
        prevented_amount=totals.prevented_amount,
        saved_amount=totals.saved_amount,
        missed_amount=totals.missed_amount,
        interrupted_amount=totals.interrupted_amount,
    )


def _days(sides: Sequence[VersionReport], counts: ShadowCounts) -> Iterator[ShadowDay]:
    champion, challenger = ({day.date: day for day in of.days} for of in sides)
    for number in sorted(counts.days):
        at = _EPOCH + timedelta(days=number)
        first, second = champion.get(at), challenger.get(at)
        yield ShadowDay(
            date=at,
            events=counts.days[number],
            champion_alerts=first.alerts if first else 0,
            challenger_alerts=second.alerts if second else 0,
            champion_caught=first.caught if first else 0,
            challenger_caught=second.caught if second else 0,
            champion_calls=first.calls if first else 0,
            challenger_calls=second.calls if second else 0,
        )


def _agreements(compared: Compared, counts: ShadowCounts) -> tuple[Agreement, ...]:
    merged: dict[tuple[tuple[str, ...], tuple[str, ...]], Cell] = {}
    for (champion, challenger), cell in counts.cells.items():
        of = merged.setdefault((counts.outcomes(champion), counts.outcomes(challenger)), Cell())
        of.counts = [one + other for one, other in zip(of.counts, cell.counts, strict=True)]
        of.examples = [*of.examples, *cell.examples][-EXAMPLES:]
    shown = sorted(merged.items(), key=lambda item: -sum(item[1].counts))[:_MOST_AGREEMENTS]
    wanted = [
        event_id
        for (champion, challenger), cell in shown
        if champion != challenger
        for event_id in cell.examples
    ]
    examples = {
        row.event_id: Example(
            event_type=row.event_type,
            event_id=row.event_id,
            decided_at=row.decided_at.astimezone(UTC),
            champion_score=top_score(row.champion_scores),
            challenger_score=top_score(row.challenger_scores),
            label=row.label,
            case_id=row.case_id,
        )
        for row in compared.examples(wanted)
    }
    return tuple(
        Agreement(
            champion=champion,
            challenger=challenger,
            champion_alerts=not counts.alert_outcomes.isdisjoint(champion),
            challenger_alerts=not counts.alert_outcomes.isdisjoint(challenger),
            split=split_of(cell.counts),
            examples=tuple(
                sorted(
                    (examples[event_id] for event_id in cell.examples if event_id in examples),
                    key=lambda example: example.decided_at,
                    reverse=True,
                )
            ),
        )
        for (champion, challenger), cell in shown
    )


def _amount(variables: bytes, name: str | None) -> float:
    if name is None:
        return 0.0
    try:
        return float(_VARIABLES.decode(variables).get(name))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return 0.0
