"""A webhook: each message is one POST, signed when there is a secret (`webhook_signatures`)."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ringfence.errors import InvalidInput
from ringfence.streams.messages import Message
from ringfence.streams.targets.addresses import FIELD
from ringfence.streams.targets.target import NotTaken
from ringfence.webhook_signatures import signature, signing_key

if TYPE_CHECKING:
    import httpx2

_TIMEOUT_SECONDS = 10.0
# After that long the messages that were taken are noted before more are sent.
_ROUND_SECONDS = 5.0
# What an endpoint answers to a message that it cannot take, rather than to all of them.
_REFUSALS = frozenset({400, 413, 422})
_LONGEST_WAIT_SECONDS = 300.0


class Webhook:
    """Posts messages to `url`, one after the other on one connection."""

    def __init__(self, url: str, secret: str | None = None):
        parts = urlsplit(url)
        try:
            named = bool(parts.hostname) and parts.port != 0
        except ValueError:
            named = False
        if not named:
            raise InvalidInput("names no host and port", field=FIELD, expected="https://host/path")
        self._url = url
        self._key = None if secret is None else signing_key(secret, "setting orchestration_secret")
        # The path may be the secret, as it is with chat services.
        self.name = f"webhook at {parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self._client: httpx2.AsyncClient | None = None

    async def send(self, messages: Sequence[Message]) -> int:
        """Post them one by one, until one is not taken or it has taken long enough."""
        began = time.monotonic()
        for number, message in enumerate(messages):
            if time.monotonic() - began > _ROUND_SECONDS:
                return number
            await self._post(message, number)
        return len(messages)

    async def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.aclose()

    async def _post(self, message: Message, taken: int) -> None:
        import httpx2

        if self._client is None:
            self._client = httpx2.AsyncClient(timeout=_TIMEOUT_SECONDS, follow_redirects=False)
        timestamp = str(int(time.time()))
        headers = {
            "content-type": "application/json",
            "user-agent": "ringfence",
            "webhook-id": message.message_id,
            "webhook-timestamp": timestamp,
            "idempotency-key": message.message_id,
        }
        if self._key is not None:
            headers["webhook-signature"] = signature(
                self._key, message.message_id, timestamp, message.body
            )
        try:
            # Of the answer only the status is read: it may be as long as it likes.
            async with self._client.stream(
                "POST", self._url, content=message.body, headers=headers
            ) as reply:
                if reply.is_success:
                    # Read to its end, a short answer leaves the connection for the next message.
                    if int(reply.headers.get("content-length") or 0) <= 65_536:
                        await reply.aread()
                    return
                status = reply.status_code
                wait = _seconds(reply.headers.get("retry-after"))
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
            raise NotTaken(_words_of(error), taken=taken) from None
        raise NotTaken(
            f"it answered with status {status}",
            taken=taken,
            refused=status in _REFUSALS,
            wait_seconds=wait,
        )


def _seconds(retry_after: str | None) -> float | None:
    with contextlib.suppress(ValueError):
        return min(max(float(retry_after or ""), 0.0), _LONGEST_WAIT_SECONDS)
    return None


def _words_of(error: Exception) -> str:
    """Without the URL, which some messages repeat."""
    name = type(error).__name__
    return {
        "ConnectError": "it could not be connected to",
        "ConnectTimeout": "it could not be connected to in time",
        "ReadTimeout": f"it did not answer within {_TIMEOUT_SECONDS:g} seconds",
    }.get(name, f"the request failed ({name})")
