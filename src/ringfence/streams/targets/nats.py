"""A subject of NATS, kept by JetStream: `nats://user:password@host:4222/SUBJECT`.

JetStream acknowledges each message, and drops one whose id it has seen in the last two minutes
(or what the stream says). A stream for the subject is made when there is none; it keeps messages
for seven days.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any

from ringfence.streams.messages import Message
from ringfence.streams.targets.addresses import read_address, shown
from ringfence.streams.targets.brokers import (
    ANSWER_SECONDS,
    CONNECT_SECONDS,
    BrokerTarget,
    confirmed,
    require,
)

_KEPT_SECONDS = 7 * 86_400


class Nats(BrokerTarget):
    """Publishes to a subject."""

    def __init__(self, url: str):
        self._address = read_address(url, 4222, place="subject")
        require("nats", "nats")
        super().__init__(shown(url))
        self._stream = ""

    async def _connected(self) -> Any:
        from faststream.nats import NatsBroker

        async def ignore(_error: Exception) -> None:
            """What fails is seen where it is waited for."""

        broker = NatsBroker(
            self._address.with_login("nats"),
            name="ringfence",
            connect_timeout=int(CONNECT_SECONDS),
            # The outbox tries again, with growing pauses, on a connection of its own.
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            error_cb=ignore,
            logger=None,
        )
        client = await broker.connect()
        self._stream = await self._stream_of(client.jetstream(timeout=ANSWER_SECONDS))
        return broker

    async def _publish(self, broker: Any, messages: Sequence[Message]) -> int:
        return await confirmed(
            [
                asyncio.ensure_future(
                    broker.publish(
                        message.body,
                        self._address.place,
                        headers={
                            "Nats-Msg-Id": message.message_id,
                            "content-type": "application/json",
                        },
                        correlation_id=message.message_id,
                        stream=self._stream,
                        timeout=ANSWER_SECONDS,
                    )
                )
                for message in messages
            ]
        )

    async def _stream_of(self, jetstream: Any) -> str:
        from nats.js.errors import NotFoundError

        subject = self._address.place
        try:
            found: str = await jetstream.find_stream_name_by_subject(subject)
        except NotFoundError:
            found = f"RINGFENCE_{re.sub('[^0-9A-Za-z]', '_', subject)}"
            await jetstream.add_stream(name=found, subjects=[subject], max_age=_KEPT_SECONDS)
        return found
