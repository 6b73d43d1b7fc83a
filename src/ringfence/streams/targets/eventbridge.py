"""A bus of Amazon EventBridge, or of what answers like it (`AWS_ENDPOINT_URL_EVENTBRIDGE`).

AWS lets nobody but itself put events whose source begins with `aws.`, so they have the source
`ringfence.frauddetector`, or what `?source=` says; a rule that filters by source has to name that.
Region and credentials are found as boto3 finds them, the region also by `?region=`. The bus makes
its own ids: ours is `detail.messageId`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from ringfence.errors import InvalidInput
from ringfence.streams.messages import Message
from ringfence.streams.targets.addresses import FIELD
from ringfence.streams.targets.target import NotTaken

_SOURCE = "ringfence.frauddetector"
_AT_ONCE = 10  # entries of one PutEvents
_CONNECT_SECONDS, _READ_SECONDS = 3, 5
# What PutEvents says of an entry, rather than of the moment or of all of them.
_REFUSALS = frozenset({"InvalidArgument", "MalformedDetail"})


class EventBus:
    """Puts events on the bus that `url` names: `eventbridge://BUS?region=REGION&source=SOURCE`."""

    def __init__(self, url: str):
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        # An ARN has colons, which a host cannot have: eventbridge:///arn%3Aaws%3A... or the name.
        bus = unquote(parts.netloc or parts.path.strip("/"))
        if not bus or (parts.netloc and parts.path.strip("/")):
            raise InvalidInput(
                "does not name an event bus", field=FIELD, expected="eventbridge://default"
            )
        unknown = set(query) - {"region", "source"}
        if unknown:
            raise InvalidInput(
                f"has the unknown option {sorted(unknown)[0]!r}",
                field=FIELD,
                expected="region or source",
            )
        self._bus = bus
        self._region = query.get("region", [None])[0]
        self._source = query.get("source", [_SOURCE])[0]
        self.name = f"event bus {bus}"
        self._client: Any = None

    async def send(self, messages: Sequence[Message]) -> int:
        """Put up to ten of them, which is what one request may have."""
        return await asyncio.to_thread(self._put, messages[:_AT_ONCE])

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _put(self, messages: Sequence[Message]) -> int:
        from botocore.exceptions import BotoCoreError, ClientError

        entries = [
            {
                "Source": self._source,
                "DetailType": message.detail_type,
                "Detail": _detail(message),
                "EventBusName": self._bus,
            }
            for message in messages
        ]
        try:
            if self._client is None:
                self._client = self._connected()
            reply = self._client.put_events(Entries=entries)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            too_large = code == "ValidationException" and len(messages) == 1
            raise NotTaken(f"it answered {error}", refused=too_large) from None
        except BotoCoreError as error:
            raise NotTaken(str(error)) from None
        for number, entry in enumerate(reply["Entries"]):
            if code := entry.get("ErrorCode"):
                raise NotTaken(
                    f"it answered {code}: {entry.get('ErrorMessage', '')}",
                    taken=number,
                    refused=code in _REFUSALS,
                )
        return len(messages)

    def _connected(self) -> Any:
        import boto3
        from botocore.config import Config

        # The outbox tries again; what boto3 would do on its own takes longer than a round may.
        return boto3.client(
            "events",
            region_name=self._region,
            config=Config(
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=_READ_SECONDS,
                retries={"total_max_attempts": 1},
            ),
        )


def _detail(message: Message) -> str:
    detail = msgspec.json.decode(message.detail)
    return msgspec.json.encode(detail | {"messageId": message.message_id}).decode()
