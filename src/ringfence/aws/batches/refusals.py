"""Records that could not be taken, and why, as their sender can work through them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringfence.carddata import mask_card_numbers
from ringfence.errors import RingfenceError

if TYPE_CHECKING:
    import polars as pl

REFUSALS_HEADER = "FILE,LINE,ROW,COLUMN,ERROR,EXPECTED\n"
_HIDDEN = "***"
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


class PartRefusals:
    """Of some records the first reason against each, and what must not be shown of them."""

    def __init__(self, reasons: list[str | None]):
        self.reasons = reasons
        self._hidden: dict[str, set[int]] = {}

    def add_all(self, where: pl.Series, why: str) -> None:
        """Refuse the records that are marked, unless they are refused already."""
        for row in where.arg_true():
            if self.reasons[row] is None:
                self.reasons[row] = why

    def add_each(self, texts: pl.Series, words: Mapping[str, str]) -> None:
        """Refuse the records whose text has words against it, unless they are refused already."""
        for row in _rows_of(texts, words):
            if self.reasons[row] is None:
                self.reasons[row] = words[texts[row]]

    def hide(self, texts: pl.Series, words: Mapping[str, str]) -> None:
        """Never show the texts of a column that have words against them."""
        self._hidden.setdefault(texts.name, set()).update(_rows_of(texts, words))

    def shown(self, columns: Iterable[pl.Series]) -> list[pl.Series]:
        """Columns as they may be shown: of refused records without card numbers."""
        refused = [row for row, reason in enumerate(self.reasons) if reason is not None]
        return [self._shown(column, refused) for column in columns]

    def _shown(self, texts: pl.Series, refused: Iterable[int]) -> pl.Series:
        hidden = self._hidden.get(texts.name, ())
        changed = {}
        for row in refused:
            text: str = texts[row] or ""
            shown = _HIDDEN if row in hidden else mask_card_numbers(text)
            if shown != text:
                changed[row] = shown
        return texts.scatter(list(changed), list(changed.values())) if changed else texts


def column_of(error: RingfenceError) -> str:
    """The column that an error is about, empty where it is the whole record."""
    field = error.field or ""
    return _COLUMNS.get(field, field.removeprefix("variables.") if "." in field else "")


def in_words(error: RingfenceError) -> str:
    """An error as the reason why a record is refused, without card numbers."""
    column = column_of(error)
    text = f"{column}: {error.message}" if column else error.message
    return mask_card_numbers(f"{text} (expected {error.expected})" if error.expected else text)


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


def _rows_of(texts: pl.Series, wanted: Mapping[str, str]) -> list[int]:
    if not wanted:
        return []
    found: list[int] = texts.is_in(list(wanted)).fill_null(False).arg_true().to_list()
    return found
