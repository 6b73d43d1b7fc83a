"""Decisions to publish."""

from __future__ import annotations

from datetime import UTC, datetime

from ringfence.detectors import Decision, MatchedRule
from ringfence.events import DataType, Entity, EventType, Variable, VariableType
from ringfence.events.reading import Event
from ringfence.storage import Database, OrderedIds, now
from ringfence.streams import DECISIONS, DecisionPublisher, Origin
from ringfence.streams.messages import Composer, Content, Message, content_of

PAYMENT = EventType(
    name="card_payment",
    variables=(
        Variable("amount", DataType.FLOAT, VariableType.PRICE, default=0.0),
        Variable("merchant", DataType.STRING, VariableType.CATEGORICAL, default="unknown"),
    ),
    event_orchestration=True,
)
AT = datetime(2026, 3, 4, 5, 6, 7, 89_000, tzinfo=UTC)


def event(event_id: str, **variables: str | int | float | bool | None) -> Event:
    return Event(
        event_type=PAYMENT.name,
        event_id=event_id,
        at=AT,
        entities=(Entity("customer", "c-1"), Entity("card", "k-1")),
        variables={"amount": 12.5, "merchant": "m", **variables},
        content_hash=b"",
    )


def decision(event_id: str, scores: dict[str, float] | None = None) -> Decision:
    return Decision(
        event_type=PAYMENT.name,
        event_id=event_id,
        detector_id="guard",
        detector_version="1",
        decided_at=now(),
        scores=scores or {},
        rules=(MatchedRule("large", "1", ("call", "review")),),
        outcomes=("call", "review"),
    )


def content(event_id: str, scores: dict[str, float] | None = None) -> Content:
    return content_of(event(event_id), decision(event_id, scores))


def message(event_id: str) -> Message:
    """A message as a target is given it."""
    return Composer(Origin()).message_without_models(_IDS.new(), content(event_id))


def announce(database: Database, publisher: DecisionPublisher, *event_ids: str) -> None:
    """What the engine does: put down in one transaction, then tell."""
    with database.write() as connection:
        for event_id in event_ids:
            publisher.announce(connection, PAYMENT, event(event_id), decision(event_id))
    publisher.announced()


def waiting(database: Database) -> int:
    with database.read() as connection:
        return DECISIONS.standing(connection).waiting


_IDS = OrderedIds()
