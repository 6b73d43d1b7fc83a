"""Errors as HTTP answers: the one place where a family of errors gets its status code."""

from __future__ import annotations

import re

import msgspec

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

_STATUS: tuple[tuple[type[RingfenceError], int], ...] = (
    (TooLarge, 413),
    (NotFound, 404),
    (Conflict, 409),
    (Unauthenticated, 401),
    (Forbidden, 403),
    (Unavailable, 503),
    (InvalidInput, 422),
)
_MSGSPEC_PLACE = re.compile(r"^(?P<message>.*) - at `(?P<place>[^`]*)`$", re.DOTALL)


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went wrong: which `field`, and what was `expected` there."""

    message: str
    field: str | None = None
    expected: str | None = None


class ProblemReply(msgspec.Struct, frozen=True):
    """The body of every reply that is not a success."""

    error: Problem


def problem(error: Exception) -> tuple[int, ProblemReply]:
    """Status code and body for an error of ours, or of decoding what was sent."""
    if isinstance(error, RingfenceError):
        status = next((code for family, code in _STATUS if isinstance(error, family)), 500)
        return status, ProblemReply(Problem(error.message, error.field, error.expected))
    if isinstance(error, msgspec.ValidationError):
        match = _MSGSPEC_PLACE.match(str(error))
        if match is None:
            return 422, ProblemReply(Problem(str(error)))
        place = match["place"].removeprefix("$").removeprefix(".")
        return 422, ProblemReply(Problem(match["message"], place or None))
    if isinstance(error, msgspec.DecodeError):
        return 400, ProblemReply(Problem(f"not JSON: {error}", "body", "a JSON document in UTF-8"))
    if isinstance(error, UnicodeDecodeError):
        return 400, ProblemReply(Problem("not UTF-8", "body", "a JSON document in UTF-8"))
    return 500, ProblemReply(Problem("an unexpected error; it is in the log"))
