"""Asking Amazon Connect: within its rate, again when it throttles, and its refusals in our words.

Limits and errors: "Amazon Connect service quotas" and the API reference of
StartOutboundVoiceContact; error names are those of botocore's model.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ringfence.lines.amazon_connect.settings import ConnectSettings
from ringfence.lines.line import CallEnd
from ringfence.lines.opening import secret

_TIMEOUT_SECONDS = 10.0
_THROTTLED = frozenset({"ThrottlingException", "TooManyRequestsException", "Throttling"})
_FULL = "LimitExceededException"
_BUDGET_SECONDS = 20.0  # for one request with all that is tried again
# For a call that may have been placed unseen: asking again, with its token, tells.
_CERTAINTY_SECONDS = 300.0
_THREADS = 6
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 5.0

# What a request that places a call is refused with.
_REFUSALS: Mapping[str, tuple[CallEnd, str]] = {
    "DestinationNotAllowedException": (
        CallEnd.UNREACHABLE,
        "the instance may not call this country or prefix: ask AWS to allow it",
    ),
    "OutboundContactNotPermittedException": (
        CallEnd.UNAUTHORIZED,
        "the instance may not place calls from this number",
    ),
    "ResourceNotFoundException": (
        CallEnd.FAILED,
        "the instance, the flow, the queue or the number is not there: look at instance_id, "
        "contact_flow_id, queue_id and source_phone_number",
    ),
    "InvalidParameterException": (CallEnd.FAILED, "a setting of the line does not fit"),
    "InvalidRequestException": (CallEnd.FAILED, "the request does not fit"),
    "AccessDeniedException": (CallEnd.UNAUTHORIZED, "these credentials may not do this"),
    "UnrecognizedClientException": (CallEnd.UNAUTHORIZED, "the access key is not known"),
    "InvalidSignatureException": (CallEnd.UNAUTHORIZED, "the secret access key is wrong"),
    "ExpiredTokenException": (CallEnd.UNAUTHORIZED, "the credentials have expired"),
}


class NotAnswered(Exception):
    """Amazon Connect did not do what was asked. `end` is what a call ends with for it.

    `passing`: asking again later may help.
    """

    def __init__(self, end: CallEnd, detail: str, *, passing: bool = False):
        super().__init__(detail)
        self.end = end
        self.detail = detail
        self.passing = passing


class ContactGone(Exception):
    """There is no such contact (any more)."""


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact as Amazon Connect describes it; what has not happened is None."""

    connected_at: datetime | None
    disconnected_at: datetime | None
    disconnect_reason: str
    machine: str


