"""AWS Lambda's service: what its operations are given, and what its errors are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ringfence.aws.wire.operations import Handler
from ringfence.aws.wire.rest_service import ErrorNames
from ringfence.errors import RingfenceError
from ringfence.functions import FunctionRunner
from ringfence.storage import Database

NAME = "lambda"

ERROR_NAMES = ErrorNames(
    invalid=("InvalidParameterValueException",),
    not_found=("ResourceNotFoundException",),
    conflict=("ResourceConflictException",),
    forbidden=("AccessDeniedException",),
    throttled=("TooManyRequestsException",),
    internal=("ServiceException",),
)


@dataclass(frozen=True, slots=True)
class Lambda:
    """What the operations work on. `runner` is on the event loop: only coroutines may use it."""

    database: Database
    runner: FunctionRunner


def operations() -> Mapping[str, Handler]:
    """Every operation that is served, by its name."""
    from ringfence.aws.lambda_ import describing, invoking

    return {**invoking.operations.all, **describing.operations.all}


def name_member(error: RingfenceError, operation: str) -> None:
    """Let an error name the member of AWS Lambda's operation that its field is."""
    if error.field in ("function", "name"):
        error.field = "FunctionName"
