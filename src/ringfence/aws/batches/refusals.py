"""Records that could not be taken, as a CSV file that their sender can work through."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass

from ringfence.carddata import mask_card_numbers
from ringfence.errors import RingfenceError

REFUSALS_HEADER = "FILE,LINE,ROW,COLUMN,ERROR,EXPECTED\n"
_COLUMNS = {
    "event_id": "EVENT_ID",
    "event_timestamp": "EVENT_TIMESTAMP",
    "entities.entity_id": "ENTITY_ID",
    "entities.entity_type": "ENTITY_TYPE",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a record was not taken: `line` of the file, `row` counted without the header, both from
    1; `column` is empty where the whole record is meant."""

    file: str
    line: int
    row: int
    column: str
    error: str
    expected: str = ""

    def __str__(self) -> str:
        where = f"{self.file}, line {self.line}"
        column = f", {self.column}" if self.column else ""
        expected = f" (expected {self.expected})" if self.expected else ""
        return mask_card_numbers(f"{where}{column}: {self.error}{expected}")


def column_of(error: RingfenceError) -> str:
    """The column that an error is about."""
    field = error.field or ""
    return _COLUMNS.get(field, field.removeprefix("variables.") if "." in field else "")


def written(refusals: Iterable[Refusal]) -> str:
    """Lines of the file, without card numbers whatever the record said."""
    text = io.StringIO()
    write = csv.writer(text, lineterminator="\n").writerow
    for refusal in refusals:
        write(
            (
                mask_card_numbers(refusal.file),
                refusal.line,
                refusal.row,
                refusal.column,
                mask_card_numbers(refusal.error),
                mask_card_numbers(refusal.expected),
            )
        )
    return text.getvalue()
