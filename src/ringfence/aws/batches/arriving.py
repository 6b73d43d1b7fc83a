"""From records of a file to events that can be stored, and why the others cannot be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from ringfence.aws.batches.columns import (
    ENTITY_ID,
    ENTITY_TYPE,
    EVENT_LABEL,
    EVENT_TIMESTAMP,
    LABEL_SOURCE,
    LABEL_TIMESTAMP,
    Columns,
)
from ringfence.aws.batches.csv_records import CsvRecord
from ringfence.aws.batches.refusals import Refusal, column_of
from ringfence.detectors.storing import Arriving
from ringfence.errors import InvalidInput, RingfenceError
from ringfence.events.definitions import EventType
from ringfence.events.log import EventLabel
from ringfence.events.reading import Entity, EventReader, SentEvent
from ringfence.models.history import LABEL_DELAY_SECONDS

_LABEL_DELAY = timedelta(seconds=LABEL_DELAY_SECONDS)
_SOURCE_OF_LABELS = "import"
_LABEL_SOURCE = re.compile(r"[a-z_-]{0,32}")
_LABEL_SOURCE_EXPECTED = "a word such as phone or analyst"
_TIME_EXPECTED = "a time such as 2026-03-01T12:34:56Z"


class ArrivingReader:
    """Reads records of one file. `names` are what its columns are called, `file` what it is."""

    def __init__(self, event_type: EventType, columns: Columns, file: str):
        self._event_type = event_type
        self._columns = columns
        self._file = file
        self._reader = EventReader(event_type)
        self._labels = _labels(event_type)

    def read(
        self, records: Sequence[CsvRecord], first_row: int
    ) -> Iterator[tuple[int, int, Arriving] | Refusal]:
        """What each record is, in their order: its line, its row and the event, or why it is not
        taken. `first_row` is the number of the first one, counted without the header."""
        columns = self._columns
        width = len(columns.names)
        ats = _times([_cell(record, columns.at) for record in records])
        label_ats = _times([_cell(record, columns.label_at) for record in records])
        for row, (record, at, label_at) in enumerate(
            zip(records, ats, label_ats, strict=True), start=first_row
        ):
            try:
                if record.fault is not None:
                    raise InvalidInput(record.fault, expected="a record of a CSV file in UTF-8")
                if len(record.fields) != width:
                    raise InvalidInput(
                        f"has {len(record.fields)} fields", expected=f"{width}, as in the header"
                    )
                if at is None:
                    raise InvalidInput(
                        "not a time", field="event_timestamp", expected=_TIME_EXPECTED
                    )
                yield record.line, row, self._arriving(record.fields, at, label_at)
            except _Refused as refused:
                yield Refusal(
                    self._file, record.line, row, refused.column, refused.error, refused.expected
                )
            except RingfenceError as error:
                yield Refusal(
                    self._file,
                    record.line,
                    row,
                    column_of(error),
                    error.message,
                    error.expected or "",
                )

    def _arriving(self, fields: Sequence[str], at: datetime, label_at: datetime | None) -> Arriving:
        columns = self._columns
        sent = SentEvent(
            event_id=fields[columns.event_id],
            at=at,
            entities=self._entities(fields),
            variables={name: fields[place] for name, place in columns.variables if fields[place]},
        )
        event = self._reader.read(sent, at)
        return Arriving(event, self._label(fields, event.at, label_at))

    def _entities(self, fields: Sequence[str]) -> tuple[Entity, ...]:
        columns = self._columns
        entities = []
        if columns.entity_type is not None and columns.entity_id is not None:
            kind, name = fields[columns.entity_type].strip(), fields[columns.entity_id].strip()
            if kind or name or not columns.entities:
                for value, column in ((kind, ENTITY_TYPE), (name, ENTITY_ID)):
                    if not value:
                        raise _Refused(column, "is empty", "the entity of the event")
                entities.append(Entity(kind, name))
        named = {entity.entity_type for entity in entities}
        entities += [
            Entity(kind, fields[place].strip())
            for kind, place in columns.entities
            if kind not in named and fields[place].strip()
        ]
        return tuple(entities)

    def _label(
        self, fields: Sequence[str], at: datetime, label_at: datetime | None
    ) -> EventLabel | None:
        columns = self._columns
        given = "" if columns.label is None else fields[columns.label].strip()
        label_time = "" if columns.label_at is None else fields[columns.label_at].strip()
        if label_time and label_at is None:
            raise _Refused(LABEL_TIMESTAMP, "not a time", _TIME_EXPECTED)
        if not given:
            return None
        label = self._labels.get(given) or self._labels.get(given.lower())
        if label is None:
            known = ", ".join(self._event_type.labels) or "no label: the event type has none"
            raise _Refused(EVENT_LABEL, "not a label of the event type", known)
        known_at = at + _LABEL_DELAY if label_at is None else label_at
        return EventLabel(label, known_at, self._label_source(fields))

    def _label_source(self, fields: Sequence[str]) -> str:
        place = self._columns.label_source
        source = "" if place is None else fields[place].strip()
        if not _LABEL_SOURCE.fullmatch(source):
            raise _Refused(LABEL_SOURCE, "not a source of labels", _LABEL_SOURCE_EXPECTED)
        return source or _SOURCE_OF_LABELS


class _Refused(Exception):
    def __init__(self, column: str, error: str, expected: str):
        super().__init__(error)
        self.column, self.error, self.expected = column, error, expected


def _labels(event_type: EventType) -> dict[str, str]:
    """The labels by what may stand for them in a file: a table of numbers with gaps in it is
    written with fractions, and 1 and 0 mean fraud and legit, as for training."""
    found: dict[str, str] = {}
    for says, words in ((event_type.fraud_label, ("1", "1.0", "true")),
                        (event_type.legit_label, ("0", "0.0", "false"))):  # fmt: skip
        if says is not None:
            found |= dict.fromkeys(words, says)
    found |= {f"{label}.0": label for label in event_type.labels if label.isdigit()}
    return found | {label: label for label in event_type.labels}


def _cell(record: CsvRecord, place: int | None) -> str | None:
    if place is None or place >= len(record.fields):
        return None
    return record.fields[place]


def _times(texts: Sequence[str | None]) -> list[datetime | None]:
    """The times that texts say, in the formats that training reads; None where they are none."""
    import polars as pl

    from ringfence.models.columns import read_times

    if all(text is None for text in texts):
        return [None] * len(texts)
    times, _ = read_times(pl.Series(EVENT_TIMESTAMP, texts, dtype=pl.String), EVENT_TIMESTAMP)
    return [None if at is None else at.astimezone(UTC) for at in times.to_list()]
