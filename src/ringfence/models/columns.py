"""Reading one column of a data set: times, labels, and values in their variable's data type."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ringfence.errors import InvalidInput, TooLarge
from ringfence.events.definitions import EventType
from ringfence.events.reading import EventReader, SentEvent
from ringfence.events.variables import DataType, Value, Variable
from ringfence.models.messages import Message, MessageKind

if TYPE_CHECKING:
    import polars as pl

# The formats that Amazon Fraud Detector documents or shows, and ISO 8601 with an offset. A time
# without an offset is UTC.
_FORMATS = (
    (r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?$", "%Y-%m-%d %H:%M:%S%.f"),
    (r"^\d{4}-\d\d-\d\d \d\d:\d\d$", "%Y-%m-%d %H:%M"),
    (r"^\d{4}/\d\d?/\d\d? \d\d?:\d\d:\d\d ?[AaPp][Mm]$", "%Y/%m/%d %I:%M:%S %p"),
    (r"^\d{4}/\d\d?/\d\d? \d\d?:\d\d:\d\d$", "%Y/%m/%d %H:%M:%S"),
    (r"^\d\d?/\d\d?/\d{4} \d\d?:\d\d:\d\d$", "%m/%d/%Y %H:%M:%S"),
    (r"^\d\d?/\d\d?/\d\d \d\d?:\d\d:\d\d$", "%m/%d/%y %H:%M:%S"),
    (r"^\d\d?/\d\d?/\d{4} \d\d?:\d\d$", "%m/%d/%Y %H:%M"),
    (r"^\d\d?/\d\d?/\d\d \d\d?:\d\d$", "%m/%d/%y %H:%M"),
)
_OFFSET = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d:?\d\d$"
_TRUE, _FALSE = ("true", "1", "yes"), ("false", "0", "no")
_LONG_NUMBER = r"\d(?:[ -]?\d){11}"
# A column with so few values is read value by value: a security code that has no business there
# has few, and so do columns that are quick to read anyway.
_FEW = 1_000
_REFUSED_SHARE = 0.2


def read_times(column: pl.Series, name: str) -> tuple[pl.Series, list[Message]]:
    """The events' times as UTC, and what is wrong with them."""
    import polars as pl

    utc = pl.Datetime("us", "UTC")
    if column.dtype == pl.Datetime:
        zone = getattr(column.dtype, "time_zone", None)
        times = column.dt.convert_time_zone("UTC") if zone else column.dt.replace_time_zone("UTC")
        times = times.cast(utc)
    elif column.dtype == pl.Date:
        times = column.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    else:
        times = _parsed(column.cast(pl.String).str.strip_chars())
    bad = times.is_null()
    messages = []
    if bad.any():
        given = column.filter(bad)
        example = next((str(value) for value in given if value is not None), None)
        shown = f", such as {_cut(example)!r}" if example else ", which are empty"
        messages.append(
            Message(
                MessageKind.ERROR,
                column.name,
                "Missing or incorrect timestamps",
                f"{int(bad.sum()):,} of {len(column):,} rows of {column.name} are no time{shown}; "
                "write times like 2026-03-01T12:34:56Z",
            )
        )
    return times.alias(name), messages


def read_label_times(column: pl.Series) -> tuple[pl.Series, list[Message]]:
    """When each label became known (UTC), null where nobody says; and what cannot be read."""
    import polars as pl

    given = column if column.dtype != pl.String else column.str.strip_chars()
    if given.dtype == pl.String:
        given = given.set(given == "", None)
    times, _ = read_times(given, column.name)
    _, messages = read_times(given.drop_nulls(), column.name)
    return times, messages


def read_label_sources(column: pl.Series) -> pl.Series:
    """Who gave each label, null where nobody says."""
    import polars as pl

    sources = column.cast(pl.String).str.strip_chars()
    return sources.set(sources == "", None)


