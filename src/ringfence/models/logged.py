"""A data set straight from the event log: what came in, and what people said of it since.

The same columns as in a file that `ringfence events export` writes, and read by the same code, so
that a model learns the same from both. The log is read in parts; what stays in memory are columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, select

from ringfence.errors import InvalidInput
from ringfence.events import EventType, tables
from ringfence.events.log import StoredEvent, read_log
from ringfence.events.variables import DataType
from ringfence.models.data import DataSet, data_of, load_table
from ringfence.models.steps import TIME_INPUT

if TYPE_CHECKING:
    import polars as pl

    from ringfence.storage import Database

Progress = Callable[[float], None]
_PART = 20_000


def data_from_log(
    database: Database,
    event_type: EventType,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    base: str | None = None,
    labels_required: bool = True,
    meanings: Mapping[str, bool | None] | None = None,
    progress: Progress | None = None,
) -> DataSet:
    """The labelled events of the log from `since` on and before `until` (aware datetimes).

    What is remembered of entities goes further back: `past` has everything before `until`, as
    profiles in service have. `base` is a file (or `s3://...`) with events from before the log
    began, read as training reads files; of an event that is in both, the log's is taken. Unless
    `labels_required`, the file may be without a column of labels, as for logins; `meanings` are
    those of labels, as for `read_data`. Raises
    `InvalidInput` for a window that is empty, `DataInvalid` when the log or the file does not fit
    the event type, and for the file what `read_data` raises.
    """
    import polars as pl

    if since is not None and until is not None and since >= until:
        raise InvalidInput("is not after the beginning", field="until", expected="a later time")
    with database.read() as connection:
        table = logged_table(connection, event_type, until=until, progress=progress)
    source = _source(since, until)
    if base is not None:
        table = _with_base(table, load_table(base), event_type)
        source = f"{base if base.startswith('s3://') else Path(base).name} and {source}"
    data = data_of(
        table, event_type, source=source, labels_required=labels_required, meanings=meanings
    )
    at = pl.col(TIME_INPUT)
    if base is not None and until is not None:
        before = at < until
        data = replace(data, frame=data.frame.filter(before), past=data.past.filter(before))
    if since is None:
        return data
    return replace(data, frame=data.frame.filter(at >= since))


def logged_table(
    connection: Connection,
    event_type: EventType,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    labelled_only: bool = False,
    progress: Progress | None = None,
) -> pl.DataFrame:
    """The events of the log, one row an event in order of time, with the columns that training
    knows: EVENT_ID, EVENT_TIMESTAMP, EVENT_LABEL, LABEL_TIMESTAMP, LABEL_SOURCE, an id column for
    each entity type, and a column for each variable in its data type. Times are UTC."""
    import polars as pl

    total = 0
    if progress is not None:
        counted = select(func.count()).where(tables.events.c.event_type == event_type.name)
        total = connection.execute(counted).scalar_one()
    schema = _schema(event_type)
    parts = [pl.DataFrame(schema=schema)]
    done = 0
    events = read_log(
        connection, event_type.name, since=since, until=until, labelled_only=labelled_only
    )
    for part in _parts(events):
        parts.append(pl.DataFrame(_columns(event_type, part), schema=schema))
        done += len(part)
        if progress is not None:
            progress(done / max(total, done))
    return pl.concat(parts)


def _with_base(table: pl.DataFrame, base: pl.DataFrame, event_type: EventType) -> pl.DataFrame:
    """Both tables as one of texts, as a CSV file would have them."""
    import polars as pl

    if "EVENT_ID" in base.columns:
        logged = table["EVENT_ID"]
        base = base.filter(~pl.col("EVENT_ID").cast(pl.String).is_in(logged.implode()))
    for entity_type in event_type.entity_types:
        # A file may call it so; the table of the log does not.
        if entity_type in base.columns and f"{entity_type}_id" not in base.columns:
            base = base.with_columns(pl.col(entity_type).alias(f"{entity_type}_id"))
    return pl.concat([_as_texts(base), _as_texts(table)], how="diagonal")


def _as_texts(table: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    columns = []
    for name, kind in table.schema.items():
        column = pl.col(name)
        if kind == pl.Date:
            column = column.cast(pl.Datetime("us"))
        if kind in (pl.Date, pl.Datetime):
            zone = getattr(kind, "time_zone", None)
            if zone:
                column = column.dt.convert_time_zone("UTC")
            columns.append(column.dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ"))
        else:
            columns.append(column.cast(pl.String))
    return table.select(columns)


def _columns(event_type: EventType, events: list[StoredEvent]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {
        "EVENT_ID": [event.event_id for event in events],
        "EVENT_TIMESTAMP": [event.at for event in events],
        "EVENT_LABEL": [event.label for event in events],
        # A label that was taken away has a time, which says nothing.
        "LABEL_TIMESTAMP": [event.label_at if event.label else None for event in events],
        "LABEL_SOURCE": [event.label_source if event.label else None for event in events],
    }
    named = [{e.entity_type: e.entity_id for e in reversed(event.entities)} for event in events]
    for entity_type in event_type.entity_types:
        columns[f"{entity_type}_id"] = [of_event.get(entity_type) for of_event in named]
    for variable in event_type.variables:
        columns[variable.name] = [event.variables.get(variable.name) for event in events]
    return columns


def _schema(event_type: EventType) -> dict[str, Any]:
    import polars as pl

    time = pl.Datetime("us", "UTC")
    kinds = {
        DataType.INTEGER: pl.Int64,
        DataType.FLOAT: pl.Float64,
        DataType.BOOLEAN: pl.Boolean,
    }
    return {
        "EVENT_ID": pl.String,
        "EVENT_TIMESTAMP": time,
        "EVENT_LABEL": pl.String,
        "LABEL_TIMESTAMP": time,
        "LABEL_SOURCE": pl.String,
        **{f"{entity_type}_id": pl.String for entity_type in event_type.entity_types},
        **{v.name: kinds.get(v.data_type, pl.String) for v in event_type.variables},
    }


def _parts(events: Iterable[StoredEvent]) -> Iterator[list[StoredEvent]]:
    iterator = iter(events)
    while part := list(islice(iterator, _PART)):
        yield part


def _source(since: datetime | None, until: datetime | None) -> str:
    bounds = [
        f"{word} {at:%Y-%m-%dT%H:%M:%SZ}" for word, at in (("from", since), ("to", until)) if at
    ]
    return " ".join(["event log", *bounds])
