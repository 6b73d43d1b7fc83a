"""The line over Amazon Connect: it places calls, follows their contacts, and tells what came of
them. The conversation is a flow over there."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

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
from ringfence.lines.dialled import Dialled
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
from ringfence.lines.proving import Step, TestTalk

_SLOW_POLL_SECONDS = 10.0  # where events tell that something has happened
_LONGEST_POLL_SECONDS = 5.0
_PATIENCE_SECONDS = 600.0  # for an instance that cannot be reached while a call is in progress
_APPEARING_SECONDS = 30.0  # in which a new contact may be unknown
_CLOSING_SECONDS = 5.0
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
    "CUSTOMER_DISCONNECT": (CallEnd.REJECTED, "the call was declined"),
    "EXPIRED": (CallEnd.NO_ANSWER, "it was not answered in time"),
}
# These end a conversation, so there was one, also where no time of its beginning is told.
_CONVERSED = frozenset({"CONTACT_FLOW_DISCONNECT", "AGENT_DISCONNECT", "THIRD_PARTY_DISCONNECT"})
_BROKE = frozenset({"TELECOM_PROBLEM", "OUTBOUND_RESOURCE_ERROR"})
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
        self.numbers: frozenset[str] | None = settings.all_numbers
        self._settings = settings
        self._client = ConnectClient(settings)
        self._events = ContactEvents(settings)
        self._dialled = Dialled()
        self._ending: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        """See the calls that were given up hung up, for a few seconds, and let go of AWS."""
        if self._ending:
            _, late = await asyncio.wait(self._ending, timeout=_CLOSING_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._events.stop()
        self._client.close()

    async def call(
        self, request: CallRequest, conversation: Conversation, report: Report
    ) -> CallResult:
        """See `Line.call`. `conversation` is not held: the flow over there is."""
        async with Journal(report) as journal:
            if not self._dialled.add(request.call_id):
                text = f"{request.call_id} was dialled before"
                return await _ended(journal, CallResult(CallEnd.FAILED, None, utc_now(), text))
            journal.note(CallEventKind.DIALLED, request.to_number)
            try:
                result = await self._placed(request, journal)
            except NotAnswered as error:
                result = CallResult(error.end, None, utc_now(), error.detail)
            except Exception as error:
                detail = f"{type(error).__name__}: {error}"
                result = CallResult(CallEnd.FAILED, None, utc_now(), detail)
            return await _ended(journal, result)

    async def prove(self, request: CallRequest) -> AsyncIterator[Step]:
        """See `Provable.prove`. What is said, and which keys arrive, only the flow knows."""
        trial = TestTalk()
        result = await self.call(request, trial.talk, trial.report)
        yield trial.steps(result)[0]
        if result.end.answered:
            yield _flow_step(set(result.attributes) - set(request.attributes))

    async def _placed(self, request: CallRequest, journal: Journal) -> CallResult:
        wanted = True
        starting = asyncio.ensure_future(
            self._client.start_call(self._request(request), lambda: wanted)
        )
        try:
            contact_id = await asyncio.shield(starting)
        except asyncio.CancelledError:
            # A request that is on its way rings all the same: whoever it rings is let go of.
            wanted = False
            self._spawn(self._give_up(starting))
            raise
        journal.note(CallEventKind.RINGING)
        try:
            return await self._follow(contact_id, journal)
        except asyncio.CancelledError:
            self._spawn(self._hang_up(contact_id))
            raise
        finally:
            self._events.forget(contact_id)

    async def _give_up(self, starting: asyncio.Future[str]) -> None:
        with suppress(NotAnswered):
            await self._hang_up(await starting)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _follow(self, contact_id: str, journal: Journal) -> CallResult:
        loop = asyncio.get_running_loop()
        happened = self._events.watch(contact_id)
        heard_of_at = began = loop.time()
        answered_at: datetime | None = None
        pause = self._settings.poll_seconds
        stopped = False
        while True:
            await self._pause(happened, pause)
            try:
                contact = await self._client.contact(contact_id)
                heard_of_at = loop.time()
            except (NotAnswered, ContactGone) as error:
                passing = isinstance(error, NotAnswered) and error.passing
                patience = _PATIENCE_SECONDS if passing else _APPEARING_SECONDS
                if loop.time() - heard_of_at > patience:
                    # Nobody may talk on in a call that is taken for over.
                    await self._hang_up(contact_id)
                    text = f"the contact {contact_id} cannot be followed: {error}"
                    return CallResult(CallEnd.FAILED, answered_at, utc_now(), text)
                continue
            picked_up = contact.connected_at is not None and contact.machine not in _SIT_TONES
            if picked_up and answered_at is None:
                answered_at = contact.connected_at
                journal.note(CallEventKind.ANSWERED)
                pause = self._settings.poll_seconds
            if contact.disconnected_at is not None:
                return await self._over(contact_id, contact)
            if not stopped and loop.time() - began > self._settings.longest_call_seconds:
                stopped = True
                await self._hang_up(contact_id)
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
        end, detail = end_of(contact)
        if end.answered or contact.connected_at is not None:
            try:
                attributes = await self._client.attributes(contact_id)
            except (NotAnswered, ContactGone) as error:
                _log.error("attributes are lost", contact_id=contact_id, error=str(error))
                detail = f"{detail + '; ' if detail else ''}its attributes are lost: {error}"
        answered = None if contact.machine in _SIT_TONES else contact.connected_at
        listened = answered is not None and contact.machine != ""
        return CallResult(
            end,
            answered,
            contact.disconnected_at or utc_now(),
            detail,
            _MACHINES.get(contact.machine, AnsweredBy.UNKNOWN) if listened else None,
            attributes,
        )

    async def _hang_up(self, contact_id: str) -> None:
        try:
            await self._client.stop(contact_id)
        except NotAnswered as error:
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
        if source := settings.source_for(request.from_number):
            asked["SourcePhoneNumber"] = source
        if request.detect_machine and settings.machine_detection:
            asked["TrafficType"] = "CAMPAIGN"
            asked["AnswerMachineDetectionConfig"] = {
                "EnableAnswerMachineDetection": True,
                "AwaitAnswerMachinePrompt": settings.await_beep,
            }
            if settings.campaign_id:
                asked["CampaignId"] = settings.campaign_id
        return asked


def end_of(contact: Contact) -> tuple[CallEnd, str]:
    """How a contact's call ended, in our words."""
    if contact.machine in _SIT_TONES:
        return _SIT_TONES[contact.machine]
    reason = contact.disconnect_reason
    if contact.connected_at is not None:
        if reason == "CUSTOMER_DISCONNECT":
            return CallEnd.HUNG_UP, "hung up"
        if reason in _BROKE:
            return CallEnd.FAILED, f"the call broke ({reason})"
        return CallEnd.COMPLETED, ""
    if reason in _CONVERSED:
        return CallEnd.COMPLETED, ""
    return _UNANSWERED.get(reason, (CallEnd.NO_ANSWER, reason or "nobody answered"))


def _flow_step(left: set[str]) -> Step:
    if left:
        return Step("flow", True, f"the flow left these attributes: {', '.join(sorted(left))}")
    return Step(
        "flow",
        None,
        "the flow left no attribute: no key was pressed, or it has no block that stores the answer",
    )


async def _ended(journal: Journal, result: CallResult) -> CallResult:
    journal.note(CallEventKind.ENDED, result.end)
    try:
        await journal.settled()
    except Exception as error:
        detail = result.detail or f"not all of the call could be reported: {error}"
        return replace(result, detail=detail)
    return result
