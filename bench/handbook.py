"""The Fraud Detection Handbook's simulated transactions, by its own protocol.

The data (Le Borgne, Siblini, Lebichot, Bontempi) is not shipped: a Parquet file with its columns is
given. Labels arrive seven days late, cards known as compromised by then are left out, and of the
100 cards ranked highest each day card precision@100 counts the compromised ones, each of which
leaves the pool when it is found. Every week of the file that can be tested is printed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bench.tables import print_table

from ringfence.events import DataType, EventType, Variable, VariableType
from ringfence.profiles import Aggregate, Kind, ProfilePlan, Source

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from ringfence.models import DataSet, Trained

_WEEKS = ("2018-07-04", "2018-07-11", "2018-07-18", "2018-07-25", "2018-08-08")
_DELAY_DAYS = 7
_DAY = 86_400.0
_OF_AMOUNTS = (Kind.MEAN, Kind.DEVIATION, Kind.RATIO, Kind.SHIFT, Kind.PEAK, Kind.SPREAD)
_PUBLISHED = (
    ("logistic regression, one week", "2018-08-08", "0.871", "0.606", "0.291"),
    ("random forest, one week", "2018-08-08", "0.867", "0.658", "0.287"),
    ("XGBoost, one week", "2018-08-08", "0.862", "0.639", "0.273"),
    ("XGBoost, tuned", "several", "0.869", "0.687", "0.303"),
    ("neural network, tuned", "several", "0.876", "0.675", "0.303"),
)
PAYMENT = EventType(
    name="handbook_payment",
    variables=(Variable("amount", DataType.FLOAT, VariableType.PRICE),),
    entity_types=("customer", "terminal"),
    amount_variable="amount",
)


def plan() -> ProfilePlan:
    """What the Handbook looks at (1, 7 and 30 days), and the weeks between: how long a terminal has
    been bad tells whether it still is. Of a customer also whether amounts have changed of late."""
    customer, terminal = Source(entity="customer"), Source(entity="terminal")
    amount = Source(variable="amount")
    found: list[Aggregate] = []

    def add(
        kind: Kind,
        by: Source,
        days: float | None = None,
        buckets: int = 24,
        long_days: float | None = None,
    ) -> None:
        lengths = [f"{length}d" for length in (days, long_days) if length is not None]
        found.append(
            Aggregate(
                name=".".join((str(by), kind, *(lengths or ["ever"]))),
                kind=kind,
                by=(by,),
                value=amount if kind in _OF_AMOUNTS else None,
                horizon_seconds=None if days is None else days * _DAY,
                long_seconds=None if long_days is None else long_days * _DAY,
                buckets=buckets,
                smoothing=1.0,
                base_rate=0.005,
            )
        )

    for owner in (customer, terminal):
        for days in (1, 7, 30):
            add(Kind.COUNT, owner, days)
    for days in (1, 3, 7, 14, 30, None):
        add(Kind.MEAN, customer, days)
        add(Kind.RATIO, customer, days)
        add(Kind.DEVIATION, customer, days)
    for days in (1, 3, 7):
        add(Kind.SHIFT, customer, days, long_days=30)
    for days in (3, 7, 14):
        add(Kind.PEAK, customer, days, long_days=30)
    for days in (3, 7, 14, 30, None):
        add(Kind.SPREAD, customer, days)
    for days, buckets in (
        (1, 12),
        (2, 32),
        (3, 32),
        (7, 56),
        (14, 56),
        (21, 84),
        (28, 84),
        (60, 120),
    ):
        add(Kind.RISK, terminal, days, buckets)
    for kind in (Kind.SINCE_FRAUD, Kind.FRAUD_AGE):
        add(kind, terminal, 35, 140)
    for days in (7, 30):
        add(Kind.RISK, customer, days, 28)
    add(Kind.MEAN, terminal, 30)
    add(Kind.DEVIATION, terminal, 30)
    return ProfilePlan(PAYMENT.name, tuple(found))


@dataclass(frozen=True, slots=True)
class Ranking:
    """How well a model ranks the events of a week."""

    auc: float
    average_precision: float
    card_precision: float


class Handbook:
    """The transactions, in order of time, and what is known of them when."""

    def __init__(self, source: Path):
        import polars as pl

        frame = pl.read_parquet(source).sort("TX_DATETIME", "TRANSACTION_ID")
        self.frame = frame.select(
            pl.col("TX_DATETIME").dt.cast_time_unit("us").alias("EVENT_TIMESTAMP"),
            pl.col("TX_FRAUD").cast(pl.Boolean).alias("EVENT_LABEL"),
            pl.col("TX_AMOUNT").cast(pl.Float64).alias("amount"),
            pl.col("CUSTOMER_ID").cast(pl.String).alias("customer_id"),
            pl.col("TERMINAL_ID").cast(pl.String).alias("terminal_id"),
        )
        self.days: NDArray[np.int64] = (
            self.frame["EVENT_TIMESTAMP"].dt.epoch("d").cast(pl.Int64).to_numpy()
        )
        self.frauds: NDArray[np.bool_] = self.frame["EVENT_LABEL"].to_numpy()
        self.cards: NDArray[np.int64] = frame["CUSTOMER_ID"].to_numpy()

    def has_week(self, first_day: int) -> bool:
        """Whether the file goes on to the end of that week."""
        return bool(self.days[-1] >= first_day + 6)

    def before(self, day: int, folder: Path) -> DataSet:
        """The events before a day, as training reads them from a file."""
        from ringfence.models import read_data

        path = folder / f"before-{day}.parquet"
        self.frame.filter(self.days < day).write_parquet(path)
        return read_data(path, PAYMENT)

    def tested(self, first_day: int) -> NDArray[np.int64]:
        """The rows of a week without those of cards that are known as compromised: by a fraud in
        the week of training, or since then up to seven days before."""
        import numpy as np

        rows = []
        for day in range(first_day, first_day + 7):
            known_from, known_to = first_day - _DELAY_DAYS - 7, day - _DELAY_DAYS
            told = self.frauds & (self.days >= known_from) & (self.days < known_to)
            today = np.flatnonzero(self.days == day)
            rows.append(today[~np.isin(self.cards[today], self.cards[told])])
        return np.concatenate(rows)

    def rank(self, rows: NDArray[np.int64], raw: NDArray[np.float64]) -> Ranking:
        """How well these events are ranked by `raw`."""
        import numpy as np

        from ringfence.models.metrics import auc_range, average_precision

        frauds = self.frauds[rows]
        days = np.unique(self.days[rows])
        found: set[int] = set()
        for day in days:
            today = self.days[rows] == day
            worst: dict[int, tuple[float, bool]] = {}
            for card, score, fraud in zip(
                self.cards[rows][today].tolist(),
                raw[today].tolist(),
                frauds[today].tolist(),
                strict=True,
            ):
                if card not in found:
                    highest, bad = worst.get(card, (score, False))
                    worst[card] = max(highest, score), bad or fraud
            first = sorted(worst, key=lambda card: (-worst[card][0], card))[:100]
            found.update(card for card in first if worst[card][1])
        # Every card is found once, so that the days' hits add up to the cards found.
        return Ranking(
            auc_range(frauds, raw)[0],
            average_precision(frauds, raw),
            len(found) / (100 * len(days)),
        )


def remembered_values(frame: pl.DataFrame, of: ProfilePlan) -> NDArray[np.float64]:
    """The profile values of all events, labels being known seven days after."""
    from ringfence.profiles import History, replay

    return replay(
        of,
        History(
            at=[at.replace(tzinfo=UTC).timestamp() for at in frame["EVENT_TIMESTAMP"].to_list()],
            variables={"amount": frame["amount"].to_list()},
            entities={name: frame[f"{name}_id"].to_list() for name in ("customer", "terminal")},
            fraud=frame["EVENT_LABEL"].to_list(),
        ),
    )


def scores_of(
    trained: Trained, frame: pl.DataFrame, rows: Sequence[int], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The log-odds of some of the events."""
    import numpy as np

    from ringfence.models import Scorer

    some = frame[list(rows)]
    ats: list[datetime] = some["EVENT_TIMESTAMP"].dt.replace_time_zone("UTC").to_list()
    profiles = None if trained.artifact.plan is None else values[list(rows)].tolist()
    return np.array(Scorer(trained.artifact).log_odds(some.to_dicts(), ats, profiles))


