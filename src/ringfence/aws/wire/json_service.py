"""A service that speaks AWS's JSON protocol: the operation is named by a header, the rest is JSON.

Reads what was sent, calls the handler, and writes the answer or the error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

import msgspec
import structlog

from ringfence.aws.wire.errors import AwsError, UnknownOperation, aws_error
from ringfence.aws.wire.operations import Answer, Call, Caller, Handler, Handlers, without_none
from ringfence.aws.wire.reading import read_input
from ringfence.aws.wire.shapes import declared_errors
from ringfence.errors import RingfenceError
from ringfence.refusals import may_hold_card_data, refuse_card_data

_log = structlog.get_logger(__name__)

Host = TypeVar("Host")


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
        self._handlers = Handlers(operations)
        self._account = account
        self._name_member = name_member

    def has(self, operation: str) -> bool:
        """Whether there is an operation of that name."""
        return operation in self._handlers

    async def answer(self, operation: str, body: bytes, caller: Caller) -> Answer:
        """The answer to one request. Never raises but for cancellation."""
        try:
            if operation not in self._handlers:
                raise UnknownOperation(f"there is no operation {operation[:64]}")
            members = read_input(self.name, operation, body)
            if may_hold_card_data(body):
                refuse_card_data(members)
            call = Call(members, caller.region, self._account, caller.name)
            output = await self._handlers.run(operation, self._host, call)
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
