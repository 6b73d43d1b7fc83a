"""The contact centre of a process: what calls and their flows need, opened together."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import structlog

from ringfence.cards import Vault
from ringfence.contacts import block_credit_card
from ringfence.contacts.announcements import Announcer, ContactEvent
from ringfence.contacts.block_credit_card import BlockCreditCard
from ringfence.contacts.call_recordings import CallRecordings
from ringfence.contacts.callbacks import Callbacks
from ringfence.contacts.calls import INTERRUPTED, Calls
from ringfence.contacts.directory import Directory, Means
from ringfence.contacts.dispatching import Dispatcher
from ringfence.contacts.flow_logs import FlowLog
from ringfence.contacts.lost_places import sweep_places
from ringfence.contacts.message_providers import open_provider
from ringfence.contacts.message_sender import MessageSender
from ringfence.contacts.places import PlaceKind
from ringfence.contacts.providing import Provider
from ringfence.contacts.receiving import Receiving
from ringfence.contacts.records import disconnected
from ringfence.contacts.sounds import Sounds
from ringfence.contacts.talks import Invoker, RecordingTerms, Talks
from ringfence.contacts.waiting_room import WaitingRoom
from ringfence.flows import Channel
from ringfence.lines import Line
from ringfence.settings import Settings
from ringfence.storage import Database, now

_SWEEP_SECONDS = 3600.0
_log = structlog.get_logger(__name__)


class ContactCentre:
    """Start and stop it on the event loop that has the lines.

    Raises `InvalidInput` for settings that do not fit.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        lines: Mapping[str, Line],
        functions: Invoker,
        vault: Vault,
    ):
        self._database = database
        announcer = Announcer(
            settings.aws_region,
            settings.aws_account_id,
            on=settings.contact_events_url is not None,
        )
        self._announcer = announcer
        self._flow_log = FlowLog(database, keep_days=settings.flow_log_days)
        self.providers = _providers(settings)
        self._sender = MessageSender(database, self.providers)
        self.room = WaitingRoom(
            database, announcer, after_contact_seconds=settings.after_contact_seconds
        )
        folder = settings.prompts_folder
        self.directory = Directory(
            Means(
                database,
                announcer,
                self.room,
                Sounds(None if folder is None else Path(folder)),
                self._sender,
                region=settings.aws_region,
                account=settings.aws_account_id,
            )
        )
        self.recordings = CallRecordings(
            database,
            vault,
            settings.recordings_folder or settings.data_dir / "recordings",
            keep_days=settings.recordings_days,
        )
        talks = Talks(
            database,
            self.directory,
            functions,
            announcer,
            self._flow_log,
            built_ins={block_credit_card.NAME: BlockCreditCard(database)},
            recording=RecordingTerms(
                self.recordings if settings.recordings != "off" else None,
                settings.recordings == "all",
                settings.recordings_announcement,
            ),
            sensitive=frozenset(settings.sensitive_attributes),
        )
        dispatcher = Dispatcher(lines, calls_at_once=settings.calls_at_once)
        self.calls = Calls(talks, lines, dispatcher)
        self.receiving = Receiving(
            talks,
            dispatcher,
            language=settings.customer_language,
            bank_name=settings.bank_name,
        )
        self._lines = lines
        self._sweeping: asyncio.Task[None] | None = None
        self._callbacks = Callbacks(lines, self.room, dispatcher)

    async def start(self) -> None:
        """Put in order what a crash left behind, and begin."""
        self._flow_log.start()
        self._sender.start()
        await asyncio.to_thread(self._sweep)
        await self.calls.start()
        self.receiving.start(self._lines)
        self._callbacks.start()
        self._sweeping = asyncio.create_task(self._sweep_recordings())

    async def stop(self) -> None:
        """Hang up every call. What is still to be sent or made is so after the next start."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        await self._callbacks.stop()
        await self.calls.stop()
        await asyncio.to_thread(self._sender.close)
        await asyncio.to_thread(self._flow_log.close)

    async def _sweep_recordings(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self.recordings.sweep)
            except Exception as error:
                _log.error("old recordings could not be deleted", error=str(error))
            await asyncio.sleep(_SWEEP_SECONDS)

    def wake_sender(self) -> None:
        """A message was put into the outbox: hand it over at once."""
        self._sender.wake()

    def _sweep(self) -> None:
        with self._database.write() as connection:
            for place in sweep_places(connection, now()):
                if place.kind is not PlaceKind.CALLBACK:
                    continue  # its call is closed with all others that were cut off
                closed = disconnected(connection, place.contact_id, now(), INTERRUPTED)
                if closed is not None:
                    self._announcer.tell(connection, ContactEvent.DISCONNECTED, closed)


def _providers(settings: Settings) -> Mapping[Channel, Provider]:
    secret = settings.messages_secret
    found: dict[Channel, Provider] = {}
    for channel, url, sender, field in (
        (Channel.SMS, settings.sms_url, settings.sms_sender, "sms_url"),
        (Channel.EMAIL, settings.email_url, settings.email_sender, "email_url"),
    ):
        if url is not None:
            found[channel] = open_provider(
                url.get_secret_value(),
                channel,
                field=field,
                secret=secret.get_secret_value() if secret is not None else None,
                sender=sender,
            )
    return found
