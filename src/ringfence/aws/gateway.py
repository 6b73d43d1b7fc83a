"""Where requests of AWS clients come in: who sent it, and which service it is for.

The front door (`web`) hands on what names an operation in the header `X-Amz-Target`, and what is
signed as AWS's clients sign. Nothing is answered before its signature has been verified.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec
import structlog

from ringfence.aws.signatures import joined, read_credentials
from ringfence.aws.throttling import Throttle
from ringfence.aws.wire.errors import AwsError, InternalError, UnknownOperation, aws_error
from ringfence.aws.wire.json_service import JsonService, refusal
from ringfence.aws.wire.operations import Answer, Caller
from ringfence.aws.wire.rest_service import RestService
from ringfence.errors import RingfenceError, TooLarge

_log = structlog.get_logger(__name__)
# An operation that takes a list of 100,000 elements of 320 characters.
_LARGEST_BODY = 40 * 1024 * 1024
# What Lambda takes for an invocation, with room for its base64; contact flows are smaller.
_LARGEST_REST_BODY = 8 * 1024 * 1024

# Told of every answer: the service, the operation, the error's name or an empty text, and seconds.
Watch = Callable[[str, str, str, float], None]


class Verifier(Protocol):
    """Tells who signed a request."""

    def verify(
        self,
        method: str,
        path: str,
        query: bytes,
        headers: Sequence[tuple[bytes, bytes]],
        body: bytes,
    ) -> Caller:
        """The caller. Raises an `AwsError` for what is not signed, or not rightly."""


class Gateway:
    """The services that are named by targets such as `AWSHawksNestServiceFacade.PutLabel`, and
    those that a request is signed for and an address names, such as `connect`."""

    def __init__(
        self,
        verifier: Verifier,
        throttle: Throttle,
        services: Sequence[JsonService[Any]],
        rest_services: Sequence[RestService[Any]],
        rest_throttle: Throttle,
        watch: Watch,
    ):
        self._verifier = verifier
        self._throttle = throttle
        self._services: Mapping[str, JsonService[Any]] = {
            service.target_prefix: service for service in services
        }
        self._rest_services: Mapping[str, RestService[Any]] = {
            service.name: service for service in rest_services
        }
        self._rest_throttle = rest_throttle
        self._watch = watch

    def largest_body(self, target: str | None, usual: int) -> int:
        """How many bytes a request for this target may have, where `usual` is the limit of all."""
        if target is None:
            return max(usual, _LARGEST_REST_BODY)
        return max(usual, _LARGEST_BODY) if target.endswith("List") else usual

    def too_large(self, error: TooLarge) -> Answer:
        """The answer to a request with a larger body."""
        return refusal(AwsError("RequestEntityTooLargeException", str(error), 413))

    async def answer(
        self,
        target: str,
        path: str,
        query: bytes,
        headers: Sequence[tuple[bytes, bytes]],
        body: bytes,
    ) -> Answer:
        """The answer to a POST request. Never raises but for cancellation."""
        began = time.perf_counter()
        prefix, _, operation = target.partition(".")
        service = self._services.get(prefix)
        if service is None or not operation.isalnum() or not operation.isascii():
            return refusal(UnknownOperation("the target is no operation that is served here"))
        try:
            caller = self._verifier.verify("POST", path, query, headers, body)
            caller.require(service.name, operation)
            self._throttle.admit(caller.access_key_id)
        except (AwsError, RingfenceError) as error:
            answer = refusal(aws_error(error, ()))
        except Exception as error:
            _log.error("a signature could not be verified", exc_info=error)
            answer = refusal(InternalError())
        else:
            answer = await service.answer(operation, body, caller)
        shown = operation if service.has(operation) else "unknown"
        self._watch(service.name, shown, answer.error or "", time.perf_counter() - began)
        return answer

    async def answer_rest(
        self,
        method: str,
        path: str,
        query: bytes,
        headers: Sequence[tuple[bytes, bytes]],
        body: bytes,
    ) -> Answer:
        """The answer to a request whose service its signature names. `path` is as it came.

        Never raises but for cancellation.
        """
        began = time.perf_counter()
        try:
            signed_for = read_credentials(joined(headers)).service
        except AwsError as error:
            return _unsigned(error)
        service = self._rest_services.get(signed_for)
        route = service.find(method, path, query) if service is not None else None
        if service is None or route is None:
            return _unsigned(
                AwsError("UnknownOperationException", "there is no operation at that address", 404)
            )
        try:
            caller = self._verifier.verify(method, path, query, headers, body)
            caller.require(service.name, route.operation)
        except (AwsError, RingfenceError) as error:
            answer = _unsigned(aws_error(error, ()))
        except Exception as error:
            _log.error("a signature could not be verified", exc_info=error)
            answer = _unsigned(InternalError())
        else:
            try:
                self._rest_throttle.admit(f"{caller.access_key_id} {route.operation}")
            except AwsError as error:
                answer = service.refusal(error, route.operation)
            else:
                answer = await service.answer(route, query, headers, body, caller)
        self._watch(service.name, route.operation, answer.error or "", time.perf_counter() - began)
        return answer


def _unsigned(error: AwsError) -> Answer:
    """The answer to a request that no service has looked at."""
    status = 403 if error.status == 400 else error.status
    body = msgspec.json.encode({"message": error.message})
    headers = ((b"content-type", b"application/json"), (b"x-amzn-errortype", error.code.encode()))
    return Answer(status, body, error.code, headers)
