"""Payments that were decided about and judged by a shadow, put into the tables directly, so that
they may be of any day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from past_payments import PRICED
from publishing import publish, rule
from sqlalchemy import Connection, insert

from ringfence.detectors import (
    Decision,
    MatchedRule,
    RuleRef,
    create_detector_version,
    put_rule,
    start_shadow,
    tables,
)
from ringfence.detectors.decisions import insert_decisions
from ringfence.events import Entity, Event, label_event, put_event_type
from ringfence.events.log import append_events

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
MODEL = "trees_insightscore"
# Rules by what they conclude; `large` alerts.
RULES = {
    "large": MatchedRule("large", "1", ("call", "review")),
    "odd": MatchedRule("odd", "1", ("review",)),
    "any": MatchedRule("any", "1", ("approve",)),
}


@dataclass(frozen=True)
class Judged:
    """A payment `hour` hours after `BEGIN`, with what both versions said of it: the rule that
    matched, and the score; no score at all where it is None."""

    hour: float
    champion: str
    challenger: str
    scores: tuple[float, float] | None = None
    label: str | None = None
    amount: float = 10.0
    card: str | None = "c1"
    failure: str | None = None

    @property
    def at(self) -> datetime:
        return BEGIN + timedelta(hours=self.hour)


def furnish(connection: Connection) -> str:
    """The detector `guard` with an active version, and a shadow, whose version is returned."""
    put_event_type(connection, PRICED)
    publish(connection, rule("large"), rule("odd"), rule("any"))
    stored = [put_rule(connection, "guard", rule(name)) for name in RULES]
    version = create_detector_version(
        connection, "guard", rules=[RuleRef(r.rule_id, r.version) for r in stored], models=[]
    ).version
    start_shadow(connection, "guard", version, by="ann")
    return version


def store(connection: Connection, version: str, payments: Sequence[Judged]) -> None:
    """Store payments as if they had been decided about at their time."""
    if not payments:
        return
    for number, of in enumerate(payments):
        event = Event(
            event_type=PRICED.name,
            event_id=f"e-{number:06}",
            at=of.at,
            entities=() if of.card is None else (Entity("card", of.card),),
            variables={"amount": of.amount, "merchant": "m"},
            content_hash=b"",
        )
        append_events(connection, [event], of.at)
        champion, challenger = RULES[of.champion], RULES[of.challenger]
        scores = [{} if of.scores is None else {MODEL: of.scores[side]} for side in (0, 1)]
        insert_decisions(
            connection,
            [
                Decision(
                    event_type=PRICED.name,
                    event_id=event.event_id,
                    detector_id="guard",
                    detector_version="1",
                    decided_at=of.at,
                    scores=scores[0],
                    rules=(champion,),
                    outcomes=champion.outcomes,
                )
            ],
        )
        connection.execute(
            insert(tables.shadow_decisions).values(
                event_type=PRICED.name,
                event_id=event.event_id,
                detector_id="guard",
                version=version,
                decided_at=of.at,
                scores={} if of.failure else scores[1],
                rule_results=() if of.failure else (challenger,),
                outcomes=() if of.failure else challenger.outcomes,
                failure=of.failure,
            )
        )
        if of.label:
            label_event(connection, PRICED.name, event.event_id, of.label, source="phone")
