"""Checking records of a file column by column, to the same answers as the event reader's.

A value whose form alone says that the event reader takes it is taken as it is; every other distinct
value is put to the event reader. So a record is refused here for what would refuse it in service,
in the same words, at a fraction of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from ringfence.aws.batches.columns import ENTITY_ID, ENTITY_TYPE, EVENT_TIMESTAMP, Columns
from ringfence.aws.batches.csv_records import CsvRecord
from ringfence.aws.batches.refusals import PartRefusals, in_words
from ringfence.errors import RingfenceError
from ringfence.events.definitions import EventType
from ringfence.events.reading import Entity, Event, EventReader, SentEvent
from ringfence.events.variables import DataType, Value, Variable, coerce

if TYPE_CHECKING:
    import polars as pl

_AT = datetime(2000, 1, 1, tzinfo=UTC)
# Answers about values that the event reader was asked for.
_REMEMBERED = 65_536
_LONG_NUMBER = r"\d(?:[ -]?\d){11}"
_MOST_CHARACTERS = 8_192
_PLAIN_ID = r"^[0-9A-Za-z_.@+:-]{1,64}$"
# Forms that say enough. A number has fewer than 12 digits before its point; what follows the point
# is never taken for a card number.
_PLAIN = {
    DataType.FLOAT: r"^[+-]?\d{1,11}(?:\.\d*)?(?:[eE]-\d{1,2})?$",
    DataType.INTEGER: r"^[+-]?\d{1,11}$",
    DataType.BOOLEAN: r"^(?i:true|false|yes|no|0|1)$",
    DataType.DATETIME: (
        r"^[12]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])"
        r"T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?Z$"
    ),
}
# What a variable takes, unless its name says that it holds a security code.
_PROBES = {DataType.BOOLEAN: "true", DataType.DATETIME: "2000-01-01T00:00:00Z"}
_Answer: TypeAlias = Value | RingfenceError


@dataclass(frozen=True, slots=True)
class CheckedPart:
    """Some records: `refusals` says of each why it is refused, None where it is taken.

    `taken` has the events of those that are, in their order: a column for each variable of the
    event type in its data type, and EVENT_TIMESTAMP. `entities` are their entities by type. `shown`
    has all records as they may be shown, as texts: times in one form, nothing in it that no event
    may have.
    """

    refusals: list[str | None]
    taken: pl.DataFrame
    entities: dict[str, pl.Series]
    shown: pl.DataFrame


class PartChecker:
    """Checks records of files with these columns. For one thread."""

    def __init__(self, event_type: EventType, columns: Columns):
        self._columns = columns
        self._entity_types = event_type.entity_types
        self._variables = {variable.name: variable for variable in event_type.variables}
        self._reader = EventReader(event_type)
        # Any event may have an explicit null.
        self._some_value: dict[str, None] = {event_type.variables[0].name: None}
        self._strict = {
            name
            for name, variable in self._variables.items()
            if isinstance(self._ask(name, _PROBES.get(variable.data_type, "123")), RingfenceError)
        }
        self._known: dict[tuple[str, str], _Answer] = {}

    def check(self, records: Sequence[CsvRecord]) -> CheckedPart:
        """What there is to say of some records."""
        import polars as pl

        from ringfence.models.columns import read_times

        columns = self._columns
        width = len(columns.names)
        refused = PartRefusals([_malformed(record, width) for record in records])
        blank = [""] * width
        rows = [r.fields if len(r.fields) == width else blank for r in records]
        cells = zip(*rows, strict=True) if rows else [()] * width
        texts = [
            pl.Series(name, list(values), dtype=pl.String)
            for name, values in zip(columns.names, cells, strict=True)
        ]
        times, _ = read_times(texts[columns.at], EVENT_TIMESTAMP)
        refused.add_all(
            times.is_null(),
            f"{EVENT_TIMESTAMP}: not a time (expected a time such as 2026-03-01T12:34:56Z)",
        )
        self._refuse_nobody(texts, refused)
        self._check_ids(texts[columns.event_id], self._ask_event_id, refused)
        entities = self._entities(texts, refused)
        values = {
            name: self._values(self._variables[name], texts[place], refused)
            for name, place in columns.variables
        }
        refused.add_all(
            _all_empty([texts[place] for _, place in columns.variables]),
            "no variable was sent (expected at least one)",
        )
        kept = pl.Series([reason is None for reason in refused.reasons], dtype=pl.Boolean)
        taken = [
            values[name].alias(name) if name in values else _defaults(variable, len(rows))
            for name, variable in self._variables.items()
        ]
        texts[columns.at] = _or_null(
            times.dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").fill_null(texts[columns.at])
        ).alias(EVENT_TIMESTAMP)
        return CheckedPart(
            refused.reasons,
            pl.DataFrame([*taken, times.alias(EVENT_TIMESTAMP)]).filter(kept),
            {kind: ids.filter(kept) for kind, ids in entities.items()},
            pl.DataFrame([_or_null(column) for column in refused.shown(texts)]),
        )

    def _values(self, variable: Variable, texts: pl.Series, refused: PartRefusals) -> pl.Series:
        """The values of a variable, with its default where the record has none."""
        import polars as pl

        name, kind = variable.name, variable.data_type
        given = _or_null(texts)
        values = _typed(given, kind)
        if name in self._strict:
            plain = pl.repeat(False, len(given), dtype=pl.Boolean, eager=True)
        elif kind in _PLAIN:
            plain = given.str.contains(_PLAIN[kind])
        else:
            plain = ~_is_suspect(given)
        doubtful = (~plain | values.is_null()) & given.is_not_null()
        if doubtful.any():
            answers = {text: self._answer(name, text) for text in given.filter(doubtful).unique()}
            words = {t: in_words(a) for t, a in answers.items() if isinstance(a, RingfenceError)}
            refused.add_each(given, words)
            if name in self._strict:
                refused.hide(given, words)
            read = {t: a for t, a in answers.items() if not isinstance(a, RingfenceError)}
            values = values.zip_with(~doubtful, _replaced(given, read, values.dtype))
        default = coerce(variable, variable.default)
        if default is None:
            return values
        filled = pl.repeat(default, len(values), dtype=values.dtype, eager=True)
        return values.zip_with(given.is_not_null(), filled)

    def _refuse_nobody(self, texts: Sequence[pl.Series], refused: PartRefusals) -> None:
        """Refuse events that leave out whose they are, or half of it."""
        columns = self._columns
        if columns.entity_type is None or columns.entity_id is None:
            return
        kinds = texts[columns.entity_type].str.strip_chars()
        ids = texts[columns.entity_id].str.strip_chars()
        needed = (kinds != "") | (ids != "") | (not columns.entities)
        for column, given in ((ENTITY_TYPE, kinds), (ENTITY_ID, ids)):
            missing = f"{column}: is empty (expected the entity of the event)"
            refused.add_all(needed & (given == ""), missing)

    def _entities(self, texts: Sequence[pl.Series], refused: PartRefusals) -> dict[str, pl.Series]:
        import polars as pl

        columns = self._columns
        found: dict[str, pl.Series] = {}
        if columns.entity_type is not None and columns.entity_id is not None:
            kinds = texts[columns.entity_type].str.strip_chars()
            ids = _or_null(texts[columns.entity_id].str.strip_chars())
            nobody = pl.repeat(None, len(ids), dtype=pl.String, eager=True)
            for kind in kinds.filter(kinds != "").unique():
                mine = ids.zip_with(kinds == kind, nobody)
                is_known = kind in self._entity_types
                self._check_ids(mine, self._ask_entity(kind), refused, is_known=is_known)
                found[kind] = mine
        for kind, place in columns.entities:
            own = _or_null(texts[place].str.strip_chars())
            mine = found[kind].fill_null(own) if kind in found else own
            self._check_ids(mine, self._ask_entity(kind), refused)
            found[kind] = mine
        return found

    def _check_ids(
        self,
        texts: pl.Series,
        ask: Callable[[str], object],
        refused: PartRefusals,
        *,
        is_known: bool = True,
    ) -> None:
        """Put to the event reader what may be no id, or all of them; nulls are no matter."""
        asked = texts.drop_nulls()
        if is_known:
            asked = asked.filter(~asked.str.contains(_PLAIN_ID) | _is_suspect(asked))
        words = {}
        for text in asked.unique():
            try:
                ask(text)
            except RingfenceError as error:
                words[text] = in_words(error)
        refused.add_each(texts, words)

    def _answer(self, name: str, text: str) -> _Answer:
        key = (name, text)
        answer = self._known.get(key)
        if answer is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            answer = self._known[key] = self._ask(name, text)
        return answer

    def _ask(self, name: str, text: str) -> _Answer:
        sent = SentEvent(event_id="x", at=_AT, variables={name: text})
        try:
            return self._reader.read(sent, _AT).variables[name]
        except RingfenceError as error:
            return error

    def _ask_event_id(self, text: str) -> Event:
        return self._reader.read(SentEvent(event_id=text, at=_AT, variables=self._some_value), _AT)

    def _ask_entity(self, kind: str) -> Callable[[str], object]:
        def ask(text: str) -> Event:
            entities = (Entity(kind, text),)
            sent = SentEvent(event_id="x", at=_AT, entities=entities, variables=self._some_value)
            return self._reader.read(sent, _AT)

        return ask


def _malformed(record: CsvRecord, width: int) -> str | None:
    if record.fault is not None:
        return f"{record.fault} (expected a record of a CSV file in UTF-8)"
    if len(record.fields) != width:
        return f"has {len(record.fields)} fields (expected {width}, as in the header)"
    return None


def _is_suspect(texts: pl.Series) -> pl.Series:
    """Whether a text may be card data, or is too long."""
    length = texts.str.len_bytes()
    too_long = length > _MOST_CHARACTERS
    return too_long | texts.str.contains(_LONG_NUMBER) if (length >= 12).any() else too_long


def _typed(given: pl.Series, kind: DataType) -> pl.Series:
    import polars as pl

    if kind is DataType.FLOAT:
        values = given.cast(pl.Float64, strict=False)
        return values.set(~values.is_finite(), None)
    if kind is DataType.INTEGER:
        return given.cast(pl.Int64, strict=False)
    if kind is DataType.BOOLEAN:
        return given.str.to_lowercase().is_in(["true", "yes", "1"])
    return given


def _defaults(variable: Variable, rows: int) -> pl.Series:
    import polars as pl

    empty = pl.repeat(None, 0, dtype=pl.String, eager=True)
    default = coerce(variable, variable.default)
    kind = _typed(empty, variable.data_type).dtype
    return pl.repeat(default, rows, dtype=kind, eager=True).alias(variable.name)


def _or_null(texts: pl.Series) -> pl.Series:
    return texts.set(texts == "", None)


def _replaced(given: pl.Series, read: Mapping[str, Value], kind: Any) -> pl.Series:
    """The values of texts, null where there is none."""
    import polars as pl

    if not read:
        return pl.repeat(None, len(given), dtype=kind, eager=True)
    return given.replace_strict(dict(read), default=None, return_dtype=kind)


def _all_empty(columns: Sequence[pl.Series]) -> pl.Series:
    empty = columns[0] == ""
    for column in columns[1:]:
        if not empty.any():
            break
        empty &= column == ""
    return empty
