"""What is asked of an external model and what it says of an event; how an endpoint's reply is read.

Pure functions.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from typing import Any

import msgspec

from ringfence.models.external.definitions import (
    ExternalModel,
    ExternalOutput,
    Scale,
)
from ringfence.models.external.endpoint import ReplyFormat


class Unreadable(Exception):
    """What came back is not what was declared; the message says why, and repeats nothing of it."""


class Answer(msgspec.Struct, frozen=True):
    """The values by output variable, on the scale that rules see; and why they are the fallbacks,
    if they are. `texts` are the values as an endpoint wrote them; `left_alone` says that it was not
    asked, for it had failed before."""

    values: dict[str, float]
    failure: str | None = None
    texts: dict[str, str] = {}
    left_alone: bool = False


class Body(msgspec.Struct, frozen=True):
    """The body of a request as a client made it, for a model that does not look at variables."""

    content: bytes
    media_type: str


def failed(model: ExternalModel, reason: str, *, left_alone: bool = False) -> Answer:
    """The answer when there is none: the fallbacks."""
    return Answer(model.fallbacks, reason, left_alone=left_alone)


def scaled(output: ExternalOutput, found: object) -> float:
    """The value that rules see of what was found. Raises `Unreadable`."""
    if isinstance(found, str):
        try:
            found = float(found.strip())
        except ValueError:
            raise Unreadable(f"{output.key or output.variable} is not a number") from None
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        raise Unreadable(f"{output.key or output.variable} is not a number")
    number = float(found)
    if not math.isfinite(number):
        raise Unreadable(f"{output.key or output.variable} is not a finite number")
    if output.scale is Scale.AS_IS:
        return number
    if not 0 <= number <= 1:
        raise Unreadable(f"{output.key or output.variable} is not a probability")
    return number * 1000


def read_reply(model: ExternalModel, reply: bytes, count: int) -> list[Answer]:
    """The answers about `count` events, in order. An event whose values cannot be read gets a
    failed answer; raises `Unreadable` when none can, or there are not as many answers as events."""
    endpoint = model.endpoint
    if endpoint is None:
        raise ValueError("not an endpoint")
    try:
        text = reply.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable("the answer is not text in UTF-8") from None
    rows: Sequence[_CsvRow | _JsonRow] = (
        _csv_rows(text, count)
        if endpoint.reply_format is ReplyFormat.TEXT_CSV
        else _json_rows(text, count)
    )
    answers: list[Answer] = []
    first: Unreadable | None = None
    for row in rows:
        try:
            answers.append(
                Answer(
                    {o.variable: scaled(o, row(o.key)) for o in model.outputs},
                    texts={o.variable: row.written(o.key) for o in model.outputs},
                )
            )
        except Unreadable as error:
            first = first or error
            answers.append(failed(model, str(error)))
    if first is not None and all(answer.failure for answer in answers):
        raise first
    return answers


class _CsvRow:
    """One event's line of a reply; `ending` is what follows its last value up to the end."""

    def __init__(self, fields: Sequence[str], ending: str = ""):
        self._fields = fields
        self._ending = ending

    def __call__(self, key: str) -> object:
        if int(key) >= len(self._fields):
            raise Unreadable(f"the answer has no column {key}")
        return self._fields[int(key)]

    def written(self, key: str) -> str:
        """A value as it stands there, with the end of the line where nothing follows it."""
        is_last = int(key) == len(self._fields) - 1
        return self._fields[int(key)] + (self._ending if is_last else "")


class _JsonRow:
    """One event's part of a reply; `of` when there is a list with an element for each event."""

    def __init__(self, document: Any, of: tuple[int, int] | None = None):
        self._document = document
        self._of = of

    def __call__(self, key: str) -> object:
        found = _at(self._document, key)
        if self._of is not None:
            number, count = self._of
            if not isinstance(found, list) or len(found) != count:
                raise Unreadable(f"{key} is not a list of {count}")
            return found[number]
        if isinstance(found, list) and len(found) == 1:
            return found[0]
        return found

    def written(self, key: str) -> str:
        """A value as text."""
        found = self(key)
        return found if isinstance(found, str) else msgspec.json.encode(found).decode()


def _csv_rows(text: str, count: int) -> list[_CsvRow]:
    try:
        rows = [row for row in csv.reader(text.splitlines(), skipinitialspace=True) if row]
    except csv.Error:
        raise Unreadable("the answer is not comma-separated values") from None
    # SageMaker's own containers answer several rows on one line when each has one value.
    if len(rows) == 1 and count > 1 and len(rows[0]) == count:
        rows = [[field] for field in rows[0]]
    if len(rows) != count:
        raise Unreadable(f"{len(rows)} answers to {count} events")
    if count == 1:
        return [_CsvRow(rows[0], text[len(text.rstrip("\r\n")) :])]
    return [_CsvRow(row) for row in rows]


def _json_rows(text: str, count: int) -> list[_JsonRow]:
    try:
        document = msgspec.json.decode(text)
    except msgspec.DecodeError:
        try:
            document = msgspec.json.Decoder().decode_lines(text)
        except msgspec.DecodeError:
            raise Unreadable("the answer is not JSON") from None
    except RecursionError:
        raise Unreadable("the answer is nested too deeply") from None
    if isinstance(document, dict):
        if count == 1:
            return [_JsonRow(document)]
        return [_JsonRow(document, (number, count)) for number in range(count)]
    if not isinstance(document, list):
        raise Unreadable("the answer is neither an object nor a list")
    if len(document) != count:
        raise Unreadable(f"{len(document)} answers to {count} events")
    return [_JsonRow(row) for row in document]


def _at(document: Any, key: str) -> object:
    if isinstance(document, dict) and key in document:
        return document[key]
    found = document
    for step in key.split("."):
        if isinstance(found, dict) and step in found:
            found = found[step]
        elif isinstance(found, list) and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
        else:
            raise Unreadable(f"the answer has no {key}")
    return found
