"""Past events to judge again: from the event log, or from a CSV or Parquet file.

A file is read as training reads one, with two differences: events without a label are kept, and
the columns that say whose card it was are read too (`card_id` and `customer_id`, or ENTITY_TYPE
with ENTITY_ID).
"""

from __future__ import annotations

from collections.abc import Iterator
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
from ringfence.events.variables import VariableType, coerce

if TYPE_CHECKING:
    import polars as pl

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
BATCH = 4_096
_ENTITY_TYPES = ("card", "customer")


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


class LoggedEvents:
    """The event log, on one connection, within a window."""

    source = "event log"

    def __init__(self, connection: Connection, event_type: EventType, window: Window):
        window.check()
        self._connection = connection
        self._event_type = event_type
        self._window = window
        self._label = {event_type.fraud_label: True, event_type.legit_label: False}

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
        self._frame = _within(_read(str(source), event_type), window)

    def count(self) -> int:
        """How many events there are."""
        return self._frame.height

    def batches(self) -> Iterator[PastEvents]:
        """All events, in order of time; those of one time in the order of the file."""
        for part in self._frame.iter_slices(BATCH):
            yield PastEvents(
                ats=part["at"].to_list(),
                variables=part["variables"].to_list(),
                amounts=part["amount"].to_list(),
                fraud=part["fraud"].to_list(),
                cards=part["card"].to_list(),
                customers=part["customer"].to_list(),
            )


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
    """Columns `at`, `fraud`, `amount`, `card`, `customer`, and `variables` as JSON."""
    import polars as pl

    from ringfence.models import DataInvalid, MessageKind
    from ringfence.models.columns import read_labels, read_times, read_variable
    from ringfence.models.data import _load, _missing_columns

    raw = _load(source)
    labels, times = "EVENT_LABEL", "EVENT_TIMESTAMP"
    messages = list(_missing_columns(raw, labels, times))
    if messages:
        raise DataInvalid(messages)
    at, of_times = read_times(raw[times], "at")
    fraud, of_labels = read_labels(raw[labels], event_type, "fraud")
    messages = [*of_times, *of_labels]
    columns = []
    for variable in event_type.variables:
        if variable.name not in raw.columns or variable.variable_type is VariableType.FRAUD_LABEL:
            values = pl.Series(variable.name, [coerce(variable, variable.default)])
            values = values.new_from_index(0, raw.height)
        else:
            values, found = read_variable(raw[variable.name], variable)
            messages += found
        columns.append(values)
    errors = [message for message in messages if message.kind is MessageKind.ERROR]
    if errors:
        raise DataInvalid(errors)
    variables = pl.DataFrame(columns)
    amount = pl.repeat(0.0, raw.height, eager=True)
    if event_type.amount_variable is not None:
        amount = variables[event_type.amount_variable].cast(pl.Float64, strict=False).fill_null(0.0)
    return pl.DataFrame(
        [
            at.dt.epoch("us"),
            fraud,
            amount.alias("amount"),
            *(_entity(raw, name) for name in _ENTITY_TYPES),
            variables.select(pl.struct(pl.all()).struct.json_encode().cast(pl.Binary))
            .to_series()
            .alias("variables"),
        ]
    )


def _entity(raw: pl.DataFrame, entity_type: str) -> pl.Series:
    """Who an event is about, as far as the file says."""
    import polars as pl

    column = f"{entity_type}_id"
    if column in raw.columns:
        ids = raw[column].cast(pl.String)
    elif {"ENTITY_TYPE", "ENTITY_ID"} <= set(raw.columns):
        of_type = raw["ENTITY_TYPE"].cast(pl.String) == entity_type
        ids = raw["ENTITY_ID"].cast(pl.String).set(~of_type.fill_null(False), None)
    else:
        ids = pl.Series([None], dtype=pl.String).new_from_index(0, raw.height)
    return ids.set(ids == "", None).alias(entity_type)


def _within(frame: pl.DataFrame, window: Window) -> pl.DataFrame:
    import polars as pl

    if window.since is not None:
        frame = frame.filter(pl.col("at") >= (window.since - _EPOCH) // _MICROSECOND)
    if window.until is not None:
        frame = frame.filter(pl.col("at") < (window.until - _EPOCH) // _MICROSECOND)
    return frame.sort("at", maintain_order=True)
