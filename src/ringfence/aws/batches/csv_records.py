"""A CSV file (RFC 4180) as a stream of records, each with the place where the next one begins.

Python's own reader takes the records apart. What it cannot, such as a quote that nothing closes,
costs one line: reading goes on with the next.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from ringfence.errors import InvalidInput

_BOM = b"\xef\xbb\xbf"
# Nothing that is a table of events has longer lines.
MAX_LINE_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class CsvRecord:
    """One record: its fields, or why it cannot be read (`fault`).

    `line` is where it begins, counted from 1, `end` the byte and `next_line` the line after it.
    """

    fields: list[str]
    line: int
    end: int
    next_line: int
    fault: str | None = None


class CsvRecords:
    """The records of a binary file from its present position on; empty lines are left out.

    `start` and `line` say where that position is in the whole. A byte order mark at the beginning
    of the whole is no part of the first field. Raises `InvalidInput` for a line that is longer than
    any table's, which a file of another kind may well have.
    """

    def __init__(self, file: IO[bytes], start: int = 0, line: int = 1):
        self._file = file
        self._at = start
        self._line = line
        # Lines that were read, without being part of a record yet.
        self._again: deque[bytes] = deque()
        self._taken: list[bytes] = []
        self._is_text = True
        self._reader = self._new_reader()

    def __iter__(self) -> Iterator[CsvRecord]:
        return self

    def __next__(self) -> CsvRecord:
        while True:
            try:
                fields = next(self._reader)
            except StopIteration:
                if self._taken:  # a quote that is still open at the end
                    return self._faulty("a quote is not closed")
                raise
            except csv.Error as error:
                if not self._taken:
                    raise
                return self._faulty(_in_words(error))
            if not self._is_text:
                return self._faulty("is not UTF-8")
            record = self._record(fields)
            if fields:
                return record

    def _record(self, fields: list[str], fault: str | None = None) -> CsvRecord:
        taken, self._taken = self._taken, []
        line = self._line
        self._at += sum(map(len, taken))
        self._line += len(taken)
        return CsvRecord(fields, line, self._at, self._line, fault)

    def _faulty(self, fault: str) -> CsvRecord:
        """Its first line is the record; what followed is read again."""
        self._again.extendleft(reversed(self._taken[1:]))
        del self._taken[1:]
        self._is_text = True
        self._reader = self._new_reader()
        return self._record([], fault)

    def _new_reader(self) -> Iterator[list[str]]:
        return csv.reader(self._lines(), strict=True)

    def _lines(self) -> Iterator[str]:
        while True:
            line = self._again.popleft() if self._again else self._file.readline(MAX_LINE_BYTES)
            if not line:
                return
            if len(line) >= MAX_LINE_BYTES:
                raise InvalidInput(
                    f"line {self._line + len(self._taken)} is longer than {MAX_LINE_BYTES:,} bytes",
                    field="file",
                    expected="a CSV file in UTF-8, one event a line",
                )
            self._taken.append(line)
            if self._at == 0 and len(self._taken) == 1:
                line = line.removeprefix(_BOM)
            try:
                yield line.decode()
            except UnicodeDecodeError:
                # Read on: the line may be inside a quote that was never meant to be one.
                self._is_text = False
                yield line.decode(errors="replace")


def count_records(file: IO[bytes], chunk_bytes: int = 1 << 20) -> int:
    """About how many records a file has, without its header: the lines that are not empty and not
    inside quotes. Exact where `CsvRecords` finds no faults."""
    count = 0
    quoted, line_has_text = False, False
    while chunk := file.read(chunk_bytes):
        for number, piece in enumerate(chunk.split(b'"')):
            if number:
                quoted, line_has_text = not quoted, True
            if quoted:
                continue
            first, *others = piece.split(b"\n")
            line_has_text = line_has_text or bool(first.strip(b"\r"))
            for text in others:
                count += line_has_text
                line_has_text = bool(text.strip(b"\r"))
    return max(0, count + line_has_text - 1)


def _in_words(error: csv.Error) -> str:
    text = str(error)
    if "field larger" in text or "unexpected end" in text:
        return "a quote is not closed"
    if "expected after" in text:
        return "a quote ends before its field does"
    if "new-line" in text:
        return "has a carriage return inside a field without quotes"
    return "is not CSV"
