"""Past payments with known answers, in the event log and in files."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from publishing import PAYMENT, prepare, publish, rule
from sqlalchemy import Connection

from ringfence.events import Entity, EventReader, SentEvent, label_event, put_event_type
from ringfence.events.log import append_events

PRICED = msgspec.structs.replace(PAYMENT, amount_variable="amount")


@dataclass(frozen=True, slots=True)
class Payment:
    """A past payment; `label` is `fraud`, `legit` or nothing."""

    at: datetime
    amount: float
    label: str = ""
    card: str | None = None
    customer: str | None = None
    merchant: str = "shop"


def at(day: int, hour: float = 12) -> datetime:
    """A time in March 2026."""
    return datetime(2026, 3, day, int(hour), round(hour % 1 * 60), tzinfo=UTC)


# With `large` (over 100) as the only rule that alerts.
KNOWN = (
    Payment(at(1, 9), 150, "legit", "c1", "u1"),  # a false alert, a call
    Payment(at(1, 10), 200, "fraud", "c1", "u1"),  # caught, joins the case
    Payment(at(1, 11), 40, "fraud", "c1", "u1"),  # prevented: the card is blocked by then
    Payment(at(1, 12), 500, "fraud", "c2", "u2"),  # caught, a call
    Payment(at(2, 9), 60, "fraud", "c2", "u2"),  # missed: another day
    Payment(at(2, 10), 300, "legit", "c1", "u1"),  # a false alert of the same customer, a call
    Payment(at(2, 11), 20, "legit", "c3", "u3"),
    Payment(at(2, 12), 700, "", "c3", "u3"),  # an alert that nobody has judged, a call
    Payment(at(2, 13), 800, "legit", None, "u4"),  # a false alert, but whom to ring?
)


def furnish(connection: Connection) -> None:
    """Two versions of a detector: the first finds large payments, the second odd merchants too."""
    prepare(connection)
    put_event_type(connection, PRICED)
    publish(connection, rule("large"), rule("any"))
    publish(connection, rule("large"), msgspec.structs.replace(rule("odd"), outcomes=("call",)))


def store(connection: Connection, payments: Sequence[Payment]) -> None:
    """Put payments into the event log, in the given order."""
    reader = EventReader(PRICED)
    events = []
    for number, payment in enumerate(payments):
        named = (("customer", payment.customer), ("card", payment.card))
        sent = SentEvent(
            event_id=f"e{number:06}",
            at=payment.at,
            entities=tuple(Entity(kind, name) for kind, name in named if name),
            variables={"amount": payment.amount, "merchant": payment.merchant},
        )
        events.append(reader.read(sent, payment.at))
    append_events(connection, events, at(20))
    for event, payment in zip(events, payments, strict=True):
        if payment.label:
            label_event(connection, PRICED.name, event.event_id, payment.label, source="test")


def write(path: Path, payments: Sequence[Payment]) -> Path:
    """The same payments as a CSV file."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["EVENT_TIMESTAMP", "EVENT_LABEL", "amount", "merchant", "card_id", "customer_id"]
        )
        writer.writerows(
            [p.at.isoformat(), p.label, p.amount, p.merchant, p.card, p.customer] for p in payments
        )
    return path
