"""Past events to judge again: from the event log, or from a CSV or Parquet file.

A file is read as training reads one, except that events without a label are kept. What profiles
remembered at the time of an event is replayed from all events before, those before the window too.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from sqlalchemy import BigInteger, Connection, LargeBinary, Select, func, select, type_coerce

from ringfence.errors import InvalidInput
from ringfence.events import tables
from ringfence.events.definitions import EventType
from ringfence.events.reading import Entity
from ringfence.events.variables import Value, VariableType, coerce
from ringfence.models.history import LABEL_AT, LABEL_DELAY_SECONDS, entity_columns
from ringfence.profiles import History, ProfilePlan, replay

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
BATCH = 4_096
Progress = Callable[[float], None]
# Names that no variable can have.
_AT, _FRAUD, _LABEL_AT, _AMOUNT, _ENTITY = (
    "event:at", "event:fraud", "event:label_at", "event:amount", "entity:",
)  # fmt: skip
_IN_SECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class PastEvents:
    """A batch of past events in order of time, as columns of equal length.

    `ats` are microseconds since 1970, `variables` JSON objects, `fraud` is None where nobody knows.
    """

    ats: list[int]
    variables: list[bytes]
    amounts: list[float]
    fraud: list[bool | None]
    cards: list[str | None]
    customers: list[str | None]


@dataclass(frozen=True, slots=True)
class Window:
    """From `since` on, and before `until`; None leaves that side open. Aware datetimes."""

    since: datetime | None = None
    until: datetime | None = None

    @classmethod
    def read(cls, since: str | None, until: str | None) -> Window:
        """A window from two ISO 8601 texts, taken as UTC where they name no offset.

        Raises `InvalidInput` naming `from` or `to`.
        """
        return cls(_moment(since, "from"), _moment(until, "to"))

    @classmethod
    def between(cls, since: datetime | None, until: datetime | None) -> Window:
        """A window between two moments, taken as UTC where they name no offset.

        Raises `InvalidInput` naming `from` or `to`.
        """
        return cls(_utc(since, "from"), _utc(until, "to"))

    def check(self) -> None:
        """Raise `InvalidInput` for a time without an offset, or a window that is empty."""
        for field, at in (("from", self.since), ("to", self.until)):
            if at is not None and at.tzinfo is None:
                raise InvalidInput("has no offset", field=field, expected="a time such as ...Z")
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise InvalidInput("is not after the beginning", field="to", expected="a later time")


class Past(Protocol):
    """Where past events come from."""

    source: str

    def count(self) -> int:
        """How many events there are."""

    def batches(self) -> Iterator[PastEvents]:
        """All events, in order of time."""

    def remembered(self, plan: ProfilePlan, progress: Progress) -> NDArray[np.float64]:
        """What serving would have remembered at each event, in the order of `batches`, shape
        `(n_events, n_aggregates)`."""


class LoggedEvents:
    """The event log, on one connection, within a window."""

    source = "event log"

    def __init__(self, connection: Connection, event_type: EventType, window: Window):
        window.check()
        self._connection = connection
        self._event_type = event_type
        self._window = window
        self._label = event_type.meanings

    def count(self) -> int:
        """How many events there are."""
        query = self._within(select(func.count()).select_from(tables.events))
        return int(self._connection.execute(query).scalar_one())

    def batches(self) -> Iterator[PastEvents]:
        """All events, in order of time; those of one time in the order of their ids."""
        events = tables.events.c
        # As they are stored: what nobody looks at here is not taken apart here.
        query = self._within(
            select(
                type_coerce(events.at, BigInteger),
                type_coerce(events.variables, LargeBinary),
                events.label,
                type_coerce(events.entities, LargeBinary),
            )
        ).order_by(events.at, events.event_id)
        entities = msgspec.json.Decoder(tuple[Entity, ...])
        amount_of = _amount_reader(self._event_type)
        result = self._connection.execute(query, execution_options={"yield_per": BATCH})
        for rows in result.partitions():
            named = [
                {entity.entity_type: entity.entity_id for entity in entities.decode(row[3])}
                for row in rows
            ]
            variables = [row[1] for row in rows]
            yield PastEvents(
                ats=[row[0] for row in rows],
                variables=variables,
                amounts=[amount_of(of_event) for of_event in variables],
                fraud=[self._label.get(row[2]) for row in rows],
                cards=[of_event.get("card") for of_event in named],
                customers=[of_event.get("customer") for of_event in named],
            )

    def remembered(self, plan: ProfilePlan, progress: Progress) -> NDArray[np.float64]:
        """What serving would have remembered at each event, in the order of `batches`, shape
        `(n_events, n_aggregates)`. Takes about 1 kB of memory per event before the window's end."""
        history = logged_history(self._connection, self._event_type, plan, self._window.until)
        values = replay(plan, history, progress=progress)
        # The window takes the last events of all until its end.
        return values[len(values) - self.count() :]

    def _within(self, query: Select[Any]) -> Select[Any]:
        events = tables.events.c
        query = query.where(events.event_type == self._event_type.name)
        if self._window.since is not None:
            query = query.where(events.at >= self._window.since)
        if self._window.until is not None:
            query = query.where(events.at < self._window.until)
        return query