class ConnectClient:
    """The instance of a line. Requests run in threads, no more of them than AWS takes.

    AWS counts the requests of each operation for itself ("API throttling quotas").
    """

    def __init__(self, settings: ConnectSettings) -> None:
        self._settings = settings
        self._client: Any = None
        self._making = threading.Lock()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="amazon-connect")
        self._next_at: dict[str, float] = {}

    def close(self) -> None:
        """Ask no more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def start_call(self, request: Mapping[str, Any], wanted: Callable[[], bool]) -> str:
        """Place a call; its contact id. The same ClientToken places no second one.

        One that is not `wanted` any more is not placed, unless it may have been already. Raises
        `NotAnswered`.
        """
        answer = await self._ask(
            "start_outbound_voice_contact", dict(request), wanted, certain=True
        )
        return str(answer["ContactId"])

    async def contact(self, contact_id: str) -> Contact:
        """How a contact stands. Raises `NotAnswered`, `ContactGone`."""
        found = (await self._ask("describe_contact", {"ContactId": contact_id}))["Contact"]
        return Contact(
            connected_at=_utc(found.get("ConnectedToSystemTimestamp")),
            disconnected_at=_utc(found.get("DisconnectTimestamp")),
            disconnect_reason=str(found.get("DisconnectReason") or ""),
            machine=str(found.get("AnsweringMachineDetectionStatus") or ""),
        )

    async def attributes(self, contact_id: str) -> Mapping[str, str]:
        """The attributes of a contact at this moment. Raises `NotAnswered`, `ContactGone`."""
        answer = await self._ask("get_contact_attributes", {"InitialContactId": contact_id})
        return dict(answer.get("Attributes") or {})

    async def stop(self, contact_id: str) -> None:
        """End a contact; harmless when it is over. Raises `NotAnswered`."""
        try:
            await self._ask("stop_contact", {"ContactId": contact_id})
        except ContactGone:
            return

    async def _ask(
        self,
        operation: str,
        request: dict[str, Any],
        wanted: Callable[[], bool] = lambda: True,
        *,
        certain: bool = False,
    ) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        pause, unsure = _FIRST_PAUSE_SECONDS, False
        while True:
            await self._paced(operation)
            if not wanted() and not unsure:
                raise NotAnswered(CallEnd.FAILED, "the call was given up before it was placed")
            try:
                return await loop.run_in_executor(self._threads, self._send, operation, request)
            except _Again as again:
                unsure = unsure or (certain and again.maybe_done)
                budget = _CERTAINTY_SECONDS if unsure else _BUDGET_SECONDS
                wait = pause * (0.5 + random.random() / 2)  # noqa: S311 - only spreads requests
                if loop.time() + wait > began + budget:
                    raise NotAnswered(CallEnd.LINE_DOWN, again.detail, passing=True) from None
                await asyncio.sleep(wait)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    async def _paced(self, operation: str) -> None:
        """Wait for this request's turn within the line's rate."""
        now = asyncio.get_running_loop().time()
        begins = max(now, self._next_at.get(operation, 0.0))
        self._next_at[operation] = begins + 1 / self._settings.calls_per_second
        await asyncio.sleep(max(0.0, begins - now))

    def _send(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            with self._making:
                if self._client is None:
                    self._client = make_client(
                        self._settings, "connect", self._settings.endpoint_url or None
                    )
            send: Callable[..., dict[str, Any]] = getattr(self._client, operation)
            return send(InstanceId=self._settings.instance, **request)
        except ClientError as error:
            raise _refused(error.response) from None
        except BotoCoreError as error:
            raise _unsent(error) from None


def _utc(at: datetime | None) -> datetime | None:
    return None if at is None else at.astimezone(UTC)


class _Again(Exception):
    """What may pass; `maybe_done` when the request may have been carried out all the same."""

    def __init__(self, detail: str, *, maybe_done: bool):
        super().__init__(detail)
        self.detail = detail
        self.maybe_done = maybe_done


def make_client(settings: ConnectSettings, service: str, endpoint_url: str | None) -> Any:
    """A client of an AWS service with the credentials of the line. Raises what botocore raises."""
    import boto3
    from botocore.config import Config

    keys: dict[str, str] = {}
    if settings.access_key_id:
        keys = {
            "aws_access_key_id": settings.access_key_id,
            "aws_secret_access_key": secret(settings.secret_access_key, "secret_access_key"),
        }
    session = boto3.session.Session(profile_name=settings.profile or None, **keys)
    return session.client(
        service,
        region_name=settings.instance_region,
        endpoint_url=endpoint_url,
        config=Config(
            connect_timeout=_TIMEOUT_SECONDS,
            read_timeout=_TIMEOUT_SECONDS + 20.0,
            retries={"total_max_attempts": 1},  # what is tried again is our matter
        ),
    )


def _refused(response: Mapping[str, Any]) -> Exception:
    code = str(response.get("Error", {}).get("Code", ""))
    said = str(response.get("Error", {}).get("Message", "") or response.get("Message", ""))
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code == _FULL:
        words = "as many calls are in progress as the instance takes"
        return _Again(f"{words} ({code}: {said[:200]})", maybe_done=False)
    if code in _THROTTLED or status == 429:
        return _Again(f"Amazon Connect is busy ({code or status})", maybe_done=False)
    if status >= 500:
        return _Again(f"Amazon Connect is busy ({code or status})", maybe_done=True)
    if code == "ContactNotFoundException":
        return ContactGone(said)
    end, words = _REFUSALS.get(code, (CallEnd.FAILED, "Amazon Connect refused the call"))
    return NotAnswered(end, f"{words} ({code}{': ' + said[:200] if said else ''})")


def _unsent(error: Exception) -> Exception:
    from botocore import exceptions

    keyless = (
        exceptions.NoCredentialsError,
        exceptions.PartialCredentialsError,
        exceptions.CredentialRetrievalError,
        exceptions.TokenRetrievalError,
        exceptions.SSOError,
    )
    if isinstance(error, keyless):
        words = "no usable AWS credentials are found for this line"
        return NotAnswered(CallEnd.UNAUTHORIZED, f"{words}: {error}"[:400])
    if isinstance(error, exceptions.ProfileNotFound):
        return NotAnswered(CallEnd.UNAUTHORIZED, f"profile: {error}"[:400])
    if not isinstance(error, (exceptions.HTTPClientError, exceptions.ConnectionError)):
        return NotAnswered(CallEnd.FAILED, str(error)[:400])
    unsent = isinstance(error, (exceptions.EndpointConnectionError, exceptions.ConnectTimeoutError))
    words = f"Amazon Connect cannot be reached ({type(error).__name__})"
    return _Again(words, maybe_done=not unsent)
