"""A stream of Redis or Valkey: `redis://user:password@host:6379/STREAM` or `.../DATABASE/STREAM`,
`rediss://` over TLS.

Each entry has one field, `__data__` as FastStream calls it, with the message. `?maxlen=` lets the
server drop the oldest entries beyond about that many; without it the stream is for its readers to
trim. Messages of a round are added together or not at all.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

from ringfence.errors import InvalidInput
from ringfence.streams.messages import Message
from ringfence.streams.targets.addresses import FIELD, parts_of, read_address, shown
from ringfence.streams.targets.brokers import (
    ANSWER_SECONDS,
    CONNECT_SECONDS,
    BrokerTarget,
    require,
)


class Redis(BrokerTarget):
    """Adds to a stream."""

    def __init__(self, url: str):
        parts = parts_of(url)
        self._address = read_address(url, 6379, place="stream", folders=1)
        database = self._address.folders[0] if self._address.folders else "0"
        if not database.isdecimal():
            raise InvalidInput(
                f"{database!r} is no number of a database",
                field=FIELD,
                expected="redis://host:6379/0/STREAM",
            )
        most = parse_qs(parts.query).get("maxlen", [None])[0]
        if most is not None and (not most.isdecimal() or int(most) < 1):
            raise InvalidInput(
                f"{most!r} is no length", field=FIELD, expected="maxlen=1000000 or so"
            )
        self._most = int(most) if most else None
        require("redis", "redis")
        self._url = f"{self._address.with_login(parts.scheme)[0]}/{database}"
        super().__init__(shown(url))

    async def _connected(self) -> Any:
        from faststream.redis import RedisBroker

        broker = RedisBroker(
            self._url,
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            message_format=_bare_format(),
            logger=logging.getLogger(__name__),
        )
        await broker.connect()
        return broker

    async def _publish(self, broker: Any, messages: Sequence[Message]) -> int:
        client = await broker.connect()
        async with client.pipeline(transaction=True) as together:
            for message in messages:
                await broker.publish(
                    message.body,
                    stream=self._address.place,
                    maxlen=self._most,
                    correlation_id=message.message_id,
                    pipeline=together,
                )
            await together.execute()
        return len(messages)


def _bare_format() -> Any:
    """FastStream's formats wrap a message in its headers, which other clients cannot read. Its own
    readers take the message as it stands, too."""
    from faststream.redis.parser import MessageFormat

    class Bare(MessageFormat):
        @classmethod
        async def encode(cls, *, message: Any, **_: Any) -> bytes:
            return bytes(message)

        @classmethod
        def parse(cls, data: bytes) -> tuple[bytes, dict[str, Any]]:
            return data, {}

    return Bare
