"""Functions of AWS Lambda, invoked through boto3 with the credentials that it finds.

boto3 blocks, so its calls have threads of their own: those of the event loop are for the database.
"""

from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from ringfence.functions.definitions import LambdaFunction
from ringfence.functions.invocations import Answer, Invocation, NotReached, read_error

T = TypeVar("T")

_MOST_AT_ONCE = 32
_CONNECT_SECONDS = 5.0
_RETRIED = frozenset(
    {
        "CodeArtifactUserPendingException",
        "EC2ThrottledException",
        "ResourceConflictException",
        "ResourceNotReadyException",
        "ServiceException",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)


class AwsLambda:
    """Invokes functions of AWS Lambda. Clients are made once for each region and address."""

    def __init__(self) -> None:
        self._threads: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str, float], Any] = {}

    async def invoke(self, definition: LambdaFunction, invocation: Invocation) -> Answer:
        """What the function answers, or how it failed. Raises `NotReached`."""
        answer, lines = await self._in_thread(self._invoke, definition, invocation)
        for line in lines:
            invocation.log.print(line)
        return answer

    async def warm(self, definition: LambdaFunction) -> None:
        """Make the client, which takes a while. Raises `NotReached`."""
        await self._in_thread(self._client, definition)

    def close(self) -> None:
        """Take no more; what is on its way ends by itself."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None

    async def _in_thread(self, work: Callable[..., T], *arguments: Any) -> T:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_MOST_AT_ONCE, thread_name_prefix="aws-lambda")
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    def _invoke(
        self, definition: LambdaFunction, invocation: Invocation
    ) -> tuple[Answer, list[str]]:
        from botocore.exceptions import BotoCoreError, ClientError

        client = self._client(definition)
        try:
            reply = client.invoke(
                FunctionName=definition.function,
                InvocationType="RequestResponse",
                LogType="Tail",
                Payload=invocation.payload,
            )
            payload = reply["Payload"].read()
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            raise NotReached(
                f"Status Code: {status}; Error Code: {code}",
                retry=code in _RETRIED or status >= 500 or status == 429,
            ) from None
        except BotoCoreError as error:
            raise NotReached(_words_of(error), retry=_is_passing(error)) from None
        told = read_error(payload) if reply.get("FunctionError") else None
        logged = base64.b64decode(reply.get("LogResult", "")).decode(errors="replace")
        return Answer(invocation.request_id, payload, told), logged.splitlines()

    def _client(self, definition: LambdaFunction) -> Any:
        region = definition.region or _region_of(definition.function)
        key = (region, definition.endpoint_url, definition.timeout_seconds)
        with self._lock:
            if key not in self._clients:
                import boto3
                from botocore.config import Config
                from botocore.exceptions import BotoCoreError

                try:
                    self._clients[key] = boto3.Session().client(
                        "lambda",
                        region_name=region or None,
                        endpoint_url=definition.endpoint_url or None,
                        config=Config(
                            connect_timeout=min(_CONNECT_SECONDS, definition.timeout_seconds),
                            read_timeout=definition.timeout_seconds,
                            # Whoever invokes knows how often and how long it is worth trying.
                            retries={"total_max_attempts": 1, "mode": "standard"},
                            max_pool_connections=_MOST_AT_ONCE,
                        ),
                    )
                except (BotoCoreError, ValueError) as error:
                    raise NotReached(_words_of(error), retry=False) from None
            return self._clients[key]


def _region_of(function: str) -> str:
    return function.split(":")[3] if function.startswith("arn:") else ""


def _is_passing(error: Exception) -> bool:
    from botocore.exceptions import ConnectionError as NoConnection
    from botocore.exceptions import HTTPClientError

    return isinstance(error, (NoConnection, HTTPClientError))


def _words_of(error: Exception) -> str:
    return f"AWS Lambda cannot be asked: {type(error).__name__}: {error}"[:512]