class FiledEvents:
    """The events of a file, local or in S3, within a window.

    Raises `DataInvalid` with messages that name the column, `NotFound`, `InvalidInput` for what is
    neither CSV nor Parquet, `Unavailable` when S3 cannot be reached.
    """

    def __init__(self, source: str | Path, event_type: EventType, window: Window):
        window.check()
        self.source = str(source) if str(source).startswith("s3://") else Path(source).name
        self._event_type = event_type
        self._until_end = _before(_read(str(source), event_type), window.until)
        self._frame = _since(self._until_end, window.since)

    def count(self) -> int:
        """How many events there are."""
        return self._frame.height

    def batches(self) -> Iterator[PastEvents]:
        """All events, in order of time; those of one time in the order of the file."""
        import polars as pl

        names = [variable.name for variable in self._event_type.variables]
        as_json = pl.struct(names).struct.json_encode().cast(pl.Binary)
        for part in self._frame.iter_slices(BATCH):
            yield PastEvents(
                ats=part[_AT].to_list(),
                variables=part.select(as_json).to_series().to_list(),
                amounts=part[_AMOUNT].to_list(),
                fraud=part[_FRAUD].to_list(),
                cards=_ids(part, "card"),
                customers=_ids(part, "customer"),
            )

    def remembered(self, plan: ProfilePlan, progress: Progress) -> NDArray[np.float64]:
        """What serving would have remembered at each event, in the order of `batches`, shape
        `(n_events, n_aggregates)`. A label without a time is known a week after its event."""
        past = self._until_end
        label_at = past[_LABEL_AT].to_list() if _LABEL_AT in past.columns else None
        values = replay(
            plan,
            History(
                at=[at / _IN_SECONDS for at in past[_AT].to_list()],
                variables={name: past[name].to_list() for name in used_variables(plan)},
                entities={kind: _ids(past, kind) for kind in self._event_type.entity_types},
                fraud=past[_FRAUD].to_list(),
                label_at=label_at and [None if at is None else at / _IN_SECONDS for at in label_at],
                label_delay_seconds=LABEL_DELAY_SECONDS,
            ),
            progress=progress,
        )
        return values[past.height - self._frame.height :]


def logged_history(
    connection: Connection, event_type: EventType, plan: ProfilePlan, until: datetime | None
) -> History:
    """What a plan looks at of all events of the log before `until`, in order of time. Takes about
    1 kB of memory per event."""
    events = tables.events.c
    query = select(
        type_coerce(events.at, BigInteger),
        type_coerce(events.received_at, BigInteger),
        events.variables,
        events.entities,
        events.label,
        type_coerce(events.label_at, BigInteger),
    ).where(events.event_type == event_type.name)
    if until is not None:
        query = query.where(events.at < until)
    label = event_type.meanings
    used, kinds = used_variables(plan), event_type.entity_types
    ats, received, label_at = array("d"), array("d"), array("d")
    fraud: list[bool | None] = []
    variables: dict[str, list[Value]] = {name: [] for name in used}
    entities: dict[str, list[str | None]] = {kind: [] for kind in kinds}
    result = connection.execute(
        query.order_by(events.at, events.event_id), execution_options={"yield_per": BATCH}
    )
    for row in result:
        ats.append(row[0] / _IN_SECONDS)
        received.append(row[1] / _IN_SECONDS)
        for name in used:
            variables[name].append(row[2].get(name))
        named = {entity["entity_type"]: entity["entity_id"] for entity in row[3]}
        for kind in kinds:
            entities[kind].append(named.get(kind))
        fraud.append(label.get(row[4]))
        label_at.append(math.nan if row[5] is None else row[5] / _IN_SECONDS)
    return History(
        at=ats,
        variables=variables,
        entities=entities,
        received=received,
        fraud=fraud,
        label_at=label_at,
    )


