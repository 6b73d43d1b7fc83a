"""The data set: labelled events from a CSV or Parquet file, read as the event type declares them.

A file is local or lies in S3 (`s3://bucket/key`; credentials, region and `AWS_ENDPOINT_URL` from
the environment). Columns are named as the event type's variables, and as Amazon Fraud Detector
names the rest: EVENT_TIMESTAMP, EVENT_LABEL, EVENT_ID, LABEL_TIMESTAMP. LABEL_SOURCE says who gave
a label. Whose an event is stands in `customer_id`, `card_id` and the like, or in ENTITY_TYPE and
ENTITY_ID.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ringfence.errors import InvalidInput, NotFound, Unavailable
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
    label_column: str = "EVENT_LABEL",
    timestamp_column: str = "EVENT_TIMESTAMP",
    labels_required: bool = True,
    progress: Callable[[float, str], None] | None = None,
) -> DataSet:
    """The labelled events of a file. A value that is left out takes its variable's default.

    Unless `labels_required`, the file may be without a column of labels: then the data set's
    `frame` is empty, and all events are in its `past`.

    Raises `DataInvalid` with messages that name the column, `NotFound` when there is no such file,
    `InvalidInput` for one that is neither CSV nor Parquet, `Unavailable` when S3 cannot be reached.
    """
    if progress:
        progress(0.0, f"reading {source}")
    raw = load_table(str(source))
    if progress:
        progress(0.5, f"reading {raw.height:,} rows as {event_type.name}")
    data = data_of(
        raw,
        event_type,
        source=str(source) if str(source).startswith("s3://") else Path(source).name,
        label_column=label_column,
        timestamp_column=timestamp_column,
        labels_required=labels_required,
    )
    if not str(source).startswith("s3://"):
        with Path(source).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        data = replace(data, sha256=digest, sha256_of="file")
    if progress:
        progress(1.0, f"read {data.rows:,} labelled events")
    return data


def data_of(
    raw: pl.DataFrame,
    event_type: EventType,
    *,
    source: str,
    label_column: str = "EVENT_LABEL",
    timestamp_column: str = "EVENT_TIMESTAMP",
    labels_required: bool = True,
) -> DataSet:
    """The labelled events of a table, with columns as a file has them, and the checks of a file.

    `source` says where the table comes from. Raises `DataInvalid` with messages that name the
    column.
    """
    import polars as pl

    if not labels_required and label_column not in raw.columns:
        raw = raw.with_columns(pl.lit(None, pl.String).alias(label_column))
    messages = list(missing_columns(raw, label_column, timestamp_column))
    if messages:
        raise DataInvalid(messages)
    variables = tuple(
        v
        for v in event_type.variables
        if v.name in raw.columns
        and v.name not in (*_METADATA, label_column, timestamp_column)
        and v.variable_type is not VariableType.FRAUD_LABEL
    )
    messages += _other_columns(raw, event_type, variables, (label_column, timestamp_column))
    columns: list[pl.Series] = []
    for column, found in (
        read_times(raw[timestamp_column], TIME_INPUT),
        read_labels(raw[label_column], event_type, _LABEL),
        *(read_variable(raw[v.name], v) for v in variables),
    ):
        columns.append(column)
        messages += found
    if _LABEL_SOURCE in raw.columns:
        columns.append(read_label_sources(raw[_LABEL_SOURCE]))
    names = [column.name for column in columns]
    if LABEL_AT in raw.columns:
        label_times, found = read_label_times(raw[LABEL_AT])
        columns.append(label_times)
        messages += found
    columns += entity_columns(raw, event_type)
    if "EVENT_ID" in raw.columns:
        messages += _repeated_ids(raw["EVENT_ID"])
    if any(message.kind is MessageKind.ERROR for message in messages):
        raise DataInvalid(messages)
    past = pl.DataFrame(columns).sort(TIME_INPUT, maintain_order=True)
    return DataSet(
        event_type=event_type,
        variables=variables,
        frame=past.select(names).filter(pl.col(_LABEL).is_not_null()),
        past=past,
        source=source,
        sha256=_digest(raw),
        sha256_of="rows",
        messages=tuple(messages),
    )


def load_table(source: str) -> pl.DataFrame:
    """A CSV or Parquet file as it stands. Raises `NotFound`, `InvalidInput`."""
    import polars as pl

    remote = source.startswith("s3://")
    suffix = Path(source).suffix.lower()
    if not remote and not Path(source).is_file():
        raise NotFound(f"there is no file {source}", field="source")
    options: dict[str, Any] = {"storage_options": _s3_options()} if remote else {}
    try:
        if suffix == ".parquet":
            return pl.scan_parquet(source, **options).collect()
        if suffix == ".csv":
            # As text first: what cannot be read as its type is then counted and shown.
            return pl.scan_csv(
                source, infer_schema=False, encoding="utf8-lossy", **options
            ).collect()
    except (pl.exceptions.NoDataError, pl.exceptions.ComputeError) as error:
        raise InvalidInput(
            f"the file cannot be read: {_first_line(error)}",
            field="source",
            expected="CSV or Parquet",
        ) from None
    except OSError as error:
        if remote:
            raise Unavailable(
                f"{source} cannot be read: {_first_line(error)}", field="source"
            ) from None
        raise InvalidInput(
            f"the file cannot be read: {_first_line(error)}", field="source"
        ) from None
    raise InvalidInput(
        f"{suffix or 'a name without a suffix'} is not a known kind of file",
        field="source",
        expected="a name that ends in .csv or .parquet",
    )


def _s3_options() -> dict[str, str]:
    names = {
        "AWS_ACCESS_KEY_ID": "aws_access_key_id",
        "AWS_SECRET_ACCESS_KEY": "aws_secret_access_key",
        "AWS_SESSION_TOKEN": "aws_session_token",
        "AWS_REGION": "aws_region",
    }
    options = {option: os.environ[name] for name, option in names.items() if os.environ.get(name)}
    if "aws_region" not in options and os.environ.get("AWS_DEFAULT_REGION"):
        options["aws_region"] = os.environ["AWS_DEFAULT_REGION"]
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        options["aws_endpoint_url"] = endpoint
        if endpoint.startswith("http://"):
            options["aws_allow_http"] = "true"
    return options


def _digest(raw: pl.DataFrame) -> str:
    digest = hashlib.sha256()
    for part in raw.iter_slices(50_000):
        digest.update(part.write_csv(include_header=False).encode())
    return digest.hexdigest()


def missing_columns(raw: pl.DataFrame, label: str, timestamp: str) -> list[Message]:
    """An error for each of the two columns that the table lacks."""
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
            + (", ".join(raw.columns[:30]) or "none"),
        )
        for column, title, meaning in wanted
        if column not in raw.columns
    ]


def _other_columns(
    raw: pl.DataFrame, event_type: EventType, used: tuple[Variable, ...], named: tuple[str, str]
) -> list[Message]:
    messages = []
    names = {variable.name for variable in used} | named_entities(raw, event_type)
    for column in raw.columns:
        if column not in names and column not in _METADATA and column not in named:
            text = (
                f"{column} is no variable of event type {event_type.name} and is not learned from"
            )
            messages.append(Message(MessageKind.INFO, column, "Column not used", text))
    for variable in event_type.variables:
        if variable.name not in raw.columns:
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


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
