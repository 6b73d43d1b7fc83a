"""Asking Amazon Connect: within its rate, again when it throttles, and its refusals in our words.

Limits and errors: "Amazon Connect service quotas" and the API reference of
StartOutboundVoiceContact; error names are those of botocore's model.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ringfence.lines.amazon_connect.settings import ConnectSettings
from ringfence.lines.line import CallEnd
from ringfence.lines.opening import secret

_TIMEOUT_SECONDS = 10.0
_THROTTLED = frozenset({"ThrottlingException", "TooManyRequestsException", "Throttling"})
_BUSY = frozenset({"InternalServiceException", "ServiceUnavailable", "InternalServerError"})
_BUDGET_SECONDS = 20.0  # for one request with all that is tried again
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
    "LimitExceededException": (
        CallEnd.LINE_DOWN,
        "as many calls are in progress as the instance takes",
    ),
    "ResourceNotFoundException": (
        CallEnd.FAILED,
        "the instance, the flow, the queue or the number is not there: look at instance_id, "
        "contact_flow_id, queue_id and source_phone_number",
    ),
    "InvalidParameterException": (CallEnd.FAILED, "a setting of the line does not fit"),
    "InvalidRequestException": (CallEnd.FAILED, "the request does not fit"),
    "AccessDeniedException": (CallEnd.UNAUTHORIZED, "these credentials may not place calls"),
    "UnrecognizedClientException": (CallEnd.UNAUTHORIZED, "the access key is not known"),
    "InvalidSignatureException": (CallEnd.UNAUTHORIZED, "the secret access key is wrong"),
    "ExpiredTokenException": (CallEnd.UNAUTHORIZED, "the credentials have expired"),
}


class NotAnswered(Exception):
    """Amazon Connect did not do what was asked. `end` is what a call ends with for it."""

    def __init__(self, end: CallEnd, detail: str):
        super().__init__(detail)
        self.end = end
        self.detail = detail


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
    """The instance of a line. Requests run in threads, no more of them than AWS takes."""

    def __init__(self, settings: ConnectSettings) -> None:
        self._settings = settings
        self._client: Any = None
        self._turn = asyncio.Lock()
        self._next_at = 0.0

    async def start_call(self, request: Mapping[str, Any]) -> str:
        """Place a call; its contact id. The same ClientToken places no second one.

        Raises `NotAnswered`.
        """
        answer = await self._ask("start_outbound_voice_contact", dict(request), paced=True)
        return str(answer["ContactId"])

    async def contact(self, contact_id: str) -> Contact:
        """How a contact stands. Raises `NotAnswered`, `ContactGone`."""
        found = (await self._ask("describe_contact", {"ContactId": contact_id}))["Contact"]
        return Contact(
            connected_at=found.get("ConnectedToSystemTimestamp"),
            disconnected_at=found.get("DisconnectTimestamp"),
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
        self, operation: str, request: dict[str, Any], *, paced: bool = False
    ) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        until = loop.time() + _BUDGET_SECONDS
        pause = _FIRST_PAUSE_SECONDS
        while True:
            if paced:
                await self._paced()
            try:
                return await asyncio.to_thread(self._send, operation, request)
            except _Again as again:
                wait = pause * (0.5 + random.random() / 2)  # noqa: S311 - only spreads requests
                if loop.time() + wait > until:
                    raise NotAnswered(CallEnd.LINE_DOWN, again.detail) from None
                await asyncio.sleep(wait)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    async def _paced(self) -> None:
        """Wait for this request's turn within the line's rate."""
        async with self._turn:
            loop = asyncio.get_running_loop()
            now = loop.time()
            begins = max(now, self._next_at)
            self._next_at = begins + 1 / self._settings.calls_per_second
        await asyncio.sleep(max(0.0, begins - now))

    def _send(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
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


class _Again(Exception):
    def __init__(self, detail: str):
        super().__init__(detail)
        self.detail = detail


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
        region_name=settings.region,
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
    if code in _THROTTLED or code in _BUSY or status >= 500:
        return _Again(f"Amazon Connect is busy ({code or status})")
    if code == "ContactNotFoundException":
        return ContactGone(said)
    end, words = _REFUSALS.get(code, (CallEnd.FAILED, "Amazon Connect refused the call"))
    return NotAnswered(end, f"{words} ({code}{': ' + said[:200] if said else ''})")


def _unsent(error: Exception) -> Exception:
    from botocore import exceptions

    if isinstance(error, (exceptions.NoCredentialsError, exceptions.PartialCredentialsError)):
        return NotAnswered(CallEnd.UNAUTHORIZED, "no AWS credentials are found for this line")
    if isinstance(error, (exceptions.ParamValidationError, exceptions.ProfileNotFound)):
        return NotAnswered(CallEnd.FAILED, str(error)[:400])
    return _Again(f"Amazon Connect cannot be reached ({type(error).__name__})")
