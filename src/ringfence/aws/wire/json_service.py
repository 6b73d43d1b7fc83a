"""A service that speaks AWS's JSON protocol: the operation is named by a header, the rest is JSON.

Reads what was sent, calls the handler, and writes the answer or the error.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

import msgspec
import structlog

from ringfence.aws.wire.errors import AwsError, UnknownOperation, aws_error
from ringfence.aws.wire.reading import read_input
from ringfence.aws.wire.shapes import declared_errors
from ringfence.errors import RingfenceError
from ringfence.refusals import may_hold_card_data, refuse_card_data

_log = structlog.get_logger(__name__)

Host = TypeVar("Host")


class Caller(Protocol):
    """Who sent a request, as its signature says."""

    @property
    def name(self) -> str:
        """Who is written down as having asked."""

    @property
    def access_key_id(self) -> str:
        """What tells callers apart."""

    @property
    def region(self) -> str:
        """The region that the client speaks to."""

    def require(self, service: str, operation: str) -> None:
        """Raise `AccessDenied` unless the caller may do that."""


class Call(msgspec.Struct, frozen=True):
    """One request: its members, read and checked, and who sent it.

    `region` is the one that the client signed for, `account` that of the operator.
    """

    members: Mapping[str, Any]
    region: str
    account: str
    by: str


Handler: TypeAlias = Callable[[Any, Call], dict[str, Any] | Awaitable[dict[str, Any]]]


class Operations:
    """Collects the operations of one kind of resource."""

    def __init__(self) -> None:
        self.all: dict[str, Handler] = {}

    def add(self, name: str) -> Callable[[Handler], Handler]:
        """Declare the decorated function as the operation of that name in the model.

        A plain function runs in a thread, so it may block.
        """

        def declare(handler: Handler) -> Handler:
            self.all[name] = handler
            return handler

        return declare


class Answer(msgspec.Struct, frozen=True):
    """What a client is told."""

    status: int
    body: bytes
    error: str | None = None


class JsonService(Generic[Host]):
    """One service. `host` is what its handlers are given; `name` is botocore's.

    Targets are `<target_prefix>.<operation>`. `operations` is called with the first request, so
    that a server which nobody asks loads none of them. `name_member` lets an error of ours name
    the member of the operation that its field is.
    """

    def __init__(
        self,
        name: str,
        target_prefix: str,
        host: Host,
        operations: Callable[[], Mapping[str, Handler]],
        account: str,
        name_member: Callable[[RingfenceError, str], None],
    ):
        self.name = name
        self.target_prefix = target_prefix
        self._host = host
        self._load = operations
        self._account = account
        self._name_member = name_member

    @cached_property
    def _operations(self) -> Mapping[str, tuple[Handler, bool]]:
        return {
            operation: (handler, inspect.iscoroutinefunction(handler))
            for operation, handler in self._load().items()
        }

    def has(self, operation: str) -> bool:
        """Whether there is an operation of that name."""
        return operation in self._operations

    async def answer(self, operation: str, body: bytes, caller: Caller) -> Answer:
        """The answer to one request. Never raises but for cancellation."""
        try:
            if operation not in self._operations:
                raise UnknownOperation(f"there is no operation {operation[:64]}")
            handler, is_async = self._operations[operation]
            members = read_input(self.name, operation, body)
            if may_hold_card_data(body):
                refuse_card_data(members)
            call = Call(members, caller.region, self._account, caller.name)
            if is_async:
                outcome = handler(self._host, call)
            else:
                outcome = await asyncio.to_thread(handler, self._host, call)
            output = await outcome if inspect.isawaitable(outcome) else outcome
            return Answer(200, msgspec.json.encode(without_none(output)))
        except Exception as error:
            if isinstance(error, RingfenceError):
                self._name_member(error, operation)
            return failed(error, self.name, operation)


def failed(error: Exception, service: str, operation: str) -> Answer:
    """The answer to a request that failed."""
    told = aws_error(error, declared_errors(service, operation))
    if told.status >= 500:
        _log.error("request failed", service=service, operation=operation, exc_info=error)
    return refusal(told)


def refusal(error: AwsError) -> Answer:
    """The answer that an error is."""
    # `message` in lower case is what clients read from the error itself as well as from the
    # exception that botocore makes of it.
    document = {"__type": error.code, "message": error.message}
    return Answer(error.status, msgspec.json.encode(document), error.code)


def without_none(value: Any) -> Any:
    """The value without the members that are None, as AWS leaves out what there is not."""
    if isinstance(value, dict):
        return {name: without_none(one) for name, one in value.items() if one is not None}
    if isinstance(value, (list, tuple)):
        return [without_none(one) for one in value]
    return value
