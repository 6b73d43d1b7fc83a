"""Small payments whose fraud shows in several variables, for the tests of this room."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ringfence.events import DataType, EventType, Variable, VariableType
from ringfence.models.artifact import Encoding
from ringfence.models.steps import Encoder, Input, Step

_TYPES = {
    "amount": VariableType.PRICE,
    "settled_amount": VariableType.PRICE,
    "ip_address": VariableType.IP_ADDRESS,
    "email": VariableType.EMAIL_ADDRESS,
    "phone": VariableType.PHONE_NUMBER,
    "merchant": VariableType.CATEGORICAL,
    "shop_name": VariableType.FREE_FORM_TEXT,
    "postal": VariableType.BILLING_ZIP,
    "state": VariableType.BILLING_STATE,
    "street": VariableType.BILLING_ADDRESS_L1,
    "currency": VariableType.CURRENCY_CODE,
    "entry": VariableType.CATEGORICAL,
    "name": VariableType.BILLING_NAME,
    "bin": VariableType.CARD_BIN,
    "agent": VariableType.USERAGENT,
}
EVENT_TYPE = EventType(
    name="payment",
    variables=(
        *(
            Variable(name, DataType.FLOAT if kind is VariableType.PRICE else DataType.STRING, kind)
            for name, kind in _TYPES.items()
        ),
        Variable("visits", DataType.INTEGER, VariableType.NUMERIC, 0),
        Variable("known", DataType.BOOLEAN, VariableType.ARE_CREDENTIALS_VALID),
        Variable("opened", DataType.DATETIME, VariableType.NUMERIC),
    ),
)
START = datetime(2026, 1, 5, tzinfo=UTC)


def payments(count: int, seed: int = 1) -> pl.DataFrame:
    """`count` labelled payments in order of time, with values as a file of text would have them."""
    chance = random.Random(seed)
    at = START
    rows: list[dict[str, Any]] = []
    for number in range(count):
        at += timedelta(seconds=chance.randint(1, 600))
        fraud = chance.random() < 0.1
        odd = fraud and chance.random() < 0.6
        amount = round(chance.lognormvariate(5 if odd else 3.4, 1), 2)
        first, last = chance.choice(("ada", "bo", "cleo")), chance.choice(("king", "lund", "marsh"))
        domain = "mailinator.com" if odd and chance.random() < 0.5 else "gmail.com"
        networks = (66, 80, 91) if odd else (66, 66, 80)
        row = {
            "EVENT_ID": f"e-{number}",
            "EVENT_TIMESTAMP": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "EVENT_LABEL": "fraud" if fraud else "legit",
            "amount": amount,
            "settled_amount": round(amount * (0.2 if odd and chance.random() < 0.5 else 1), 2),
            "ip_address": f"{chance.choice(networks)}.{chance.randint(0, 9)}.1.7",
            "email": f"{first}.{last}{chance.randint(0, 99)}@{domain}",
            "phone": f"({chance.randint(201, 240)})555-{chance.randint(1000, 9999)}",
            "merchant": f"m{int(chance.paretovariate(0.7)) % 300}",
            "shop_name": f"Shop #{chance.randint(1, 40)}",
            "postal": str(chance.randint(10_000, 12_000)),
            "state": chance.choice(("New York", "Ohio", "Texas")),
            "street": f"{chance.randint(1, 99)} Elm Street",
            "currency": chance.choice(("usd", "usd", "eur")),
            "entry": chance.choice("EM" if odd else "CLE"),
            "name": f"{first.title()} {last.title()}",
            "bin": chance.choice(("411111", "555555", "340000")),
            "agent": chance.choice(("Mozilla/5.0 Firefox/99", "curl/8", "Chrome/120 Mobile")),
            "visits": chance.randint(0, 3),
            "known": chance.choice(("true", "false")),
            "opened": (at - timedelta(days=chance.randint(1, 20 if odd else 90))).isoformat(),
        }
        for name in ("phone", "agent", "known"):
            if chance.random() < 0.1:
                row[name] = None
        rows.append(row)
    return pl.DataFrame(rows, infer_schema_length=None)


def write(frame: pl.DataFrame, path: Path) -> Path:
    """The file `path`, CSV or Parquet by its name."""
    if path.suffix == ".parquet":
        frame.write_parquet(path)
    else:
        frame.write_csv(path)
    return path


HABIT_TYPE = EventType(
    name="habit",
    variables=(
        Variable("amount", DataType.FLOAT, VariableType.PRICE),
        Variable("shop", DataType.STRING, VariableType.CATEGORICAL),
    ),
    amount_variable="amount",
    merchant_variable="shop",
)


def habitual_payments(count: int, seed: int = 1) -> pl.DataFrame:
    """Payments whose fraud shows only beside what the card did before: some cards always pay ten
    times what others do, and a stolen card pays several times its own mean within minutes."""
    chance = random.Random(seed)
    at = START
    rows: list[dict[str, Any]] = []
    while len(rows) < count:
        at += timedelta(seconds=chance.randint(600, 3_600))
        card = chance.randint(0, 59)
        usual = 10.0 * (1 + card % 10) ** 1.5
        stolen = chance.random() < 0.03
        for _ in range(3 if stolen else 1):
            at += timedelta(seconds=chance.randint(30, 90))
            amount = usual * chance.uniform(0.5, 1.5) * (chance.uniform(3, 6) if stolen else 1)
            rows.append(
                {
                    "EVENT_TIMESTAMP": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "EVENT_LABEL": "fraud" if stolen else "legit",
                    "LABEL_TIMESTAMP": (at + timedelta(days=chance.randint(1, 9))).isoformat(),
                    "ENTITY_TYPE": "customer",
                    "ENTITY_ID": f"u{card // 2}",
                    "card_id": f"c{card}",
                    "amount": round(amount, 2),
                    "shop": f"s{chance.randint(0, 19)}",
                }
            )
    return pl.DataFrame(rows[:count])


def features_matrix(
    steps: Sequence[Step],
    columns: Mapping[str, Sequence[Input]],
    encodings: Mapping[str, Encoding],
) -> NDArray[np.float64]:
    """Features of every event, shape `(n_events, n_features)`, with given encodings."""

    def of_step(step: Step) -> NDArray[np.float64]:
        encoder = Encoder(step, encodings)
        encode = encoder.of_one if len(step.inputs) == 1 else encoder.of_two
        rows = list(zip(*(columns[name] for name in step.inputs), strict=True))
        return np.array([encode(*row) for row in rows]).reshape(len(rows), -1)

    return np.hstack([of_step(step) for step in steps])
