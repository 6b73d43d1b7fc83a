"""A payment's event type, a plan with every kind of aggregate, and random histories of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from ringfence.events import DataType, Entity, Event, EventType, Value, Variable, VariableType
from ringfence.profiles import Aggregate, History, Kind, Part, ProfilePlan, Source

DAY = 86_400.0
START = datetime(2026, 3, 1, tzinfo=UTC)

PAYMENT = EventType(
    name="card_payment",
    variables=(
        Variable("amount", DataType.FLOAT, VariableType.PRICE),
        Variable("merchant", DataType.STRING, VariableType.CATEGORICAL),
        Variable("email", DataType.STRING, VariableType.EMAIL_ADDRESS),
        Variable("ip", DataType.STRING, VariableType.IP_ADDRESS),
        Variable("lat", DataType.FLOAT, VariableType.NUMERIC),
        Variable("lon", DataType.FLOAT, VariableType.NUMERIC),
        Variable("country", DataType.STRING, VariableType.BILLING_COUNTRY),
    ),
    amount_variable="amount",
    merchant_variable="merchant",
)

CARD = Source(entity="card")
MERCHANT = Source(variable="merchant")
AMOUNT = Source(variable="amount")
DOMAIN = Source(variable="email", part=Part.MAIL_DOMAIN)
BLOCK = Source(variable="ip", part=Part.IP_24)


def aggregate(kind: Kind, *by: Source, **rest: object) -> Aggregate:
    """An aggregate named after what it is."""
    told = "~".join(
        ["a", *map(str, by), kind, *(f"{k}={v}" for k, v in rest.items() if k != "places")]
    )
    name = "".join(c if c.isalnum() or c in "_.~-" else "-" for c in told.lower())[:200]
    return Aggregate(name=name, kind=kind, by=by, **rest)  # type: ignore[arg-type]


PLAN = ProfilePlan(
    PAYMENT.name,
    (
        aggregate(Kind.COUNT, CARD, horizon_seconds=DAY, buckets=6),
        aggregate(Kind.COUNT, CARD),
        aggregate(Kind.COUNT, CARD, MERCHANT, half_life_seconds=DAY),
        aggregate(Kind.SUM, CARD, value=AMOUNT, horizon_seconds=DAY, buckets=6),
        aggregate(Kind.MEAN, MERCHANT, value=AMOUNT, half_life_seconds=2 * DAY),
        aggregate(Kind.MEAN, CARD, value=AMOUNT),
        aggregate(Kind.DEVIATION, CARD, value=AMOUNT, horizon_seconds=3 * DAY),
        aggregate(Kind.RATIO, CARD, value=AMOUNT, horizon_seconds=3 * DAY),
        aggregate(
            Kind.SHIFT, CARD, value=AMOUNT, horizon_seconds=DAY, long_seconds=4 * DAY, buckets=8
        ),
        aggregate(
            Kind.PEAK, CARD, value=AMOUNT, horizon_seconds=DAY, long_seconds=3 * DAY, buckets=8
        ),
        aggregate(Kind.SPREAD, CARD, value=AMOUNT, horizon_seconds=3 * DAY),
        aggregate(Kind.SPREAD, MERCHANT, value=AMOUNT, half_life_seconds=DAY),
        aggregate(Kind.DISTINCT, CARD, value=MERCHANT, horizon_seconds=2 * DAY),
        aggregate(Kind.DISTINCT, BLOCK, value=CARD),
        aggregate(Kind.SHARE, CARD, value=MERCHANT),
        aggregate(Kind.SHARE, CARD, value=DOMAIN, horizon_seconds=4 * DAY, buckets=8),
        aggregate(Kind.SHARE, MERCHANT, value=BLOCK, half_life_seconds=DAY),
        aggregate(Kind.SINCE_LAST, DOMAIN, CARD),
        aggregate(Kind.AGE, MERCHANT),
        aggregate(Kind.VELOCITY, CARD, horizon_seconds=DAY / 4, long_seconds=4 * DAY, buckets=8),
        aggregate(Kind.DISTANCE, CARD, latitude="lat", longitude="lon"),
        aggregate(Kind.SPEED, CARD, latitude="lat", longitude="lon"),
        aggregate(
            Kind.DISTANCE,
            CARD,
            place=Source(variable="country"),
            places={"de": (52.5, 13.4), "fr": (48.9, 2.4)},
        ),
        aggregate(
            Kind.RISK, MERCHANT, horizon_seconds=2 * DAY, delay_seconds=DAY, buckets=8, smoothing=5
        ),
        aggregate(Kind.RISK, DOMAIN, horizon_seconds=3 * DAY, delay_seconds=0, smoothing=0),
        aggregate(
            Kind.SINCE_FRAUD, MERCHANT, horizon_seconds=2 * DAY, delay_seconds=DAY, buckets=8
        ),
        aggregate(Kind.SINCE_FRAUD, CARD, horizon_seconds=3 * DAY, delay_seconds=0),
        aggregate(Kind.FRAUD_AGE, CARD, horizon_seconds=4 * DAY, delay_seconds=DAY / 2, buckets=16),
        aggregate(Kind.FRAUD_AGE, DOMAIN, horizon_seconds=3 * DAY, delay_seconds=0),
    ),
)


@dataclass(frozen=True, slots=True)
class Payment:
    """An event with what became known of it and when; times in seconds after `START`."""

    at: float
    received: float
    card: str | None
    variables: dict[str, Value]
    fraud: bool | None = None
    label_at: float | None = None

    def event(self, number: int) -> Event:
        return Event(
            event_type=PAYMENT.name,
            event_id=f"e-{number:06}",
            at=START + timedelta(seconds=self.at),
            entities=() if self.card is None else (Entity("card", self.card),),
            variables=self.variables,
            content_hash=b"0" * 16,
        )


# Few different times, so that ties and the edges of buckets come up.
_TIMES = st.one_of(
    st.integers(0, 40).map(lambda n: n * DAY / 4), st.floats(0, 10 * DAY).map(lambda s: round(s, 6))
)
_AMOUNTS = st.one_of(
    st.none(), st.just(math.nan), st.integers(-5, 500), st.floats(0, 1e4), st.floats(-1e300, 1e300)
)


@st.composite
def payments(draw: st.DrawFn) -> Payment:
    """A payment on time, late or early, with anything missing."""
    at = draw(_TIMES)
    received = draw(st.one_of(st.just(at), _TIMES))
    return Payment(
        at,
        received,
        draw(st.sampled_from(["c1", "c2", "c3", None, "unknown"])),
        {
            "amount": draw(_AMOUNTS),
            "merchant": draw(st.sampled_from(["m1", "m2", " m1 ", "", None, "<null>"])),
            "email": draw(st.sampled_from(["a@x.com", "b@X.com", "c@y.org", None])),
            "ip": draw(st.sampled_from(["10.0.0.1", "10.0.0.2", "10.0.1.1", "2001:db8::1", "no"])),
            "lat": draw(st.sampled_from([None, 52.5, -33.9, 0.0])),
            "lon": draw(st.sampled_from([None, 13.4, 151.2])),
            "country": draw(st.sampled_from(["de", "fr", "xx", None])),
        },
        draw(st.sampled_from([None, False, True, True])),
        draw(st.one_of(st.none(), _TIMES)),
    )


def history(rows: list[Payment], *, received: bool = True) -> History:
    """The payments as columns."""
    begin = START.timestamp()
    return History(
        at=[begin + row.at for row in rows],
        variables={v.name: [row.variables[v.name] for row in rows] for v in PAYMENT.variables},
        entities={"card": [row.card for row in rows]},
        received=[begin + row.received for row in rows] if received else None,
        fraud=[row.fraud for row in rows],
        label_at=[None if row.label_at is None else begin + row.label_at for row in rows],
    )
