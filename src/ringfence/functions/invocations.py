"""One invocation: what a function is given, and what comes of it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from ringfence.functions.logs import InvocationLog


class ErrorDocument(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """How a function failed, in AWS Lambda's words."""

    error_message: str = ""
    error_type: str = ""
    request_id: str = ""
    stack_trace: tuple[str, ...] = ()

    def __str__(self) -> str:
        kind = self.error_type
        return (
            f"{kind}: {self.error_message}"
            if kind and self.error_message
            else (kind or self.error_message or "it failed")
        )


@dataclass(frozen=True, slots=True)
class Invocation:
    """`payload` is the event as JSON; `arn` is what the function was called by."""

    request_id: str
    name: str
    arn: str
    payload: bytes
    log: InvocationLog


@dataclass(frozen=True, slots=True)
class Answer:
    """What a function has answered: JSON, or, where `error` is set, that it failed.

    `log` is the end of what it has logged meanwhile, 4 KB at the most. `retry` says whether asking
    once more may help where it failed.
    """

    request_id: str
    payload: bytes
    error: ErrorDocument | None = None
    log: str = ""
    retry: bool = True

    @property
    def document(self) -> Any:
        """The payload, decoded; its text where it is not JSON."""
        try:
            return msgspec.json.decode(self.payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self.payload.decode(errors="replace")

    @property
    def log_result(self) -> str:
        """The log as AWS Lambda's API gives it, in base64."""
        return base64.b64encode(self.log.encode()).decode()


class NotReached(Exception):
    """The function could not be asked, or what came back is no answer.

    `retry` says that asking once more may help, as AWS retries throttles and failures of the
    service.
    """

    def __init__(self, message: str, *, retry: bool):
        super().__init__(message)
        self.retry = retry


def failed(request_id: str, error: ErrorDocument) -> Answer:
    """The answer of a function that failed."""
    if not error.request_id:
        error = msgspec.structs.replace(error, request_id=request_id)
    return Answer(request_id, msgspec.json.encode(error), error)


def read_error(payload: bytes) -> ErrorDocument:
    """The error that a payload tells; never raises, whatever a function says of itself."""
    try:
        told = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ErrorDocument(error_message="it failed without a word")
    if not isinstance(told, Mapping):
        return ErrorDocument(error_message="it failed without a word")
    frames = told.get("stackTrace")
    return ErrorDocument(
        error_message=_text(told.get("errorMessage")),
        error_type=_text(told.get("errorType")),
        request_id=_text(told.get("requestId")),
        stack_trace=tuple(map(_text, frames)) if isinstance(frames, list) else (),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
