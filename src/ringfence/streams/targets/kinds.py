"""The kinds of targets, by the scheme of their URL."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ringfence.errors import InvalidInput
from ringfence.streams.targets.addresses import FIELD
from ringfence.streams.targets.eventbridge import EventBus
from ringfence.streams.targets.files import File
from ringfence.streams.targets.kafka import Kafka
from ringfence.streams.targets.nats import Nats
from ringfence.streams.targets.rabbitmq import RabbitMQ
from ringfence.streams.targets.redis import Redis
from ringfence.streams.targets.target import Target
from ringfence.streams.targets.webhook import Webhook

_WEBHOOKS = ("https", "http")
_KINDS: Mapping[str, Callable[[str], Target]] = {
    "file": File,
    "nats": Nats,
    "kafka": Kafka,
    "kafkas": Kafka,
    "amqp": RabbitMQ,
    "amqps": RabbitMQ,
    "redis": Redis,
    "rediss": Redis,
    "eventbridge": EventBus,
}


def open_target(url: str, secret: str | None = None) -> Target:
    """The target of a URL; it connects when there is something to send.

    `secret` signs what is posted to a webhook. Raises `InvalidInput`, which never repeats the URL,
    for one that names no target, needs what is not installed, or cannot have a secret.
    """
    scheme = url.partition(":")[0].lower()
    try:
        if scheme in _WEBHOOKS:
            return Webhook(url, secret)
        make = _KINDS.get(scheme)
        if make is not None and secret is None:
            return make(url)
    except ValueError:
        make = None  # brackets or ports that no URL has
    if make is None:
        raise InvalidInput(
            "is not the URL of a target",
            field=FIELD,
            expected="one that begins with " + ", ".join(f"{k}:" for k in (*_WEBHOOKS, *_KINDS)),
        )
    raise InvalidInput(
        "only webhooks are signed",
        field="setting orchestration_secret",
        expected="no secret, or an http or https URL in orchestration_url",
    )