def used_variables(plan: ProfilePlan) -> list[str]:
    """The variables that a plan looks at."""
    named: set[str | None] = set()
    for aggregate in plan.aggregates:
        sources = (*aggregate.by, aggregate.value, aggregate.place)
        named |= {source.variable for source in sources if source is not None}
        named |= {aggregate.latitude, aggregate.longitude}
    return sorted(name for name in named if name)


def _amount_reader(event_type: EventType) -> Any:
    """A function from an event's variables, as JSON, to its amount; 0 where it has none."""
    if event_type.amount_variable is None:
        return lambda variables: 0.0
    document = msgspec.defstruct(
        "Amount", [("amount", Any, None)], rename={"amount": event_type.amount_variable}
    )
    decode = msgspec.json.Decoder(document).decode

    def amount_of(variables: bytes) -> float:
        return _number(decode(variables).amount)  # type: ignore[attr-defined]

    return amount_of


def _number(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return 0.0


def _read(source: str, event_type: EventType) -> pl.DataFrame:
    """A column for each variable of the event type, and those that are named at the top."""
    import polars as pl

    from ringfence.models import DataInvalid, MessageKind
    from ringfence.models.columns import (
        read_label_times,
        read_labels,
        read_times,
        read_variable,
    )
    from ringfence.models.data import load_table, missing_columns

    raw = load_table(source)
    labels, times = "EVENT_LABEL", "EVENT_TIMESTAMP"
    messages = list(missing_columns(raw, labels, times))
    if messages:
        raise DataInvalid(messages)
    at, of_times = read_times(raw[times], _AT)
    fraud, of_labels = read_labels(raw[labels], event_type, _FRAUD)
    messages = [*of_times, *of_labels]
    columns: dict[str, pl.Series] = {}
    for variable in event_type.variables:
        if variable.name not in raw.columns or variable.variable_type is VariableType.FRAUD_LABEL:
            values = pl.Series(variable.name, [coerce(variable, variable.default)])
            values = values.new_from_index(0, raw.height)
        else:
            values, found = read_variable(raw[variable.name], variable)
            messages += found
        columns[variable.name] = values
    amount = pl.repeat(0.0, raw.height, eager=True)
    if event_type.amount_variable is not None:
        amount = columns[event_type.amount_variable].cast(pl.Float64, strict=False).fill_null(0.0)
    known = [at.dt.epoch("us"), fraud, amount.alias(_AMOUNT)]
    if LABEL_AT in raw.columns:
        label_at, found = read_label_times(raw[LABEL_AT])
        messages += found
        known.append(label_at.dt.epoch("us").alias(_LABEL_AT))
    errors = [message for message in messages if message.kind is MessageKind.ERROR]
    if errors:
        raise DataInvalid(errors)
    frame = pl.DataFrame([*columns.values(), *known, *entity_columns(raw, event_type)])
    return frame.sort(_AT, maintain_order=True)


def _ids(frame: pl.DataFrame, entity_type: str) -> list[str | None]:
    """Who the events are about, as far as the file says."""
    name = _ENTITY + entity_type
    if name not in frame.columns:
        return [None] * frame.height
    return [found or None for found in frame[name].to_list()]


def _before(frame: pl.DataFrame, until: datetime | None) -> pl.DataFrame:
    import polars as pl

    return frame if until is None else frame.filter(pl.col(_AT) < (until - _EPOCH) // _MICROSECOND)


def _since(frame: pl.DataFrame, since: datetime | None) -> pl.DataFrame:
    import polars as pl

    return frame if since is None else frame.filter(pl.col(_AT) >= (since - _EPOCH) // _MICROSECOND)


def _moment(text: str | None, field: str) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput("not a time", field=field, expected="such as 2026-03-01") from None


def _utc(at: datetime | None, field: str) -> datetime | None:
    if at is None:
        return None
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        raise InvalidInput("out of range", field=field) from None
