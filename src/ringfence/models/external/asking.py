"""Asking one model over HTTP: bodies, batches, time-outs, and leaving alone what keeps failing.

Lives on one event loop, that of `calls`, which may be another than the server's. Nothing here
raises for what an endpoint does: every question gets an answer, and a failed one says why.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx2
import msgspec
import structlog

from ringfence.events.variables import Value
from ringfence.models.external.answers import Answer, Body, Unreadable, failed, read_reply
from ringfence.models.external.breaker import Breaker, BreakerState
from ringfence.models.external.counts import Counts
from ringfence.models.external.definitions import ExternalModel
from ringfence.models.external.endpoint import Endpoint, RequestFormat
from ringfence.models.external.signing import AwsSigner, NoCredentials
from ringfence.models.external.templates import Template, csv_field

SECRET = re.compile(r"\$\{(RINGFENCE_SECRET_[A-Z0-9_]{1,64})\}")
_MAX_REPLY_BYTES = 1_048_576
_MAX_WAITING = 10_000
# Requests on their way at once; batches wait for each other, or there would be none.
_SINGLE_REQUESTS, _BATCH_REQUESTS = 64, 2
_MEDIA_TYPES = {
    RequestFormat.APPLICATION_JSON: "application/json",
    RequestFormat.TEXT_CSV: "text/csv",
}
_log = structlog.get_logger(__name__)


class Failure(Exception):
    """An endpoint that could not be asked; the message says why and `kind` is for counting."""

    def __init__(self, kind: str, message: str):
        super().__init__(message)
        self.kind = kind


@dataclass(slots=True, eq=False)
class _Question:
    body: str | Body
    answer: asyncio.Future[Answer]


class EndpointCaller:
    """Asks one model. Made and used on one event loop."""

    def __init__(
        self, client: httpx2.AsyncClient, model: ExternalModel, counts: Counts, signer: AwsSigner
    ):
        if model.endpoint is None:
            raise ValueError(f"{model.name} is not an endpoint")
        self.model = model
        self._endpoint: Endpoint = model.endpoint
        self._client = client
        self._signer = signer
        self.counts = counts
        self._breaker = Breaker(self._endpoint.failures_to_open, self._endpoint.open_seconds)
        counts.state = self._breaker.state
        self._template = (
            None
            if self._endpoint.template is None
            else Template(
                self._endpoint.template,
                json=self._endpoint.request_format is RequestFormat.APPLICATION_JSON,
            )
        )
        self._waiting: deque[_Question] = deque()
        self._sending: set[asyncio.Task[None]] = set()
        self._most = _SINGLE_REQUESTS if self._endpoint.batch_size == 1 else _BATCH_REQUESTS

    async def ask(self, variables: Mapping[str, Value], body: Body | None = None) -> Answer:
        """The answer about an event, within the endpoint's time-out."""
        if not self._endpoint.use_event_variables and body is None:
            return self._failed(Failure("unreadable", "the client sent no body for it"))
        if len(self._waiting) >= _MAX_WAITING:
            return self._failed(Failure("skipped", "too many events wait for it"))
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        question = _Question(self.written(variables) if body is None else body, answer)
        self._waiting.append(question)
        self._send()
        try:
            async with asyncio.timeout(self._endpoint.timeout_seconds):
                return await answer
        except TimeoutError:
            return self._failed(self._timeout())

    def written(self, variables: Mapping[str, Value]) -> str:
        """What is sent about an event: its line of CSV or its JSON document."""
        if self._template is not None:
            return self._template.render(variables)
        values: dict[str, Value] = {}
        for given in self.model.inputs:
            value = variables.get(given.variable)
            if given.codes is not None and value is not None:
                value = given.codes.get(str(value))
            values[given.input or given.variable] = given.default if value is None else value
        if self._endpoint.request_format is RequestFormat.TEXT_CSV:
            return ",".join(csv_field(value) for value in values.values())
        return msgspec.json.encode(values).decode()

    async def close(self) -> None:
        """Give up what is on its way."""
        for task in tuple(self._sending):
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)

    def _send(self) -> None:
        while self._waiting and len(self._sending) < self._most:
            batch: list[_Question] = []
            while self._waiting and len(batch) < self._endpoint.batch_size:
                question = self._waiting.popleft()
                if not question.answer.done():  # nobody waits any more for what is done
                    batch.append(question)
            if batch:
                task = asyncio.create_task(self._answer(batch))
                self._sending.add(task)
                task.add_done_callback(self._sent)

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        if not task.cancelled():
            task.exception()
        self._send()

    async def _answer(self, batch: Sequence[_Question]) -> None:
        answers: Sequence[Answer]
        began = time.monotonic()
        permit = self._breaker.ask(began)
        self.counts.state = self._breaker.state
        if permit is None:
            failure = Failure("skipped", "it is left alone after repeated failures")
            answers = [self._failed(failure) for _ in batch]
        else:
            succeeded = False
            try:
                answers = await self._asked([question.body for question in batch])
                self.counts.by_result["answered"] += len(batch)
                succeeded = True
            except Failure as failure:
                answers = [self._failed(failure) for _ in batch]
            finally:
                ended = time.monotonic()
                self.counts.requests += 1
                self.counts.seconds += ended - began
                self._tell(permit, succeeded, ended)
        for question, answer in zip(batch, answers, strict=True):
            if not question.answer.done():
                question.answer.set_result(answer)

    def _tell(self, permit: int, succeeded: bool, at: float) -> None:
        before = self._breaker.state
        self._breaker.tell(permit, succeeded, at)
        self.counts.state = after = self._breaker.state
        if after is not before:
            told = _log.warning if after is BreakerState.OPEN else _log.info
            told("external model", model=self.model.name, circuit=after.value)

    async def _asked(self, bodies: Sequence[str | Body]) -> Sequence[Answer]:
        content, media_type = self._joined(bodies)
        try:
            async with asyncio.timeout(self._endpoint.timeout_seconds):
                received = await self._received(content, media_type)
        except NoCredentials:
            raise Failure("refused", "there are no AWS credentials to sign with") from None
        except (TimeoutError, httpx2.TimeoutException):
            raise self._timeout() from None
        except httpx2.TransportError as error:
            raise Failure("unreachable", f"it cannot be reached: {type(error).__name__}") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError):
            raise Failure("unreadable", "its answer cannot be read") from None
        try:
            return read_reply(self.model, received, len(bodies))
        except Unreadable as error:
            raise Failure("unreadable", str(error)) from None

    async def _received(self, content: bytes, media_type: str) -> bytes:
        url, signature = self._endpoint.url, self._endpoint.aws_signature
        headers = {**_resolved(self._endpoint.headers), "Content-Type": media_type}
        if signature is not None:
            headers = await self._signer.signed(signature, url, content, headers)
        received = bytearray()
        async with self._client.stream("POST", url, content=content, headers=headers) as reply:
            if not reply.is_success:
                raise Failure("refused", f"it answered with status {reply.status_code}")
            async for part in reply.aiter_bytes():
                received += part
                if len(received) > _MAX_REPLY_BYTES:
                    raise Failure("unreadable", "its answer is too long")
        return bytes(received)

    def _joined(self, bodies: Sequence[str | Body]) -> tuple[bytes, str]:
        media_type = _MEDIA_TYPES[self._endpoint.request_format]
        texts = [body for body in bodies if isinstance(body, str)]
        if not texts:
            (body,) = (body for body in bodies if isinstance(body, Body))
            return body.content, body.media_type
        if self._endpoint.batch_size == 1:
            return texts[0].encode(), media_type
        if self._endpoint.request_format is RequestFormat.TEXT_CSV:
            return "\n".join(text.strip() for text in texts).encode(), media_type
        return ("[" + ",".join(texts) + "]").encode(), media_type

    def _timeout(self) -> Failure:
        return Failure("timeout", f"no answer within {self._endpoint.timeout_seconds:g} s")

    def _failed(self, failure: Failure) -> Answer:
        self.counts.by_result[failure.kind] += 1
        return failed(self.model, str(failure), left_alone=failure.kind == "skipped")


def _resolved(headers: Mapping[str, str | None]) -> dict[str, str]:
    """The headers with what the environment has for secrets. Raises `Failure` when it has not."""

    def found(match: re.Match[str]) -> str:
        value = os.environ.get(match[1])
        if value is None:
            raise Failure("refused", f"{match[1]} is not in the server's environment")
        return value

    return {name: SECRET.sub(found, value) for name, value in headers.items() if value is not None}
