"""The line over Amazon Connect: it places calls, follows their contacts, and tells what came of
them. The conversation is a flow over there."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from datetime import datetime

import structlog

from ringfence.flows.participant import AnsweredBy
from ringfence.lines.amazon_connect.client import (
    ConnectClient,
    Contact,
    ContactGone,
    NotAnswered,
)
from ringfence.lines.amazon_connect.events import ContactEvents
from ringfence.lines.amazon_connect.settings import ConnectSettings, ring_seconds
from ringfence.lines.journal import Journal, utc_now
from ringfence.lines.line import (
    CallEnd,
    CallEventKind,
    CallRequest,
    CallResult,
    Conversation,
    Limits,
    Report,
)

_SLOW_POLL_SECONDS = 10.0  # where events tell that something has happened
_LONGEST_POLL_SECONDS = 5.0
_PATIENCE_SECONDS = 120.0  # for a contact that cannot be asked about
_STOP_SECONDS = 5.0
_log = structlog.get_logger(__name__)

_MACHINES = {
    "HUMAN_ANSWERED": AnsweredBy.HUMAN,
    "VOICEMAIL_BEEP": AnsweredBy.MACHINE_BEEP,
    "VOICEMAIL_NO_BEEP": AnsweredBy.MACHINE_SILENT,
    "FAX_MACHINE_DETECTED": AnsweredBy.MACHINE_SILENT,
}
# What ends a call that nobody answered.
_UNANSWERED: Mapping[str, tuple[CallEnd, str]] = {
    "OUTBOUND_DESTINATION_ENDPOINT_ERROR": (CallEnd.UNREACHABLE, "the number cannot be reached"),
    "OUTBOUND_RESOURCE_ERROR": (CallEnd.LINE_DOWN, "Amazon Connect had no line for the call"),
    "OUTBOUND_ATTEMPT_FAILED": (CallEnd.NO_ANSWER, "nobody answered, or it was busy"),
    "TELECOM_PROBLEM": (CallEnd.LINE_DOWN, "the telephone network had a problem"),
    "EXPIRED": (CallEnd.NO_ANSWER, "it was not answered in time"),
}
_SIT_TONES = {
    "SIT_TONE_BUSY": (CallEnd.BUSY, ""),
    "SIT_TONE_INVALID_NUMBER": (CallEnd.UNREACHABLE, "the number is not in use"),
    "SIT_TONE_DETECTED": (CallEnd.UNREACHABLE, "the network played an announcement"),
}


class AmazonConnectLine:
    """A `Line` whose far side runs the conversation. Held open on one event loop."""

    def __init__(self, name: str, settings: ConnectSettings) -> None:
        self.name = name
        self.limits = Limits(settings.calls_at_once, settings.calls_per_second)
        number = settings.source_phone_number
        self.numbers: frozenset[str] | None = frozenset({number}) if number else None
        self._settings = settings
        self._client = ConnectClient(settings)
        self._events = ContactEvents(settings)
        self._dialled: set[str] = set()

    def start(self) -> None:
        """Begin to listen for events."""
        self._events.start()

    async def stop(self) -> None:
        """Listen no more."""
        await self._events.stop()

    async def call(
        self, request: CallRequest, conversation: Conversation, report: Report
    ) -> CallResult:
        """See `Line.call`. `conversation` is not held: the flow over there is."""
        async with Journal(report) as journal:
            if request.call_id in self._dialled:
                text = f"{request.call_id} was dialled before"
                return await _ended(journal, CallResult(CallEnd.FAILED, None, utc_now(), text))
            self._dialled.add(request.call_id)
            journal.note(CallEventKind.DIALLED, request.to_number)
            try:
                contact_id = await self._client.start_call(self._request(request))
            except NotAnswered as error:
                result = CallResult(error.end, None, utc_now(), error.detail)
                return await _ended(journal, result)
            journal.note(CallEventKind.RINGING)
            try:
                result = await self._follow(contact_id, journal)
            except asyncio.CancelledError:
                await asyncio.shield(asyncio.ensure_future(self._hang_up(contact_id)))
                raise
            finally:
                self._events.forget(contact_id)
            return await _ended(journal, result)

    async def _follow(self, contact_id: str, journal: Journal) -> CallResult:
        loop = asyncio.get_running_loop()
        happened = self._events.watch(contact_id)
        heard_of_at = began = loop.time()
        answered_at: datetime | None = None
        pause = self._settings.poll_seconds
        while True:
            await self._pause(happened, pause)
            try:
                contact = await self._client.contact(contact_id)
                heard_of_at = loop.time()
            except (NotAnswered, ContactGone) as error:
                if loop.time() - heard_of_at > _PATIENCE_SECONDS:
                    text = f"the contact {contact_id} cannot be followed: {error}"
                    return CallResult(CallEnd.FAILED, answered_at, utc_now(), text)
                continue
            if contact.connected_at is not None and answered_at is None:
                answered_at = contact.connected_at
                journal.note(CallEventKind.ANSWERED)
                pause = self._settings.poll_seconds
            if contact.disconnected_at is not None:
                return await self._over(contact_id, contact)
            if loop.time() - began > self._settings.longest_call_seconds:
                await self._hang_up(contact_id)
                return CallResult(CallEnd.FAILED, answered_at, utc_now(), "the call took too long")
            pause = min(pause * 1.5, _LONGEST_POLL_SECONDS)

    async def _pause(self, happened: asyncio.Event, seconds: float) -> None:
        if self._settings.events_queue_url:
            seconds = _SLOW_POLL_SECONDS
        try:
            async with asyncio.timeout(seconds):
                await happened.wait()
        except TimeoutError:
            return
        happened.clear()

    async def _over(self, contact_id: str, contact: Contact) -> CallResult:
        attributes: Mapping[str, str] = {}
        try:
            attributes = await self._client.attributes(contact_id)
        except (NotAnswered, ContactGone) as error:
            _log.error("a contact's attributes are lost", contact_id=contact_id, error=str(error))
        end, detail = end_of(contact)
        answered = contact.connected_at if end.answered else None
        return CallResult(
            end,
            answered,
            contact.disconnected_at or utc_now(),
            detail,
            _MACHINES.get(contact.machine, AnsweredBy.UNKNOWN) if end.answered else None,
            attributes,
        )

    async def _hang_up(self, contact_id: str) -> None:
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._client.stop(contact_id)
        except (NotAnswered, TimeoutError) as error:
            _log.error("a contact could not be stopped", contact_id=contact_id, error=str(error))

    def _request(self, request: CallRequest) -> dict[str, object]:
        settings = self._settings
        asked: dict[str, object] = {
            "DestinationPhoneNumber": request.to_number,
            "ContactFlowId": settings.flow_for(request.language),
            "Attributes": dict(request.attributes),
            "ClientToken": hashlib.sha256(f"{self.name}:{request.call_id}".encode()).hexdigest(),
            "RingTimeoutInSeconds": ring_seconds(request.ring_timeout_seconds),
        }
        if settings.queue_id:
            asked["QueueId"] = settings.queue_id
        else:
            asked["SourcePhoneNumber"] = settings.source_phone_number
        if request.detect_machine:
            asked["TrafficType"] = "CAMPAIGN"
            asked["CampaignId"] = "ringfence"
            asked["AnswerMachineDetectionConfig"] = {
                "EnableAnswerMachineDetection": True,
                "AwaitAnswerMachinePrompt": True,
            }
        return asked


def end_of(contact: Contact) -> tuple[CallEnd, str]:
    """How a contact's call ended, in our words."""
    if contact.machine in _SIT_TONES:
        return _SIT_TONES[contact.machine]
    reason = contact.disconnect_reason
    if contact.connected_at is not None:
        if reason == "CUSTOMER_DISCONNECT":
            return CallEnd.HUNG_UP, "hung up"
        return CallEnd.COMPLETED, ""
    return _UNANSWERED.get(reason, (CallEnd.NO_ANSWER, reason or "nobody answered"))


async def _ended(journal: Journal, result: CallResult) -> CallResult:
    journal.note(CallEventKind.ENDED, result.end)
    await journal.settled()
    return result