def read_labels(
    column: pl.Series,
    event_type: EventType,
    name: str,
    meanings: Mapping[str, bool | None] | None = None,
) -> tuple[pl.Series, list[Message]]:
    """Whether each event is a fraud, null where it has no label; and what is wrong with them.

    Labels are the event type's; 1 and 0 (or true and false) stand for fraud and legit as well.
    Where `meanings` are given they alone count: what a label says, or None for one whose events are
    left out.
    """
    import polars as pl

    labels = column.cast(pl.String).str.strip_chars()
    labels = labels.set(labels == "", None)
    read = _meanings_of(event_type) if meanings is None else _as_numbers_too(meanings)
    found = labels.drop_nulls().unique()
    known = {label: read[_key(label, read)] for label in found if _key(label, read) in read}
    messages = []
    strange = sorted(label for label in found if label not in known)
    if strange:
        count = int(labels.is_in(strange).sum())
        messages.append(
            Message(
                MessageKind.ERROR,
                column.name,
                "Unknown label values",
                f"{count:,} rows of {column.name} have a label that event type {event_type.name} "
                f"does not train on, such as {_cut(strange[0])!r}; known are "
                + ", ".join(repr(label) for label in meanings or event_type.meanings),
            )
        )
    left_out = sorted(label for label, is_fraud in known.items() if is_fraud is None)
    if left_out:
        count = int(labels.is_in(left_out).sum())
        messages.append(
            Message(
                MessageKind.INFO,
                column.name,
                "Labels that say neither",
                f"{count:,} rows of {column.name} have a label that means neither fraud nor legit, "
                f"such as {_cut(left_out[0])!r}, and are left out",
            )
        )
    values = labels.replace_strict(known, default=None, return_dtype=pl.Boolean)
    unlabelled = labels.null_count()
    if unlabelled:
        messages.append(
            Message(
                MessageKind.INFO,
                column.name,
                "Events without a label",
                f"{unlabelled:,} of {len(labels):,} rows have no {column.name} and are left out",
            )
        )
    return values.alias(name), messages


def _meanings_of(event_type: EventType) -> Mapping[str, bool | None]:
    read = {"1": True, "1.0": True, "true": True, "0": False, "0.0": False, "false": False}
    return read | event_type.meanings


def _as_numbers_too(meanings: Mapping[str, bool | None]) -> Mapping[str, bool | None]:
    # A table of numbers with gaps in it is written with fractions: label 1 becomes 1.0.
    with_fractions = {f"{label}.0": says for label, says in meanings.items() if label.isdigit()}
    return with_fractions | dict(meanings)


def _key(label: str, read: Mapping[str, bool | None]) -> str:
    return label if label in read else label.lower()


def read_variable(column: pl.Series, variable: Variable) -> tuple[pl.Series, list[Message]]:
    """The values in the variable's data type, with its default where the column is empty."""
    import polars as pl

    kind = variable.data_type
    if kind in (DataType.STRING, DataType.DATETIME):
        if isinstance(column.dtype, pl.Datetime | pl.Date):
            values = column.cast(pl.Datetime("us")).dt.strftime("%Y-%m-%dT%H:%M:%SZ")
        else:
            values = column.cast(pl.String)
        values = values.set(values == "", None)
        bad = values.is_null() & False
    else:
        values, bad = _cast(column, kind)
    messages = []
    if bad.any():
        example = str(column.filter(bad)[0])
        messages.append(
            Message(
                MessageKind.ERROR,
                column.name,
                "Incorrect values",
                f"{int(bad.sum()):,} of {len(column):,} rows of {column.name} cannot be read as "
                f"{kind}, such as {_cut(example)!r}",
            )
        )
    messages += _missing(values, variable)
    values, refused = _without_card_data(values, variable)
    messages += refused
    if variable.default is not None:
        values = values.fill_null(variable.default)
    return values.alias(variable.name), messages


