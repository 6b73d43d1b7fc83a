"""A bank small enough to watch: one detector, customers with a card each, a telephone to script."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from ringfence import cards
from ringfence.cases import (
    Attempt,
    CardAction,
    Case,
    ContactPlan,
    Entry,
    EntryKind,
    attempts_of,
    furnish,
    get_case,
    put_plan,
    timeline_of,
)
from ringfence.cases.calling_back import CallingBack
from ringfence.cases.desk import CaseDesk
from ringfence.cases.opening import CaseOpening
from ringfence.cases.texting import Texting
from ringfence.contacts.contact_centre import ContactCentre
from ringfence.detectors import (
    Decision,
    DecisionEngine,
    Detector,
    Request,
    RuleRef,
    activate_detector_version,
    create_detector_version,
    put_detector,
    put_rule,
)
from ringfence.events import Entity, SentEvent
from ringfence.flows import AnsweredBy, HungUp, Prompt
from ringfence.functions import FunctionRunner
from ringfence.lines import (
    CallEnd,
    CallEventKind,
    CallRequest,
    CallResult,
    Conversation,
    Limits,
    Line,
    Report,
)
from ringfence.lines.holding import Unanswered, hold
from ringfence.lines.journal import Journal
from ringfence.rules import Rule
from ringfence.settings import Settings
from ringfence.storage import Database

EVENT_TYPE = "card_payment"
CUSTOMER = "c1"
PHONE = "+4930123456"
CARD_NUMBER = "4111111111111111"
MERCHANT = "Corner Bakery"
AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)

PLAN = ContactPlan(
    name="call-cardholder",
    outcomes=("call_cardholder",),
    attempts=3,
    spacing_seconds=0.0,
    quiet_hours=None,
)


def plan(**changes: Any) -> ContactPlan:
    """The plan of this bank, changed."""
    return msgspec.structs.replace(PLAN, **changes)


def act(action: CardAction) -> ContactPlan:
    """A plan that does this when a call could not settle the case."""
    return plan(on_unreached=action, on_undecided=action)


def set_up(database: Database, with_plan: ContactPlan = PLAN) -> str:
    """Everything that is needed to decide and call; returns the card of our customer."""
    with database.write() as connection:
        furnish(connection)
        put_plan(connection, with_plan)
        put_detector(connection, Detector(detector_id="bank", event_type=EVENT_TYPE))
        put_rule(
            connection,
            "bank",
            Rule(
                rule_id="large",
                version="1",
                expression="$transaction_amt > 1000",
                outcomes=("call_cardholder",),
            ),
        )
        version = create_detector_version(
            connection, "bank", rules=[RuleRef("large", "1")], models=[]
        )
        activate_detector_version(connection, "bank", version.version)
    return add_customer(database, CUSTOMER, PHONE, CARD_NUMBER)


def add_customer(
    database: Database, customer_id: str, phone: str, card_number: str, language: str | None = None
) -> str:
    """A customer with one card; returns the card's id."""
    details = cards.CustomerDetails(
        customer_id=customer_id, phone_number=phone, last_name="Winter", language=language
    )
    with database.write() as connection:
        cards.put_customer(connection, details, by="test", at=AT)
        return cards.add_card(
            connection, cards.Vault(bytes(32)), customer_id, card_number, by="test", at=AT
        ).card.card_id


def payment(
    event_id: str, card_id: str | None, amount: float = 4155.0, customer_id: str = CUSTOMER
) -> Request:
    """A payment with that card; a suspicious one unless the amount says otherwise."""
    entities = [Entity("customer", customer_id)]
    if card_id is not None:
        entities.append(Entity("card", card_id))
    return Request(
        event_type=EVENT_TYPE,
        sent=SentEvent(
            event_id=event_id,
            at=AT,
            entities=tuple(entities),
            variables={"transaction_amt": amount, "currency": "eur"},
        ),
    )


class Bank:
    """What can be seen of it from outside."""

    def __init__(self, database: Database, card_id: str) -> None:
        self.database = database
        self.card_id = card_id

    def case(self, case_id: str) -> Case:
        with self.database.read() as connection:
            return get_case(connection, case_id)

    def attempts(self, case_id: str) -> list[Attempt]:
        with self.database.read() as connection:
            return list(attempts_of(connection, case_id))

    def ends(self, case_id: str) -> list[str | None]:
        return [attempt.end for attempt in self.attempts(case_id)]

    def timeline(self, case_id: str) -> list[Entry]:
        with self.database.read() as connection:
            return list(timeline_of(connection, case_id))

    def told(self, case_id: str, kind: EntryKind) -> list[str]:
        return [entry.text for entry in self.timeline(case_id) if entry.kind is kind]

    def card(self, card_id: str | None = None) -> cards.Card:
        with self.database.read() as connection:
            return cards.get_card(connection, card_id or self.card_id)

    async def until(self, true: Callable[[], bool], seconds: float = 15.0) -> None:
        """Wait for what must come."""
        async with asyncio.timeout(seconds):
            while not await asyncio.to_thread(true):  # noqa: ASYNC110 - the database has no event
                await asyncio.sleep(0.02)

    async def closed(self, case_id: str) -> Case:
        """The case once it is closed and no call is under way."""
        await self.until(
            lambda: (
                not self.case(case_id).open
                and all(attempt.end for attempt in self.attempts(case_id))
            )
        )
        return self.case(case_id)


