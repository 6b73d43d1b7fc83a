"""Errors as AWS's JSON protocols answer them, and how our families of errors become those."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy.exc import IntegrityError

from ringfence.carddata import mask_card_numbers
from ringfence.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    RingfenceError,
    TooLarge,
    Unavailable,
)


class AwsError(Exception):
    """An error as a client is told it: `code` is the name of the exception in the model.

    `members` are what its shape has beside the message.
    """

    def __init__(
        self,
        code: str,
        message: str,
        status: int = 400,
        members: Mapping[str, object] | None = None,
    ):
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.members = members or {}


class ValidationError(AwsError):
    """What was sent cannot be accepted as it stands."""

    def __init__(self, message: str):
        super().__init__("ValidationException", message)


class SerializationError(AwsError):
    """What was sent is not JSON, or a member has another type than the model says."""

    def __init__(self, message: str):
        super().__init__("SerializationException", message)


class UnknownOperation(AwsError):
    """No operation of that name."""

    def __init__(self, message: str):
        super().__init__("UnknownOperationException", message)


class ResourceNotFound(AwsError):
    """What was named does not exist."""

    def __init__(self, message: str):
        super().__init__("ResourceNotFoundException", message)


class ConflictError(AwsError):
    """What was asked contradicts what is stored."""

    def __init__(self, message: str):
        super().__init__("ConflictException", message)


class AccessDenied(AwsError):
    """The caller is known but may not do this."""

    def __init__(self, message: str):
        super().__init__("AccessDeniedException", message)


class Throttled(AwsError):
    """Too much at once; clients of AWS try again by themselves."""

    def __init__(self, message: str):
        super().__init__("ThrottlingException", message)


class ResourceUnavailable(AwsError):
    """Something that is needed, such as an external model, does not answer."""

    def __init__(self, message: str):
        super().__init__("ResourceUnavailableException", message)


class InternalError(AwsError):
    """A fault of ours; clients of AWS try again by themselves."""

    def __init__(self) -> None:
        super().__init__("InternalServerException", "an unexpected error; it is in the log", 500)


def aws_error(error: Exception, declared: Collection[str]) -> AwsError:
    """The error that a client is told, of those that the model of the operation declares.

    Fraud Detector's `Create...` operations declare neither ResourceNotFoundException nor
    ConflictException, so what would be one is a ValidationException there. Card numbers that a
    message repeats are masked.
    """
    found = _aws_error(error, declared)
    found.message = mask_card_numbers(found.message).encode(errors="replace").decode()
    return found


def _aws_error(error: Exception, declared: Collection[str]) -> AwsError:
    if isinstance(error, AwsError):
        return error
    if isinstance(error, IntegrityError):
        text = "the same is being changed by another request"
        return _if_declared(ConflictError(text), declared)
    if not isinstance(error, RingfenceError):
        return InternalError()
    text = str(error)
    if isinstance(error, (InvalidInput, TooLarge)):
        return ValidationError(text)
    if isinstance(error, NotFound):
        return _if_declared(ResourceNotFound(text), declared)
    if isinstance(error, Conflict):
        return _if_declared(ConflictError(text), declared)
    if isinstance(error, Forbidden):
        return AccessDenied(text)
    if isinstance(error, Unavailable):
        unavailable = ResourceUnavailable(text)
        return unavailable if unavailable.code in declared else Throttled(text)
    return InternalError()


def _if_declared(error: AwsError, declared: Collection[str]) -> AwsError:
    return error if error.code in declared else ValidationError(error.message)