def _parsed(texts: pl.Series) -> pl.Series:
    import polars as pl

    text = pl.col("text")
    plain = text.str.replace("T", " ", literal=True).str.strip_suffix("Z").str.to_uppercase()
    parsed = pl.coalesce(
        *(
            pl.when(text.str.contains(pattern)).then(
                plain.str.to_datetime(form, strict=False, time_unit="us")
            )
            for pattern, form in _FORMATS
        )
    ).dt.replace_time_zone("UTC")
    offset = pl.when(text.str.contains(_OFFSET)).then(
        text.str.replace(" ", "T", literal=True).str.to_datetime(
            "%Y-%m-%dT%H:%M:%S%.f%#z", strict=False, time_unit="us", time_zone="UTC"
        )
    )
    return pl.DataFrame({"text": texts}).select(pl.coalesce(parsed, offset)).to_series()


def _cast(column: pl.Series, kind: DataType) -> tuple[pl.Series, pl.Series]:
    """Values, and where there was something that is none."""
    import polars as pl

    given = column
    if column.dtype == pl.String:
        given = column.str.strip_chars()
        given = given.set(given == "", None)
    if kind is DataType.BOOLEAN:
        if given.dtype != pl.Boolean:
            known = dict.fromkeys(_TRUE, True) | dict.fromkeys(_FALSE, False)
            texts = given.cast(pl.String).str.to_lowercase()
            values = texts.replace_strict(known, default=None, return_dtype=pl.Boolean)
        else:
            values = given
    else:
        values = given.cast(pl.Float64, strict=False)
        values = values.set(values.is_finite() == False, None)  # noqa: E712
        if kind is DataType.INTEGER:
            values = values.set(values != values.floor(), None).cast(pl.Int64, strict=False)
    return values, values.is_null() & given.is_not_null()


def _missing(values: pl.Series, variable: Variable) -> list[Message]:
    empty, rows = values.null_count(), len(values)
    if empty == rows:
        text = f"every row of {variable.name} is empty"
        return [Message(MessageKind.WARNING, variable.name, "Missing variable values", text)]
    if empty * 2 > rows:
        text = f"{variable.name} is empty in {empty:,} of {rows:,} rows ({empty / rows:.0%})"
        return [Message(MessageKind.WARNING, variable.name, "Missing variable values", text)]
    if values.n_unique() - bool(empty) == 1:
        text = f"{variable.name} has the same value in every row, so nothing can be learned of it"
        return [Message(MessageKind.WARNING, variable.name, "Insufficient unique values", text)]
    return []


def _without_card_data(values: pl.Series, variable: Variable) -> tuple[pl.Series, list[Message]]:
    """The values without those that no event may have: card numbers, track data, security codes.

    A few are taken out, with a warning: long phone numbers look like cards now and then. A column
    that is full of them is an error.
    """
    import polars as pl

    distinct = values.drop_nulls().unique()
    if len(distinct) > _FEW:
        if distinct.dtype == pl.String:
            distinct = distinct.filter(distinct.str.contains(_LONG_NUMBER))
        else:
            distinct = distinct.filter(distinct.cast(pl.Float64).abs() >= 10**11)
    refused = {
        value: why for value in distinct if (why := _why_refused(variable, value)) is not None
    }
    if not refused:
        return values, []
    found = values.is_in(list(refused))
    text = (
        f"{int(found.sum()):,} of {len(values):,} values of {variable.name} are refused: one "
        f"{next(iter(refused.values()))} (none is shown here)"
    )
    title = "Values that may not be kept"
    if int(found.sum()) > _REFUSED_SHARE * (len(values) - values.null_count()):
        return values, [Message(MessageKind.ERROR, variable.name, title, text)]
    taken = Message(MessageKind.WARNING, variable.name, title, text + "; they count as missing")
    return values.set(found, None), [taken]


def _why_refused(variable: Variable, value: Value) -> str | None:
    reader = EventReader(EventType(name="data", variables=(variable,)))
    try:
        reader.read(SentEvent(event_id="row", variables={variable.name: value}), _ANY_TIME)
    except (InvalidInput, TooLarge) as error:
        return error.message
    return None


_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)


def _cut(text: str) -> str:
    # An example is shown to help; digits that could be a card's are not.
    masked = re.sub(_LONG_NUMBER, "…", text)
    return masked if len(masked) <= 40 else masked[:39] + "…"
