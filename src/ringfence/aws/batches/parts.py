"""Cutting files into parts at the ends of records, at the same places whenever it is done again."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ringfence.aws.batches.columns import Columns, read_header
from ringfence.aws.batches.csv_records import CsvRecord, CsvRecords
from ringfence.aws.batches.sources import Source
from ringfence.errors import InvalidInput
from ringfence.events.definitions import EventType

PART_BYTES = 8 << 20
# A quote that is open at the end of so many bytes may be closed in the next ones.
_OPEN_QUOTE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class PartPlace:
    """A part of a file: its number, and the bytes that it begins and ends at."""

    source: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Part:
    """A part and its content: whole records."""

    place: PartPlace
    content: bytes

    def records(self) -> Iterator[CsvRecord]:
        """Its records. Lines are counted from its beginning."""
        # Not at 0, where a byte order mark would be looked for.
        return iter(CsvRecords(io.BytesIO(self.content), 1))


def header_of(source: Source) -> CsvRecord:
    """The first record of a file. Raises `InvalidInput` when there is none that can be read."""
    with source.open() as file:
        header = next(CsvRecords(file), None)
    if header is None or header.fault is not None:
        why = "is empty" if header is None else f"has a header that {header.fault}"
        raise InvalidInput(
            f"{source.name} {why}", field="file header", expected="a CSV file with a header"
        )
    return header


def common_columns(
    headers: Sequence[CsvRecord], sources: Sequence[Source], event_type: EventType
) -> Columns:
    """The columns of files that are written into one.

    Raises `InvalidInput` for a header that does not fit the event type, and for one that is not
    like the first.
    """
    columns = read_header(headers[0].fields, event_type)
    for header, source in zip(headers, sources, strict=True):
        if header.fields != headers[0].fields:
            raise InvalidInput(
                f"{source.name} has other columns than {sources[0].name}",
                field="file header",
                expected="files with the same columns in the same order",
            )
    return columns


def parts_of(
    sources: Sequence[Source],
    headers: Sequence[CsvRecord],
    done: Mapping[tuple[int, int], PartPlace] | None = None,
    part_bytes: int = PART_BYTES,
) -> Iterator[Part]:
    """The parts of files after their headers, without those that are done, by file and start."""
    done = done or {}
    for number, (source, header) in enumerate(zip(sources, headers, strict=True)):
        at = header.end
        while at < source.size:
            known = done.get((number, at))
            if known is not None:
                at = known.end
                continue
            for part in _contiguous(number, source, at, done, part_bytes):
                at = part.place.end
                yield part


def _contiguous(
    number: int,
    source: Source,
    start: int,
    done: Collection[tuple[int, int]],
    part_bytes: int,
) -> Iterator[Part]:
    """Parts from `start` on, until the end of the file or a part that is done."""
    with source.open(start) as file:
        left = b""
        at = start
        while (number, at) not in done:
            read = file.read(max(part_bytes - len(left), part_bytes // 2))
            content = left + read
            if not content:
                return
            size = len(content) if at + len(content) >= source.size else _whole_records(content)
            yield Part(PartPlace(number, at, at + size), content[:size])
            left = content[size:]
            at += size


def _whole_records(content: bytes) -> int:
    """How many bytes of the content are records that surely end in it; all of it if none does."""
    if b'"' not in content:
        return content.rfind(b"\n") + 1 or len(content)
    begin = 0
    for record in CsvRecords(io.BytesIO(content), 1):
        end = record.end - 1
        may_go_on = record.fault is not None and begin >= len(content) - _OPEN_QUOTE_BYTES
        if may_go_on or (end == len(content) and not content.endswith(b"\n")):
            break
        begin = end
    return begin or len(content)
