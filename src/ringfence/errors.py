"""The families of errors that every room raises.

A room subclasses one of these; the edges (`web`, `cli`, later `aws`) turn a family into a status
code, an exit code or an AWS error in one place. An error says which field is wrong and what was
expected there, so that a caller can mend the input without reading our code.
"""

from __future__ import annotations


class RingfenceError(Exception):
    """Base of all expected errors.

    `field` is a path such as `transaction.cvv`; `expected` is a phrase such as
    `one letter, the result of the match`.
    """

    def __init__(self, message: str, *, field: str | None = None, expected: str | None = None):
        super().__init__(message)
        self.message = message
        self.field = field
        self.expected = expected

    def __str__(self) -> str:
        text = f"{self.field}: {self.message}" if self.field else self.message
        return f"{text} (expected {self.expected})" if self.expected else text


class InvalidInput(RingfenceError):
    """What was sent cannot be accepted as it stands."""


class NotFound(RingfenceError):
    """What was named does not exist."""


class Conflict(RingfenceError):
    """What was asked contradicts what is stored."""


class Forbidden(RingfenceError):
    """The caller is known but may not do this."""


class Unauthenticated(RingfenceError):
    """The caller is not known."""


class TooLarge(RingfenceError):
    """What was sent exceeds a limit."""


class Unavailable(RingfenceError):
    """Something that is needed cannot be used now; trying again later may help."""
