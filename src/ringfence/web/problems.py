"""Errors as HTTP answers: the one place where a family of errors gets its status code."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from ringfence.carddata import mask_card_numbers
from ringfence.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    RingfenceError,
    TooLarge,
    Unauthenticated,
    Unavailable,
)


class NotJson(InvalidInput):
    """The body is not a JSON document."""

    def __init__(self, message: str):
        super().__init__(message, field="body", expected="a JSON document in UTF-8")


_STATUS: tuple[tuple[type[RingfenceError], int], ...] = (
    (TooLarge, 413),
    (NotFound, 404),
    (Conflict, 409),
    (Unauthenticated, 401),
    (Forbidden, 403),
    (Unavailable, 503),
    (NotJson, 400),
    (InvalidInput, 422),
)


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went wrong: which `field`, and what was `expected` there."""

    message: str
    field: str | None = None
    expected: str | None = None


class ProblemReply(msgspec.Struct, frozen=True):
    """The body of every reply that is not a success."""

    error: Problem


def problem(error: Exception) -> tuple[int, ProblemReply]:
    """Status code and body for an error of ours; 500 for any other."""
    status, found = _problem(error)
    return status, reply_of(found)


def reply_of(found: Problem) -> ProblemReply:
    """The reply that says it; it may repeat what was sent, so card numbers are masked."""
    return ProblemReply(
        Problem(_masked(found.message), _masked(found.field), _masked(found.expected))
    )


def _problem(error: Exception) -> tuple[int, Problem]:
    if isinstance(error, RingfenceError):
        status = next((code for family, code in _STATUS if isinstance(error, family)), 500)
        return status, Problem(error.message, error.field, error.expected)
    return 500, Problem("an unexpected error; it is in the log")


_Text = TypeVar("_Text", str, str | None)


def _masked(text: _Text) -> _Text:
    # What was sent may hold half of a surrogate pair, which no reply can carry.
    return mask_card_numbers(text).encode(errors="replace").decode() if text else text
