"""Batch import: events from CSV files into the event log, with their labels, part by part.

A part is stored in one transaction with the place where the next one begins, so that whoever goes
on after a crash does no record twice and leaves none out. Profiles learn from the events as they
are stored: files are taken in the order of their names, records as they stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import msgspec
from sqlalchemy import Connection

from ringfence.aws.batches.arriving import ArrivingReader
from ringfence.aws.batches.columns import read_header
from ringfence.aws.batches.csv_records import CsvRecord, CsvRecords, count_records
from ringfence.aws.batches.outputs import check_output, output_path, upload_output
from ringfence.aws.batches.parts import header_of
from ringfence.aws.batches.refusals import REFUSALS_HEADER, Refusal, written
from ringfence.aws.batches.sources import Source, sources_at
from ringfence.aws.jobs.context import JobContext
from ringfence.aws.jobs.outputs import add_output, forget_outputs, read_outputs
from ringfence.detectors.profiles import Profiles
from ringfence.detectors.storing import Arriving, Stored, store_events
from ringfence.errors import Conflict, InvalidInput
from ringfence.events import EventType, get_event_type
from ringfence.storage import Database

# A server that decides waits for such a transaction now and then: a part takes some 0.1 s.
_PART_RECORDS = 2_000
# Below this, files are read once more beforehand, to know how many records there are.
_COUNTED_BYTES = 256 << 20
# Of more, only how many there are is told.
_LISTED_REFUSALS = 200_000


class ImportPlace(msgspec.Struct, frozen=True):
    """How far an import is: before the record at byte `at` of a file, all is done."""

    file: str = ""
    tag: str = ""
    at: int = 0
    line: int = 1
    row: int = 1
    processed: int = 0
    failed: int = 0
    parts: int = 0
    bytes_done: int = 0
    """Of the files before this one."""


class ImportedPart(msgspec.Struct, frozen=True):
    """What became of some records: where the next begin, those that were not taken, how many events
    are new to the log, and of how many that were there only the label is new."""

    place: ImportPlace
    refusals: tuple[Refusal, ...]
    new: int
    labelled: int


Keep = Callable[[Connection, ImportedPart], None]


def import_events(
    database: Database,
    event_type: EventType,
    sources: Sequence[Source],
    *,
    place: ImportPlace | None = None,
    keep: Keep = lambda *_: None,
) -> Iterator[ImportedPart]:
    """Store the events of files, from `place` on; each part as soon as it is stored.

    Records that cannot be taken are left out, an event that is in the log already counts as taken
    if it says the same. `keep` is called in the transaction that stores a part, to keep what it
    became. Raises `InvalidInput` for a header that does not fit the event type, `Conflict` when a
    file is not the one any more that was begun, and what reading it raises.
    """
    place = place or ImportPlace()
    profiles = Profiles()
    for source in sources:
        if source.name < place.file:
            continue
        if source.name == place.file and source.tag != place.tag:
            raise Conflict(
                f"{source.name} was changed after its first {place.row - 1:,} records had been "
                "stored",
                field="file",
                expected="the file as it was; import the changed one anew",
            )
        if source.name != place.file:
            place = msgspec.structs.replace(
                place, file=source.name, tag=source.tag, at=0, line=1, row=1
            )
        columns = read_header(header_of(source).fields, event_type)
        reader = ArrivingReader(event_type, columns, source.name)
        with source.open(place.at) as file:
            records = CsvRecords(file, place.at, place.line)
            if place.at == 0:
                next(records)  # the header
            while part := list(islice(records, _PART_RECORDS)):
                read = list(reader.read(part, place.row))
                place = _after(place, part)
                stored = _store(database, read, place, source.name, profiles, keep)
                place = stored.place
                yield stored
        place = msgspec.structs.replace(place, bytes_done=place.bytes_done + source.size)


def count_events(sources: Sequence[Source]) -> int | None:
    """How many records files have; None when reading them for that would take too long."""
    if sum(source.size for source in sources) > _COUNTED_BYTES:
        return None
    total = 0
    for source in sources:
        with source.open() as file:
            total += count_records(file)
    return total


def work_on_import(context: JobContext) -> None:
    """Do a batch import job: what `CreateBatchImportJob` asks for."""
    payload = context.job.payload
    context.tell(0.0, "looking for files")
    sources = sources_at(payload["input_path"], "inputPath")
    check_output(context)
    with context.database.read() as connection:
        event_type = get_event_type(connection, payload["event_type"])
    if not event_type.event_ingestion:
        raise InvalidInput(
            f"events of type {event_type.name!r} are not kept",
            field="eventTypeName",
            expected="an event type with eventIngestion ENABLED",
        )
    place = msgspec.convert(context.job.place or {}, ImportPlace)
    total = context.job.total
    if total is None:
        context.tell(0.0, "counting records")
        total = count_events(sources)
    all_bytes = sum(source.size for source in sources) or 1

    def keep(connection: Connection, part: ImportedPart) -> None:
        after = part.place
        context.save(
            connection,
            msgspec.to_builtins(after),
            processed=after.processed,
            failed=after.failed,
            total=None if total is None else max(total, after.processed),
        )
        listed = _listed(part)
        if listed:
            add_output(connection, context.job, after.parts, listed.encode())

    parts = import_events(context.database, event_type, sources, place=place, keep=keep)
    for part in parts:
        place = part.place
        done = (place.bytes_done + place.at) / all_bytes
        context.tell(0.95 * min(done, 1.0), f"importing {place.file}")
    context.count(place.processed, place.failed, place.processed)
    _write_output(context, place)
    with context.database.write() as connection:
        context.complete(connection)
        forget_outputs(connection, context.job.kind, context.job.job_id)


def _store(
    database: Database,
    read: Sequence[tuple[int, int, Arriving] | Refusal],
    place: ImportPlace,
    file: str,
    profiles: Profiles,
    keep: Keep,
) -> ImportedPart:
    refusals = [item for item in read if isinstance(item, Refusal)]
    arriving = [item for item in read if not isinstance(item, Refusal)]
    with database.write() as connection:
        became = store_events(connection, [event for _, _, event in arriving], profiles)
        for (line, row, _), stored in zip(arriving, became, strict=True):
            if stored is Stored.OTHER:
                refusals.append(
                    Refusal(
                        file,
                        line,
                        row,
                        "EVENT_ID",
                        "another event of this id is stored",
                        "an id that is used once, or the same event",
                    )
                )
        refusals.sort(key=lambda refusal: refusal.row)
        place = msgspec.structs.replace(place, failed=place.failed + len(refusals))
        part = ImportedPart(
            place, tuple(refusals), became.count(Stored.NEW), became.count(Stored.LABELLED)
        )
        keep(connection, part)
    return part


def _after(place: ImportPlace, part: Sequence[CsvRecord]) -> ImportPlace:
    return msgspec.structs.replace(
        place,
        at=part[-1].end,
        line=part[-1].next_line,
        row=place.row + len(part),
        processed=place.processed + len(part),
        parts=place.parts + 1,
    )


def _listed(part: ImportedPart) -> str:
    """The lines about what was refused, as far as they are listed at all."""
    before = part.place.failed - len(part.refusals)
    return written(part.refusals[: max(0, _LISTED_REFUSALS - before)])


def _write_output(context: JobContext, place: ImportPlace) -> None:
    """An empty file where all went well, else what was refused and why."""
    file = context.folder / "output.csv"
    with file.open("wb") as out, context.database.read() as connection:
        if place.failed:
            out.write(REFUSALS_HEADER.encode())
        for piece in read_outputs(connection, context.job):
            out.write(piece)
        more = place.failed - _LISTED_REFUSALS
        if more > 0:
            last = Refusal("", 0, 0, "", f"{more:,} more records were refused and are not listed")
            out.write(written([last]).encode())
    upload_output(context, file, output_path(context))