class OpenBank(Bank):
    """A bank that decides and calls."""

    def __init__(
        self,
        database: Database,
        card_id: str,
        engine: DecisionEngine,
        desk: CaseDesk,
        centre: ContactCentre,
    ):
        super().__init__(database, card_id)
        self.engine = engine
        self.centre = centre
        self.desk = desk

    async def suspect(self, event_id: str = "e1") -> str:
        """The case that a suspicious payment opens."""
        decision = await self.engine.decide(payment(event_id, self.card_id))
        assert decision.case_id is not None, decision.note
        return decision.case_id


@contextlib.asynccontextmanager
async def open_bank(
    database: Database,
    folder: Path,
    card_id: str,
    lines: Mapping[str, Line],
    texting: Texting | None = None,
) -> AsyncIterator[OpenBank]:
    """The bank of `set_up`, at work."""
    vault = cards.Vault(bytes(32))
    functions = FunctionRunner(database, vault)
    centre = ContactCentre(Settings(data_dir=folder), database, lines, functions, vault)
    desk = CaseDesk(
        database,
        folder,
        centre.calls,
        bank_name="Example Bank",
        caller_number="+15550100000",
        texting=texting,
    )
    engine = DecisionEngine(database, desk.opening)
    centre.receiving.watching = CallingBack(database, centre.calls.talks)
    await centre.start()
    await desk.start()
    try:
        yield OpenBank(database, card_id, engine, desk, centre)
    finally:
        engine.close()
        await desk.stop()
        await centre.stop()
        await functions.close()


@contextlib.contextmanager
def deciding(database: Database) -> Any:
    """`decide(request)`, and the cases that were announced; nobody works them."""
    announced: list[str] = []
    engine = DecisionEngine(database, CaseOpening("Example Bank", announced.append))

    def decide(request: Request) -> Decision:
        return asyncio.run(engine.decide(request))

    try:
        yield decide, announced
    finally:
        engine.close()


class Telephone:
    """A line to one telephone, which does for each call the next thing it was told.

    `1` (any key): picks up, and presses it when asked. ``: picks up and stays silent.
    `hangs up`: picks up, and is gone at the first word. `rings`: nobody hears it, until the ring
    time is over or the call is taken back. `talks`: picks up and answers nothing until told to.
    `machine`: an answering machine takes the call.
    Any `CallEnd`: so it ends. Told no more, it is unreachable.
    """

    name = "browser"
    numbers = None
    limits = Limits()

    def __init__(self, *does: str) -> None:
        self.does = list(does)
        self.dialled: list[CallRequest] = []
        self.heard: list[str] = []
        self.loops: set[asyncio.AbstractEventLoop] = set()
        self.released: list[CallEnd | None] = []
        self.key: asyncio.Event = asyncio.Event()
        self.pressed = ""

    async def call(
        self, request: CallRequest, conversation: Conversation, report: Report
    ) -> CallResult:
        self.dialled.append(request)
        self.loops.add(asyncio.get_running_loop())
        what = self.does.pop(0) if self.does else CallEnd.UNREACHABLE
        return await hold(request, _FarEnd(self, what, request), conversation, report)

    def press(self, key: str) -> None:
        """Answer on a call that `talks`."""
        self.pressed = key
        self.key.set()


class _FarEnd:
    @property
    def answered_by(self) -> AnsweredBy:
        return AnsweredBy.MACHINE_BEEP if self._what == "machine" else AnsweredBy.HUMAN

    def __init__(self, telephone: Telephone, what: str, request: CallRequest) -> None:
        self._telephone = telephone
        self._what = what
        self._request = request
        self._asked = 0
        self._journal: Journal | None = None
        self.left: str | None = None

    async def ring(self, journal: Journal) -> _FarEnd | Unanswered:
        self._journal = journal
        if self._what in set(CallEnd):
            return Unanswered(CallEnd(self._what))
        journal.note(CallEventKind.RINGING)
        if self._what == "rings":
            await asyncio.sleep(self._request.ring_timeout_seconds)
            return Unanswered(CallEnd.NO_ANSWER)
        return self

    def release(self, end: CallEnd | None) -> None:
        self._telephone.released.append(end)

    async def say(self, prompt: Prompt, *, interruptible: bool) -> None:
        assert self._journal is not None
        if self._what == "hangs up":
            self.left = "hung up"
            raise HungUp
        self._telephone.heard.append(prompt.text)
        self._journal.note(CallEventKind.SAID, prompt.text[:80])
        await self._journal.settled()

    async def digit(self, timeout_seconds: float) -> str | None:
        assert self._journal is not None
        key = self._what
        if self._what == "talks":
            await self._telephone.key.wait()
            key = self._telephone.pressed
        if not key:
            return None
        key = key[self._asked] if self._asked < len(key) else None
        self._asked += 1
        if key is not None:
            self._journal.note(CallEventKind.DIGIT, key)
        return key

    def clear_digits(self) -> None:
        """Nothing is pressed ahead."""

    async def pause(self, seconds: float) -> None:
        """Nobody waits."""

    async def record(self, on: bool) -> bool:
        return False

    async def hang_up(self) -> None:
        """The flow ends after it."""
