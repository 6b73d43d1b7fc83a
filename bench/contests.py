"""The data on which Ringfence and AutoGluon are compared: what is learned from, what is tested.

Everything is split by time. Both sides learn from the same rows and are tested on the same rows,
which come after them; what is remembered of entities is known to the test up to the event, labels
being seven days late.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bench import handbook

from ringfence.events import DataType, EventType, Variable, VariableType
from ringfence.profiles import ProfilePlan

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from ringfence.models import DataSet

_LABEL, _AT = "EVENT_LABEL", "EVENT_TIMESTAMP"
# Names of the event, not facts of it: no user of AutoGluon would leave these in.
_NOT_FACTS = ("EVENT_ID", "ENTITY_TYPE", "ENTITY_ID", "LABEL_TIMESTAMP")
_HANDBOOK_WEEK = datetime(2018, 7, 11, tzinfo=UTC)
REGISTRATION = EventType(
    name="registration",
    variables=(
        Variable("ip_address", DataType.STRING, VariableType.IP_ADDRESS),
        Variable("email_address", DataType.STRING, VariableType.EMAIL_ADDRESS),
    ),
)


@dataclass(frozen=True, slots=True)
class Contest:
    """One data set. `data` has all events, `learnable` those that come before the test; `learned`
    and `tested` are rows of `data.frame`. `raw` are the columns of the file at the same rows, the
    label as true and false. `values` are those of `plan`, shape `(n_events, n_aggregates)`."""

    title: str
    data: DataSet
    learnable: DataSet
    learned: NDArray[np.int64]
    tested: NDArray[np.int64]
    raw: pl.DataFrame
    plan: ProfilePlan
    values: NDArray[np.float64]

    @property
    def since(self) -> datetime:
        """The time of the first event that is learned from."""
        first: datetime = self.data.frame[_AT][int(self.learned[0])]
        return first

    def frauds(self) -> NDArray[np.bool_]:
        """Whether each tested event is a fraud."""
        return self.data.is_fraud()[self.tested]

    def columns(self, rows: NDArray[np.int64], *, remembered: bool) -> pl.DataFrame:
        """The file's columns of some rows, as AutoGluon gets them; with the profile values, too,
        when `remembered`."""
        import polars as pl

        some = self.raw[rows]
        if not remembered:
            return some
        return some.hstack(pl.from_numpy(self.values[rows], schema=list(self.plan.names)))


def registrations(source: Path, folder: Path) -> Contest:
    """Sign-ups with nothing but an address of the network and a mailbox; the last fifth tested."""
    import polars as pl

    frame = pl.read_csv(source, infer_schema=False)
    return _by_time("Registrations", frame, REGISTRATION, folder)


def generated(events: int, folder: Path) -> Contest:
    """The generator's payments; the last fifth tested."""
    import msgspec

    from ringfence.examples import read_example
    from ringfence.simulation import Options, generate

    event_type = msgspec.json.decode(read_example("event_type.json"), type=EventType)
    frame = generate(Options(transactions=events, seed=7))
    return _by_time("Generated payments", frame, event_type, folder)


def handbook_week(source: Path, folder: Path, days: int | None) -> Contest:
    """A week of the Handbook's payments, rehearsed: learned from all that ended seven days before,
    or only from the last `days` days of it."""
    import numpy as np

    transactions = handbook.Handbook(source)
    plan = handbook.plan()
    first_day = (_HANDBOOK_WEEK - datetime(1970, 1, 1, tzinfo=UTC)).days
    end = first_day - 7
    begin = 0 if days is None else end - days
    learned = np.flatnonzero((transactions.days >= begin) & (transactions.days < end))
    whole = _data(transactions.frame, handbook.PAYMENT, folder / "all.parquet")
    return Contest(
        title=f"Fraud Detection Handbook, week of {_HANDBOOK_WEEK:%Y-%m-%d}",
        data=whole,
        learnable=transactions.before(end, folder),
        learned=learned,
        tested=transactions.tested(first_day),
        raw=transactions.frame,
        plan=plan,
        values=handbook.remembered_values(transactions.frame, plan),
    )


def _by_time(title: str, frame: pl.DataFrame, event_type: EventType, folder: Path) -> Contest:
    import numpy as np
    import polars as pl

    from ringfence.models import plan_for
    from ringfence.models.history import remembered

    frame = frame.with_columns(pl.col(_AT).str.to_datetime("%Y-%m-%dT%H:%M:%SZ"))
    frame = frame.sort(_AT, maintain_order=True)
    learned = frame.height * 4 // 5
    data = _data(frame, event_type, folder / "all.parquet")
    learnable = _data(frame.head(learned), event_type, folder / "learnable.parquet")
    plan = plan_for(learnable)
    raw = frame.drop(_NOT_FACTS, strict=False).with_columns(pl.Series(_LABEL, data.is_fraud()))
    return Contest(
        title=title,
        data=data,
        learnable=learnable,
        learned=np.arange(learned),
        tested=np.arange(learned, frame.height),
        raw=raw,
        plan=plan,
        values=remembered(data, plan, lambda _: None),
    )


def _data(frame: pl.DataFrame, event_type: EventType, path: Path) -> DataSet:
    from ringfence.models import read_data

    frame.write_parquet(path)
    data = read_data(path, event_type)
    if data.rows != frame.height:
        raise ValueError(f"{path.name}: {frame.height - data.rows} rows have no label")
    return data
