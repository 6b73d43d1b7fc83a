"""A service that speaks AWS's REST-JSON protocol: the operation is named by method and address.

Reads what was sent, calls the handler, and writes the answer or the error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec
import structlog
from sqlalchemy.exc import IntegrityError

from ringfence.aws.wire.errors import AwsError
from ringfence.aws.wire.operations import Answer, Call, Caller, Handler, Handlers
from ringfence.aws.wire.rest_messages import Headers, read_request, wire_value, write_answer
from ringfence.aws.wire.rest_routes import Route, find_route
from ringfence.aws.wire.shapes import declared_errors, service_model
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
from ringfence.refusals import may_hold_card_data, refuse_card_data

_log = structlog.get_logger(__name__)

Host = TypeVar("Host")


@dataclass(frozen=True, slots=True)
class ErrorNames:
    """What a service calls the families of our errors: of each, the first that an operation
    declares is taken, or else the first."""

    invalid: tuple[str, ...]
    not_found: tuple[str, ...]
    conflict: tuple[str, ...]
    forbidden: tuple[str, ...]
    throttled: tuple[str, ...]
    internal: tuple[str, ...]


class RestService(Generic[Host]):
    """One service. `host` is what its handlers are given; `name` is botocore's, `signing_name`
    what its requests are signed for.

    `operations` is called with the first request. `name_member` lets an error of ours name the
    member of the operation that its field is.
    """

    def __init__(
        self,
        name: str,
        host: Host,
        operations: Callable[[], Mapping[str, Handler]],
        account: str,
        errors: ErrorNames,
        name_member: Callable[[RingfenceError, str], None] = lambda _error, _operation: None,
    ):
        self.name = name
        self._host = host
        self._handlers = Handlers(operations)
        self._account = account
        self._errors = errors
        self._name_member = name_member

    def find(self, method: str, path: str, query: bytes) -> Route | None:
        """The operation that a request asks for."""
        return find_route(self.name, method, path, query)

    async def answer(
        self, route: Route, query: bytes, headers: Headers, body: bytes, caller: Caller
    ) -> Answer:
        """The answer to one request. Never raises but for cancellation."""
        try:
            if route.operation not in self._handlers:
                raise AwsError(
                    "UnknownOperationException", f"{route.operation} is not served here", 404
                )
            members = read_request(self.name, route, query, headers, body)
            if may_hold_card_data(body):
                refuse_card_data(members)
            call = Call(members, caller.region, self._account, caller.name, capitals=True)
            output = await self._handlers.run(route.operation, self._host, call)
            return write_answer(self.name, route.operation, output)
        except Exception as error:
            if isinstance(error, RingfenceError):
                self._name_member(error, route.operation)
            return self.refusal(error, route.operation)

    def refusal(self, error: Exception, operation: str = "") -> Answer:
        """The answer to a request that failed."""
        declared = declared_errors(self.name, operation)
        told = self._told(error, declared)
        status = _status(self.name, told.code) or told.status
        if status >= 500:
            _log.error("request failed", service=self.name, operation=operation, exc_info=error)
        message = mask_card_numbers(told.message).encode(errors="replace").decode()
        document = {"Message": message, "message": message, **told.members}
        return Answer(
            status,
            msgspec.json.encode(wire_value(document)),
            told.code,
            headers=(
                (b"content-type", b"application/json"),
                (b"x-amzn-errortype", told.code.encode()),
            ),
        )

    def _told(self, error: Exception, declared: frozenset[str]) -> AwsError:
        names = self._errors
        text = str(error)
        if isinstance(error, AwsError):
            if error.code in ("ValidationException", "SerializationException"):
                return AwsError(_first(names.invalid, declared), error.message)
            if error.code == "ThrottlingException":
                return AwsError(_first(names.throttled, declared), error.message, 429)
            return error
        if isinstance(error, (InvalidInput, TooLarge)):
            return AwsError(_first(names.invalid, declared), text)
        if isinstance(error, NotFound):
            return AwsError(_first(names.not_found, declared), text, 404)
        if isinstance(error, (Conflict, IntegrityError)):
            if isinstance(error, IntegrityError):
                text = "the same is being changed by another request"
            if not declared.intersection(names.conflict):
                return AwsError(_first(names.invalid, declared), text)
            return AwsError(_first(names.conflict, declared), text, 409)
        if isinstance(error, Forbidden):
            return AwsError(_first(names.forbidden, declared), text, 403)
        if isinstance(error, Unavailable):
            return AwsError(_first(names.throttled, declared), text, 429)
        message = "an unexpected error; it is in the log"
        return AwsError(_first(names.internal, declared), message, 500)


def _first(names: tuple[str, ...], declared: frozenset[str]) -> str:
    return next((name for name in names if name in declared), names[0])


def _status(service: str, code: str) -> int | None:
    model = service_model(service)
    if code not in model.shape_names:
        return None
    error = model.shape_for(code).metadata.get("error", {})
    status = error.get("httpStatusCode")
    return int(status) if status else None
