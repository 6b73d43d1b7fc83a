"""An exchange of RabbitMQ: `amqp://user:password@host:5672/EXCHANGE` or `.../VHOST/EXCHANGE`,
`amqps://` over TLS.

The exchange is a durable topic exchange, or of the type that `?type=` says, and is made when there
is none. Messages are persistent and confirmed, their routing key is the event type's name, and the
property `message_id` is the message's id. Where no queue is bound to, the broker drops them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, quote

from ringfence.errors import InvalidInput
from ringfence.streams.messages import Message
from ringfence.streams.targets.addresses import FIELD, parts_of, read_address, shown
from ringfence.streams.targets.brokers import (
    ANSWER_SECONDS,
    BrokerTarget,
    confirmed,
    require,
)

_TYPES = ("topic", "direct", "fanout", "headers")


class RabbitMQ(BrokerTarget):
    """Publishes to an exchange."""

    def __init__(self, url: str):
        parts = parts_of(url)
        tls = parts.scheme == "amqps"
        self._address = read_address(url, 5671 if tls else 5672, place="exchange", folders=1)
        self._type = parse_qs(parts.query).get("type", ["topic"])[0]
        if self._type not in _TYPES:
            raise InvalidInput(
                f"{self._type!r} is no type of exchange", field=FIELD, expected=", ".join(_TYPES)
            )
        require("rabbitmq", "aio_pika")
        vhost = quote(self._address.folders[0], safe="") if self._address.folders else ""
        self._url = f"{self._address.with_login(parts.scheme)[0]}/{vhost}"
        super().__init__(shown(url))
        self._exchange: Any = None

    async def _connected(self) -> Any:
        from faststream.rabbit import ExchangeType, RabbitBroker, RabbitExchange

        broker = RabbitBroker(self._url, logger=None)
        try:
            await broker.connect()
            self._exchange = RabbitExchange(
                self._address.place, type=ExchangeType(self._type), durable=True
            )
            await broker.declare_exchange(self._exchange)
        except BaseException:
            await broker.stop()
            raise
        return broker

    async def _publish(self, broker: Any, messages: Sequence[Message]) -> int:
        return await confirmed(
            [
                asyncio.ensure_future(
                    broker.publish(
                        message.body,
                        exchange=self._exchange,
                        routing_key=message.event_type,
                        mandatory=False,
                        persist=True,
                        content_type="application/json",
                        message_id=message.message_id,
                        correlation_id=message.message_id,
                        timeout=ANSWER_SECONDS,
                    )
                )
                for message in messages
            ]
        )
