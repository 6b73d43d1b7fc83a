"""An event type with every data type, and events of it."""

from __future__ import annotations

from datetime import UTC, datetime

from ringfence.events import (
    DataType,
    Entity,
    EventReader,
    EventType,
    SentEvent,
    Variable,
    VariableType,
)

RECEIVED_AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)

PAYMENT = EventType(
    name="card_payment",
    variables=(
        Variable("amount", DataType.FLOAT, VariableType.PRICE, default="0.0"),
        Variable("items", DataType.INTEGER, VariableType.NUMERIC, default=1),
        Variable("merchant", DataType.STRING, VariableType.CATEGORICAL, default="unknown"),
        Variable("phone", DataType.STRING, VariableType.PHONE_NUMBER),
        Variable("present", DataType.BOOLEAN, VariableType.CATEGORICAL),
        Variable("opened", DataType.DATETIME, VariableType.CATEGORICAL),
        Variable("cvv", DataType.STRING, VariableType.CATEGORICAL),
        Variable("cardPinBlock", DataType.STRING, VariableType.CATEGORICAL),
    ),
    amount_variable="amount",
    merchant_variable="merchant",
)

READER = EventReader(PAYMENT)


def sent(
    event_id: str = "e-1",
    *,
    at: datetime | None = None,
    entities: tuple[Entity, ...] = (),
    **variables: object,
) -> SentEvent:
    """An event as a client sends it."""
    return SentEvent(
        event_id=event_id, at=at, entities=entities, variables=variables or {"amount": "12.50"}
    )
