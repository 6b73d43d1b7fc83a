"""A topic of Kafka: `kafka://host:9092,host:9092/TOPIC`, `kafkas://` over TLS; a login is SASL
PLAIN.

The key is whom the event is about, so that messages about one customer stay in order. All replicas
acknowledge, and the producer is idempotent; the message's id is in the header `id`.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

from ringfence.streams.messages import Message
from ringfence.streams.targets.addresses import parts_of, read_address, shown
from ringfence.streams.targets.brokers import (
    ANSWER_SECONDS,
    BrokerTarget,
    confirmed,
    require,
)


class Kafka(BrokerTarget):
    """Publishes to a topic."""

    def __init__(self, url: str):
        self._address = read_address(url, 9092, place="topic")
        self._tls = parts_of(url).scheme == "kafkas"
        require("kafka", "aiokafka")
        super().__init__(shown(url))

    async def _connected(self) -> Any:
        from faststream.kafka import KafkaBroker

        broker = KafkaBroker(
            list(self._address.servers),
            client_id="ringfence",
            acks="all",
            enable_idempotence=True,
            request_timeout_ms=int(ANSWER_SECONDS * 1_000),
            security=self._security(),
            logger=None,
        )
        try:
            await broker.connect()
        except BaseException:
            await broker.stop()
            raise
        return broker

    async def _publish(self, broker: Any, messages: Sequence[Message]) -> int:
        # Handed over one after the other, so that they are in order; confirmed together.
        return await confirmed(
            [
                await broker.publish(
                    message.body,
                    self._address.place,
                    key=message.subject.encode(),
                    headers={"id": message.message_id, "content-type": "application/json"},
                    correlation_id=message.message_id,
                    no_confirm=True,
                )
                for message in messages
            ]
        )

    def _security(self) -> Any:
        from faststream.security import BaseSecurity, SASLPlaintext

        context = ssl.create_default_context() if self._tls else None
        user = self._address.user
        if user is None:
            return BaseSecurity(ssl_context=context, use_ssl=self._tls)
        return SASLPlaintext(
            unquote(user),
            unquote(self._address.password or ""),
            ssl_context=context,
            use_ssl=self._tls,
        )
