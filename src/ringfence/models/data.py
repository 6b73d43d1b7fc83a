"""The data set: labelled events from a CSV or Parquet file, read as the event type declares them.

A file is local or lies in S3 (`s3://bucket/key`; credentials, region and `AWS_ENDPOINT_URL` from
the environment). Columns are named as the event type's variables, and as Amazon Fraud Detector
names the rest: EVENT_TIMESTAMP, EVENT_LABEL, EVENT_ID, LABEL_TIMESTAMP. LABEL_SOURCE says who gave
a label. Whose an event is stands in `customer_id`, `card_id` and the like, or in ENTITY_TYPE and
ENTITY_ID.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ringfence.events.definitions import EventType
from ringfence.events.variables import Variable, VariableType
from ringfence.models.columns import (
    read_label_sources,
    read_label_times,
    read_labels,
    read_times,
    read_variable,
)
from ringfence.models.history import LABEL_AT, entity_columns, named_entities
from ringfence.models.messages import DataInvalid, Message, MessageKind
from ringfence.models.source import open_table
from ringfence.models.steps import TIME_INPUT

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

_LABEL, _LABEL_SOURCE = "EVENT_LABEL", "LABEL_SOURCE"
_METADATA = frozenset(
    [
        "EVENT_ID",
        "EVENT_TIMESTAMP",
        "ENTITY_TYPE",
        "ENTITY_ID",
        "EVENT_LABEL",
        "LABEL_TIMESTAMP",
        "LABEL_SOURCE",
    ]
)
_DIGESTED_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class DataSet:
    """Labelled events in order of time.

    `frame` has a column for each of `variables`, in its data type, `EVENT_TIMESTAMP` (UTC),
    `EVENT_LABEL` (true for fraud) and, where the data says who gave its labels, `LABEL_SOURCE`.
    `messages` are what reading found, none of them an error.

    `past` has all events, those without a label too, and says more of them: the ids of entities
    and, where the data has it, `LABEL_TIMESTAMP`. It is what profiles remember (`history.py`).
    """

    event_type: EventType
    variables: tuple[Variable, ...]
    frame: pl.DataFrame
    past: pl.DataFrame
    source: str
    sha256: str
    sha256_of: str
    messages: tuple[Message, ...]

    @property
    def rows(self) -> int:
        """The number of labelled events."""
        return self.frame.height

    def is_fraud(self) -> NDArray[np.bool_]:
        """Whether each event is a fraud, shape `(n_events,)`."""
        return self.frame[_LABEL].to_numpy()


def read_data(
    source: str | Path,
    event_type: EventType,
    *,
    label_column: str = _LABEL,
    timestamp_column: str = TIME_INPUT,
    labels_required: bool = True,
    meanings: Mapping[str, bool | None] | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> DataSet:
    """The labelled events of a file. A value that is left out takes its variable's default.

    Unless `labels_required`, the file may be without a column of labels: then the data set's
    `frame` is empty, and all events are in its `past`. `meanings` say of each label whether it
    means fraud (None: neither), where that is not for the event type to say.

    Raises `DataInvalid` with messages that name the column, `NotFound` when there is no such file,
    `InvalidInput` for one that is neither CSV nor Parquet, `Unavailable` when S3 cannot be reached.
    """
    tell, name = progress or _silent, str(source)
    remote = name.startswith("s3://")
    tell(0.0, f"reading {source}")
    with open_table(name) as raw:
        data = _read(
            raw,
            event_type,
            Columns(label_column, timestamp_column, labels_required, meanings),
            name if remote else Path(source).name,
            hashlib.sha256() if remote else None,
            tell,
        )
    if not remote:
        with Path(source).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        data = replace(data, sha256=digest, sha256_of="file")
    tell(1.0, f"read {data.rows:,} labelled events")
    return data


def data_of(
    table: pl.DataFrame,
    event_type: EventType,
    *,
    source: str,
    label_column: str = _LABEL,
    timestamp_column: str = TIME_INPUT,
    labels_required: bool = True,
    meanings: Mapping[str, bool | None] | None = None,
) -> DataSet:
    """The labelled events of a table, with columns as a file has them, and the checks of a file.

    `source` says where the table comes from; the rest is as for `read_data`. Raises `DataInvalid`
    with messages that name the column.
    """
    named = Columns(label_column, timestamp_column, labels_required, meanings)
    return _read(table.lazy(), event_type, named, source, hashlib.sha256(), _silent)


def load_table(source: str) -> pl.DataFrame:
    """A CSV or Parquet file as it stands, all of it. Raises what `open_table` raises."""
    with open_table(source) as table:
        return table.collect()


@dataclass(frozen=True, slots=True)
class Columns:
    """What the columns are called that every data set has, and what its labels mean."""

    label: str
    timestamp: str
    label_required: bool
    meanings: Mapping[str, bool | None] | None = None


def _read(
    raw: pl.LazyFrame,
    event_type: EventType,
    named: Columns,
    source: str,
    digest: hashlib._Hash | None,
    tell: Callable[[float, str], None],
) -> DataSet:
    """Column by column, so that no more than one is in memory as it stands in the file."""
    import polars as pl

    if not named.label_required and named.label not in raw.collect_schema():
        raw = raw.with_columns(pl.lit(None, pl.String).alias(named.label))
    messages = missing_columns(raw, named.label, named.timestamp)
    if messages:
        raise DataInvalid(messages)
    present = raw.collect_schema().names()
    variables = tuple(
        v
        for v in event_type.variables
        if v.name in present
        and v.name not in (*_METADATA, named.label, named.timestamp)
        and v.variable_type is not VariableType.FRAUD_LABEL
    )
    messages += _other_columns(present, event_type, variables, named)
    columns: list[pl.Series] = []
    order: pl.Series | None = None

    def take(name: str, read: Callable[[pl.Series], tuple[pl.Series, list[Message]]]) -> None:
        nonlocal order
        tell(0.95 * len(columns) / (len(present) + 1), f"reading {name}")
        column = raw.select(name).collect().to_series()
        if digest is not None:
            _add(digest, column)
        values, found = read(column)
        messages.extend(found)
        if not columns:
            order = _order_of(values)
        columns.append(_placed(values, order))

    take(named.timestamp, lambda column: read_times(column, TIME_INPUT))
    take(named.label, lambda column: read_labels(column, event_type, _LABEL, named.meanings))
    for variable in variables:
        take(variable.name, partial(read_variable, variable=variable))
    if _LABEL_SOURCE in present:
        take(_LABEL_SOURCE, lambda column: (read_label_sources(column), []))
    names = [column.name for column in columns]
    if LABEL_AT in present:
        take(LABEL_AT, read_label_times)
    for ids in entity_columns(raw, event_type):
        if digest is not None:
            _add(digest, ids)
        columns.append(_placed(ids, order))
    if "EVENT_ID" in present:
        messages += _repeated_ids(raw.select("EVENT_ID").collect().to_series())
    if any(message.kind is MessageKind.ERROR for message in messages):
        raise DataInvalid(messages)
    past = pl.DataFrame(columns)
    frame = past.select(names)
    if frame[_LABEL].null_count():
        frame = frame.filter(pl.col(_LABEL).is_not_null())
    return DataSet(
        event_type=event_type,
        variables=variables,
        frame=frame,
        past=past,
        source=source,
        sha256="" if digest is None else digest.hexdigest(),
        sha256_of="rows",
        messages=tuple(messages),
    )


def _silent(share: float, what: str) -> None:
    """No progress is shown."""


def _order_of(times: pl.Series) -> pl.Series | None:
    """The rows in order of time, those of the same time as they stand; None when they are so."""
    import polars as pl

    if times.is_sorted():
        return None
    rows = times.to_frame("at").with_row_index("row")
    return rows.sort("at", "row").get_column("row").cast(pl.UInt32)


def _placed(column: pl.Series, order: pl.Series | None) -> pl.Series:
    # Always in one piece: Polars copies columns that are cut differently before it goes on.
    return column.rechunk() if order is None else column.gather(order)


def _add(digest: hashlib._Hash, column: pl.Series) -> None:
    digest.update(f"{column.name}\n".encode())
    for start in range(0, len(column), _DIGESTED_ROWS):
        part = column.slice(start, _DIGESTED_ROWS).to_frame()
        digest.update(part.write_csv(include_header=False).encode())


def missing_columns(raw: pl.DataFrame | pl.LazyFrame, label: str, timestamp: str) -> list[Message]:
    """An error for each of the two columns that the table lacks."""
    present = raw.lazy().collect_schema().names()
    wanted = (
        (label, "Missing label column", "whether each event was fraud"),
        (timestamp, "Missing timestamp column", "when each event happened"),
    )
    return [
        Message(
            MessageKind.ERROR,
            column,
            title,
            f"the data has no column {column}, which says {meaning}; it has "
            + (", ".join(present[:30]) or "none"),
        )
        for column, title, meaning in wanted
        if column not in present
    ]


def _other_columns(
    present: Sequence[str], event_type: EventType, used: tuple[Variable, ...], named: Columns
) -> list[Message]:
    messages = []
    names = {variable.name for variable in used} | named_entities(present, event_type)
    for column in present:
        if column not in names | _METADATA | {named.label, named.timestamp}:
            text = (
                f"{column} is no variable of event type {event_type.name} and is not learned from"
            )
            messages.append(Message(MessageKind.INFO, column, "Column not used", text))
    for variable in event_type.variables:
        if variable.name not in present:
            text = f"the data has no column {variable.name}; the model will not look at it"
            messages.append(
                Message(MessageKind.INFO, variable.name, "Variable not in the data", text)
            )
    return messages


def _repeated_ids(ids: pl.Series) -> list[Message]:
    known = ids.drop_nulls()
    repeated = known.filter(known.is_duplicated())
    if repeated.is_empty():
        return []
    surplus = len(known) - known.n_unique()
    return [
        Message(
            MessageKind.WARNING,
            "EVENT_ID",
            "Repeated event ids",
            f"{surplus:,} rows repeat the EVENT_ID of another row, such as {repeated[0]!r}; "
            "an event that is counted twice weighs twice",
        )
    ]