def bench_handbook(source: Path) -> None:
    """The table of the Handbook's data: published figures, then ours by week."""
    from ringfence.models import train

    handbook = Handbook(source)
    of = plan()
    started = time.perf_counter()
    values = remembered_values(handbook.frame, of)
    took = time.perf_counter() - started
    rows = [list(row) for row in _PUBLISHED]
    with TemporaryDirectory() as name:
        for week in _WEEKS:
            first = datetime.fromisoformat(week).replace(tzinfo=UTC)
            first_day = (first - datetime(1970, 1, 1, tzinfo=UTC)).days
            if not handbook.has_week(first_day):
                continue
            data = handbook.before(first_day - _DELAY_DAYS, Path(name))
            tested = handbook.tested(first_day)
            one_week = first - timedelta(days=_DELAY_DAYS + 7)
            for what, since in (("one week", one_week), ("all before", None)):
                trained = train(data, plan=of, since=since)
                raw = scores_of(trained, handbook.frame, tested.tolist(), values)
                found = handbook.rank(tested, raw)
                rows.append(
                    [
                        f"Ringfence, {what}",
                        week,
                        f"{found.auc:.3f}",
                        f"{found.average_precision:.3f}",
                        f"{found.card_precision:.3f}",
                    ]
                )
    header = (
        "trained on",
        "week tested from",
        "ROC AUC",
        "average precision",
        "card precision@100",
    )
    print_table("Fraud Detection Handbook", header, rows)
    print(
        f"\n{len(handbook.frame):,} events replayed through {len(of.aggregates)} aggregates in "
        f"{took:.0f} s"
    )
