"""What kind of value a part of an expression has, and reading variables as their kind."""

from __future__ import annotations

import math
from enum import StrEnum

from ringfence.events.variables import DataType

_BOOLEANS = {"true": True, "false": False}


class Kind(StrEnum):
    """Kinds of value; the member's value is the word for it in messages."""

    NUMBER = "a number"
    TEXT = "a text"
    BOOLEAN = "true or false"
    DATE = "a time"
    NULL = "null"


KIND_OF_TYPE = {
    DataType.FLOAT: Kind.NUMBER,
    DataType.INTEGER: Kind.NUMBER,
    DataType.STRING: Kind.TEXT,
    DataType.BOOLEAN: Kind.BOOLEAN,
    DataType.DATETIME: Kind.DATE,
}


def as_number(value: object) -> int | float | None:
    """A number, also when written as text (external models answer so). Raises `ValueError`."""
    if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return value
    if isinstance(value, str):
        number = float(value)
        if math.isfinite(number):
            return number
    raise ValueError("not a number")


def as_text(value: object) -> str | None:
    """A text; numbers as they are written. Raises `ValueError`."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise ValueError("not a text")


def as_boolean(value: object) -> bool | None:
    """True or false, also when written as text. Raises `ValueError`."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and (found := _BOOLEANS.get(value.lower())) is not None:
        return found
    raise ValueError("neither true nor false")
