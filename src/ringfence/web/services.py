"""Everything a request may need, opened once per process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ringfence.access import KeyRing, Sessions, SigningKeys
from ringfence.aws.connect import service as connect_service
from ringfence.aws.connect.service import Connect
from ringfence.aws.frauddetector.fields import name_member
from ringfence.aws.frauddetector.service import TARGET_PREFIX, FraudDetector, operations
from ringfence.aws.gateway import Gateway
from ringfence.aws.jobs.job import JobKind
from ringfence.aws.jobs.runner import JobRunner
from ringfence.aws.lambda_ import service as lambda_service
from ringfence.aws.lambda_.service import Lambda
from ringfence.aws.signing import Verifier
from ringfence.aws.throttling import Throttle
from ringfence.aws.wire.json_service import JsonService
from ringfence.aws.wire.rest_service import RestService
from ringfence.cards import CustomerMaster, Vault, open_master, open_vault
from ringfence.cases.calling_back import CallingBack
from ringfence.cases.desk import CaseDesk
from ringfence.cases.texting import Texting
from ringfence.contacts.contact_centre import ContactCentre
from ringfence.detectors import DecisionEngine
from ringfence.flows import Channel
from ringfence.functions import FunctionRunner
from ringfence.lines import BrowserLine, Line, Synthesizer
from ringfence.lines.opening import Surroundings, open_lines
from ringfence.lines.speech.choosing import engine_choice
from ringfence.lines.speech.polly import PollyTerms
from ringfence.lines.switch import Switch
from ringfence.settings import Settings
from ringfence.storage import Database
from ringfence.streams import contact_publisher_of, publisher_of
from ringfence.web.drift_watch import DriftWatch
from ringfence.web.retraining_schedule import RetrainingClock
from ringfence.web.telemetry import Telemetry
from ringfence.web.warming import warm_up


@dataclass(frozen=True, slots=True)
class Services:
    """The open parts of a running server."""

    settings: Settings
    database: Database
    vault: Vault
    customers: CustomerMaster
    keys: KeyRing
    sessions: Sessions
    engine: DecisionEngine
    desk: CaseDesk
    phones: BrowserLine
    lines: Mapping[str, Line]
    functions: FunctionRunner
    centre: ContactCentre
    drift: DriftWatch
    retraining: RetrainingClock
    aws: Gateway

    @contextmanager
    def redefine(self) -> Iterator[Connection]:
        """A transaction that changes definitions; this process decides by them once it is done."""
        with self.database.write() as connection:
            yield connection
        self.engine.catalog.look_again()


@asynccontextmanager
async def open_services(
    settings: Settings, database: Database, telemetry: Telemetry
) -> AsyncIterator[Services]:
    """Open everything over a migrated `database`, start working cases, and close it all again."""
    vault = open_vault(
        settings.data_dir,
        settings.vault_secret,
        database,
    )
    customers = open_master(
        settings.customers_url,
        database,
        vault,
        card_numbers=settings.customers_card_numbers,
        refresh_seconds=settings.customers_refresh_seconds,
        timeout_seconds=settings.customers_timeout_seconds,
        language=settings.customer_language,
    )
    await customers.start()
    synthesizer = _synthesizer(settings)
    switch = Switch()
    phones = BrowserLine(synthesizer, switch)
    opened = AsyncExitStack()
    opened.callback(synthesizer.close)
    surroundings = Surroundings(synthesizer, settings.data_dir, settings.public_url, switch)
    configured = await opened.enter_async_context(open_lines(settings.lines, surroundings))
    lines: dict[str, Line] = {phones.name: phones, **configured}
    functions = FunctionRunner(
        database, vault, region=settings.aws_region, account=settings.aws_account_id
    )
    centre = ContactCentre(settings, database, lines, functions, vault)
    desk = CaseDesk(
        database,
        settings.data_dir,
        centre.calls,
        bank_name=settings.bank_name,
        caller_number=settings.caller_number,
        texting=Texting(
            vault,
            public_url=settings.public_url,
            sender=settings.sms_sender,
            takes_texts=Channel.SMS in centre.providers,
            outbox=centre.wake_sender,
        ),
    )
    centre.receiving.watching = CallingBack(database, centre.calls.talks)
    publisher = publisher_of(settings, database)
    contact_publisher = contact_publisher_of(settings, database)
    engine = DecisionEngine(database, desk.opening, publisher)
    drift = DriftWatch(database, settings)
    retraining = RetrainingClock(settings, database)
    jobs = JobRunner(settings, database, most={JobKind.TRAINING: settings.trainings_at_once})
    await functions.start()
    await centre.start()
    await desk.start()
    drift.start()
    retraining.start()
    jobs.start()
    publisher.start()
    contact_publisher.start()
    warming = asyncio.create_task(asyncio.to_thread(warm_up, database, engine, synthesizer))
    try:
        yield Services(
            settings=settings,
            database=database,
            vault=vault,
            customers=customers,
            keys=KeyRing(database),
            sessions=Sessions(database),
            engine=engine,
            desk=desk,
            phones=phones,
            lines=lines,
            functions=functions,
            centre=centre,
            drift=drift,
            retraining=retraining,
            aws=_aws_gateway(
                FraudDetector(settings, database, vault, engine, jobs, customers),
                Lambda(database, functions),
                Connect(settings, database, centre.calls, lines, engine.catalog.look_again),
                telemetry,
            ),
        )
    finally:
        await warming
        await asyncio.to_thread(jobs.close)
        await asyncio.to_thread(retraining.close)
        await asyncio.to_thread(drift.close)
        engine.close()
        await asyncio.to_thread(publisher.close)
        await centre.calls.talks.drain(settings.drain_seconds)
        await desk.stop()
        await centre.stop()
        await asyncio.to_thread(contact_publisher.close)
        await opened.aclose()
        await functions.close()
        await customers.close()


def _synthesizer(settings: Settings) -> Synthesizer:
    polly = PollyTerms(
        settings.polly_region,
        settings.polly_engine,
        settings.polly_url,
        settings.polly_timeout_seconds,
    )
    return Synthesizer(engine_choice(settings.speech_engine, settings.speech_voices, polly))


def _aws_gateway(
    frauddetector: FraudDetector, functions: Lambda, connect: Connect, telemetry: Telemetry
) -> Gateway:
    settings = frauddetector.settings
    service = JsonService(
        "frauddetector",
        TARGET_PREFIX,
        frauddetector,
        operations,
        settings.aws_account_id,
        name_member,
    )
    throttle = Throttle(settings.aws_requests_per_second)
    verifier = Verifier(
        SigningKeys(frauddetector.database, frauddetector.vault),
        account_id=settings.aws_account_id,
        accept_any=settings.aws_accept_any_key,
    )
    rest_throttle = Throttle(
        settings.connect_requests_per_second, settings.connect_requests_at_once
    )
    rest_services: list[RestService[Any]] = [
        RestService(
            lambda_service.NAME,
            functions,
            lambda_service.operations,
            settings.aws_account_id,
            lambda_service.ERROR_NAMES,
            lambda_service.name_member,
        ),
        RestService(
            "connect",
            connect,
            connect_service.operations,
            settings.aws_account_id,
            connect_service.ERROR_NAMES,
            connect_service.name_member,
        ),
    ]
    return Gateway(
        verifier, throttle, [service], rest_services, rest_throttle, telemetry.aws_answered
    )
