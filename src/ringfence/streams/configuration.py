"""Publishing as the settings say."""

from __future__ import annotations

from datetime import timedelta

from ringfence.settings import Settings
from ringfence.storage import Database
from ringfence.streams.contact_events import ContactComposer
from ringfence.streams.messages import Origin
from ringfence.streams.outbox import CONTACTS
from ringfence.streams.publisher import DecisionPublisher, Publisher
from ringfence.streams.targets import Target, open_target


def publisher_of(settings: Settings, database: Database) -> DecisionPublisher:
    """The publisher of this process. Started, it publishes; otherwise it only puts down, and a
    server publishes that within seconds. Raises `InvalidInput` for settings that do not fit."""
    return DecisionPublisher(
        database,
        target_of(settings),
        origin=origin_of(settings),
        keep=timedelta(days=settings.orchestration_keep_days),
    )


def contact_publisher_of(settings: Settings, database: Database) -> Publisher:
    """The publisher of contact events and records. Raises `InvalidInput`."""
    url, secret = settings.contact_events_url, settings.contact_events_secret
    target = None
    if url is not None:
        target = open_target(url.get_secret_value(), secret.get_secret_value() if secret else None)
    origin = Origin(region=settings.aws_region, account=settings.aws_account_id)
    keep = timedelta(days=settings.orchestration_keep_days)
    return Publisher(database, CONTACTS, ContactComposer(origin), target, keep)


def target_of(settings: Settings) -> Target | None:
    """The target of `orchestration_url`; None when that is unset. Raises `InvalidInput`."""
    url, secret = settings.orchestration_url, settings.orchestration_secret
    if url is None:
        return None
    return open_target(url.get_secret_value(), secret.get_secret_value() if secret else None)


def origin_of(settings: Settings) -> Origin:
    """What messages name as their region and account."""
    return Origin(region=settings.orchestration_region, account=settings.aws_account_id)
