"""Contact events from a queue: who waits for a contact is woken when something happens to it.

An EventBridge rule for "Amazon Connect Contact Event" puts them into an SQS queue. They come at
least once and in any order, so they only say that it is time to ask. The queue is this line's own,
and is read while there are calls.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import msgspec
import structlog

from ringfence.lines.amazon_connect.client import make_client
from ringfence.lines.amazon_connect.settings import ConnectSettings

_WAIT_SECONDS = 5  # of one request; as long as closing may take
_PAUSE_SECONDS = 5.0  # after the queue could not be read
_log = structlog.get_logger(__name__)


class ContactEvents:
    """The events of a queue, for those who wait for a contact."""

    def __init__(self, settings: ConnectSettings) -> None:
        self._settings = settings
        self._client: Any = None
        self._waiting: dict[str, asyncio.Event] = {}
        self._task: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="contact-events")

    async def stop(self) -> None:
        """Listen no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._thread.shutdown(wait=False, cancel_futures=True)

    def watch(self, contact_id: str) -> asyncio.Event:
        """Set whenever something happens to the contact; `forget` it afterwards."""
        event = self._waiting.setdefault(contact_id, asyncio.Event())
        if self._settings.events_queue_url and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._listen())
        return event

    def forget(self, contact_id: str) -> None:
        """Nobody waits for it any more."""
        self._waiting.pop(contact_id, None)

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            try:
                messages = await loop.run_in_executor(self._thread, self._receive)
            except Exception as error:  # whatever it is: the line asks by itself meanwhile
                _log.error("contact events cannot be read", error=str(error)[:300])
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            for body in messages:
                event = self._waiting.get(contact_of(body))
                if event is not None:
                    event.set()

    def _receive(self) -> list[str]:
        if self._client is None:
            endpoint = self._settings.sqs_endpoint_url or _address(self._settings.events_queue_url)
            self._client = make_client(self._settings, "sqs", endpoint)
        url = self._settings.events_queue_url
        answer = self._client.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=_WAIT_SECONDS
        )
        messages = answer.get("Messages", [])
        if messages:
            self._client.delete_message_batch(
                QueueUrl=url,
                Entries=[
                    {"Id": str(place), "ReceiptHandle": message["ReceiptHandle"]}
                    for place, message in enumerate(messages)
                ],
            )
        return [str(message.get("Body", "")) for message in messages]


def _address(queue_url: str) -> str:
    """Where the queue's own address says that SQS is."""
    parts = urlsplit(queue_url)
    return f"{parts.scheme}://{parts.netloc}"


def contact_of(body: str) -> str:
    """The contact that an event of EventBridge is about; empty for what is no such event."""
    try:
        event = msgspec.json.decode(body)
        return str(event["detail"]["contactId"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return ""
